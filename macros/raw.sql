{# DuckDB takes paths for globs, and another site's folder could fit. #}
{% macro exact_path(path) -%}
    {{ return(literal(path | replace('[', '[[]') | replace('*', '[*]') | replace('?', '[?]'))) }}
{%- endmacro %}

{% macro parquet(file, options='') -%}
    {{ return('read_parquet(' ~ file ~ ', hive_partitioning = false' ~ options ~ ')') }}
{%- endmacro %}

{# source() is called for the lineage only. #}
{% macro raw_file(schema, table) -%}
    {%- do source(schema, table) -%}
    {{ return(exact_path(setting('data_dir') ~ '/' ~ schema ~ '.' ~ table ~ '.parquet')) }}
{%- endmacro %}

{# Which files there are is known since on-run-start, when loader/publisher.py looked at every one once. #}
{% macro extracted(schema, table) %}
    {%- do source(schema, table) -%}
    {%- if not execute or (schema == 'blazar' and not setting('has_blazar')) %}{{ return(false) }}{% endif -%}
    {{ return((schema ~ '.' ~ table) in publisher('tables').tables) }}
{% endmacro %}

{% macro catalogued(schema, table) %}
    {%- set tables = graph.sources.values() | selectattr('source_name', 'eq', schema) -%}
    {{ return(tables | selectattr('name', 'eq', table) | first) }}
{% endmacro %}

{% macro raw_columns(schema, table) %}
    {{ return(publisher('tables').tables[schema ~ '.' ~ table]) }}
{% endmacro %}

{% macro lacking_columns(schema, table, have) %}
    {%- set lacking = [] -%}
    {%- set columns = catalogued(schema, table).columns.values() -%}
    {%- for column in columns if column.config.meta.get('required') and column.name not in have -%}
        {%- do lacking.append(column.name) -%}
    {%- endfor -%}
    {{ return(lacking) }}
{% endmacro %}

{# A key or name that is empty names nothing; the shortest text of a FLOAT is 1.1, not 1.10000002384. #}
{% macro raw_column(column, have) %}
    {%- set value = '"' ~ column.name ~ '"' if column.name in have else 'null' -%}
    {%- set vanished = '"_vanished_at"' if column.name == 'deleted_at' and '_vanished_at' in have else none -%}
    {%- if column.data_type == 'varchar' -%}
        {{ return("nullif(" ~ value ~ "::varchar, '')") }}
    {%- elif column.data_type == 'double' -%}
        {{ return(value ~ '::varchar::double') }}
    {%- elif vanished -%}
        {{ return('coalesce(' ~ value ~ '::timestamp, ' ~ vanished ~ '::timestamp)') }}
    {%- endif -%}
    {{ return(value ~ '::' ~ column.data_type) }}
{% endmacro %}

{# A missing required column stopped the run in check_run. #}
{% macro raw(schema, table) %}
    {%- set file = raw_file(schema, table) -%}
    {%- if not execute %}{{ return('select 1 as id') }}{% endif -%}
    {%- set found = extracted(schema, table) -%}
    {%- set have = raw_columns(schema, table) if found else [] -%}
    select
        {%- for column in catalogued(schema, table).columns.values() %}
        {{ raw_column(column, have) }} as "{{ column.name }}"{{ ',' if not loop.last }}
        {%- endfor %}
    {% if found %}from {{ parquet(file) }}{% else %}where false{% endif %}
{% endmacro %}

{# The archived row of a kept one that has vanished knows when it was deleted. #}
{% macro raw_archived(schema, table, key='id') %}
    {%- set archive = 'shadow_' ~ table -%}
    {%- do source(schema, archive) -%}
    {%- if not extracted(schema, archive) %}{{ return(raw(schema, table)) }}{% endif -%}
    {%- set has_history = extracted(schema, table) and '_vanished_at' in raw_columns(schema, table) -%}
    {%- set type = catalogued(schema, table).columns[key].data_type -%}
with live as (
    {{ raw(schema, table) }}
),

archived as (
    select * from ({{ raw(schema, archive) }})
    qualify row_number() over (partition by {{ key }} order by id desc) = 1
),

there as (
    select {{ key }} from live where {{ key }} is not null
    {%- if has_history %}
    except
    select {{ key }}::{{ type }} from {{ parquet(raw_file(schema, table)) }} where _vanished_at is not null
    {%- endif %}
)

select * from live
{%- if has_history %}
where {{ key }} in (from there) or {{ key }} not in (select {{ key }} from archived where {{ key }} is not null)
{%- endif %}
union all by name
select * from archived where {{ key }} not in (from there)
{% endmacro %}

{# Text may well be text of numbers and dates; lists and structs never fit. #}
{% macro unfit_columns(schema, table) %}
    {%- set unfit = [] -%}
    {%- set file = parquet(raw_file(schema, table)) -%}
    {%- set columns = catalogued(schema, table).columns -%}
    {%- set have = raw_columns(schema, table) -%}
    {%- for name, holds in have.items() if name in columns and columns[name].data_type != 'varchar' -%}
        {%- if holds == 'text' -%}
            {%- set bad = run_query(
                'select min("' ~ name ~ '") from ' ~ file ~ ' where "' ~ name ~ '" is not null'
                ~ ' and try_cast("' ~ name ~ '" as ' ~ columns[name].data_type ~ ') is null'
            ).columns[0].values()[0] -%}
            {%- if bad is not none %}{% do unfit.append([name, columns[name].data_type, "'" ~ bad ~ "'"]) %}{% endif -%}
        {%- elif holds != 'simple' -%}
            {%- do unfit.append([name, columns[name].data_type, holds]) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(unfit) }}
{% endmacro %}

{# loader/publisher.py saw that they are parquet. #}
{% macro wrong_inputs() %}
    {%- set wrong = [] -%}
    {%- set found = [] -%}
    {%- for node in graph.sources.values() if extracted(node.source_name, node.name) -%}
        {%- do found.append(node.name) -%}
        {%- set file = node.source_name ~ '.' ~ node.name ~ '.parquet in ' ~ setting('data_dir') -%}
        {%- set lacking = lacking_columns(node.source_name, node.name, raw_columns(node.source_name, node.name)) -%}
        {%- if lacking -%}
            {%- do wrong.append(file ~ ' lacks the required column(s) ' ~ lacking | join(', ')
                ~ '; extract the table again') -%}
        {%- endif -%}
        {%- for column, type, holds in unfit_columns(node.source_name, node.name) -%}
            {%- do wrong.append(file ~ ': column ' ~ column ~ ' holds ' ~ holds ~ ', which is no ' ~ type
                ~ '; extract the table again') -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not found -%}
        {%- do wrong.append('no extracted table in data_dir ' ~ setting('data_dir')
            ~ ' (<schema>.<table>.parquet); run extract first') -%}
    {%- endif -%}
    {{ return(wrong) }}
{% endmacro %}
