{#
  The rows of a published file are strictly ascending by `keys`: sorted as promised, and no two with the same keys. Asked of
  the file that waits for publication, in the order in which its rows stand there.
#}
{% test sorted_file(model, keys) %}
{%- set file = exact_path((publisher('locate').part if execute else '') ~ '/' ~ model.identifier ~ '.parquet') %}
{%- set row = 'row(' ~ keys | join(', ') ~ ')' %}
select * from (
  select {{ keys | join(', ') }}, {{ row }} > lag({{ row }}) over (order by file_row_number) as is_after
  from {{ parquet(file, ', file_row_number = true') }}
)
where not is_after
{% endtest %}
