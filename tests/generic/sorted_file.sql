{#
    Windows without an order take the rows as they come, in one pass: file_row_number shows that they come as they stand
    in the file.
#}
{% test sorted_file(model, keys) %}
{%- set file = waiting_file(model) %}
{%- if file is none %}{{ return('select 1 where false') }}{% endif %}
{%- set row = 'row(' ~ keys | join(', ') ~ ')' %}
select * from (
    select
        {{ keys | join(', ') }},
        {{ row }} > lag({{ row }}) over () as is_after,
        file_row_number = lag(file_row_number) over () + 1 as is_next
    from {{ parquet(file, ', file_row_number = true') }}
)
where not is_after or not is_next
{% endtest %}
