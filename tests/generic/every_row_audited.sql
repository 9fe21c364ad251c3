{% test every_row_audited(model, source_model, source_table, id='id', only='true') %}
{% set source_ids %}select {{ id }}::varchar as id from {{ source_model }} where {{ only }}{% endset %}
{% set audited_ids %}select source_id as id from {{ model }} where source_table = '{{ source_table }}'{% endset %}
(({{ source_ids }}) except ({{ audited_ids }}))
union all
(({{ audited_ids }}) except ({{ source_ids }}))
{% endtest %}
