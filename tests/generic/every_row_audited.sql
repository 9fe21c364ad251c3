{% test every_row_audited(model, sources) %}
with rows as (
    {% for source in sources %}
    select {{ literal(source.table) }} as source_table, {{ source.get('id', 'id') }}::varchar as source_id
    from {{ source.model }}
    where {{ source.get('only', 'true') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

audited as (select source_table, source_id from {{ model }})

((from rows) except (from audited))
union all
((from audited) except (from rows))
{% endtest %}
