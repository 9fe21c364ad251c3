{% test unique_row(model, keys) %}
select {{ keys | join(', ') }} from {{ model }} group by all having count(*) > 1
{% endtest %}
