{% test column_types(model) %}
{%- set file = waiting_file(model) %}
{%- if file is none %}{{ return('select 1 where false') }}{% endif %}
{%- set models = graph.nodes.values() | selectattr('resource_type', 'eq', 'model') %}
{%- set node = models | selectattr('name', 'eq', model.identifier) | first %}
with promised as (
    select * from (values
        {%- for column in node.columns.values() %}
        {%- set type = column.data_type | upper %}
        ({{ loop.index }}, {{ literal(column.name) }}, {{ literal(type) }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) as t(place, column_name, column_type)
),

written as (
    select row_number() over () as place, column_name, column_type from (describe select * from {{ parquet(file) }})
)

select * from promised as p full join written as w using (place)
where p.column_name is distinct from w.column_name or p.column_type is distinct from w.column_type
{% endtest %}
