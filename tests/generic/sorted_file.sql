{% test sorted_file(model, keys) %}
{%- set file = waiting_file(model) %}
{%- if file is none %}{{ return('select 1 where false') }}{% endif %}
{%- set row = 'row(' ~ keys | join(', ') ~ ')' %}
select * from (
  select {{ keys | join(', ') }}, {{ row }} > lag({{ row }}) over (order by file_row_number) as is_after
  from {{ parquet(file, ', file_row_number = true') }}
)
where not is_after
{% endtest %}
