{% macro is_read(node) %}
    {{ return('model.' ~ project_name ~ '.stg_' ~ node.source_name ~ '__' ~ node.name in graph.nodes) }}
{% endmacro %}

{% macro missing_inputs() %}
    {%- if not execute %}{{ return([]) }}{% endif -%}
    {%- set lacking = [] -%}
    {%- set tables = publisher('tables').tables -%}
    {%- set has_blazar = setting('has_blazar') -%}
    {%- for node in graph.sources.values() if is_read(node) and (has_blazar or node.source_name != 'blazar') -%}
        {%- set name = node.source_name ~ '.' ~ node.name -%}
        {%- if name not in tables -%}
            {%- do lacking.append(['missing_table', name]) -%}
        {%- else -%}
            {%- set lasting = node.columns.values() | rejectattr('config.meta.history_only') -%}
            {%- for column in lasting if column.name not in tables[name] -%}
                {%- do lacking.append(['missing_column', name ~ '.' ~ column.name]) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(lacking | sort) }}
{% endmacro %}

{% macro zero_dates() %}
    {%- if not execute %}{{ return([]) }}{% endif -%}
    {{ return(publisher('tables').zero_dates) }}
{% endmacro %}
