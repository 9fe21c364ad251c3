{% macro known(column) %}nullif({{ column }}, 0)::double{% endmacro %}

{% macro known_json(json, key) -%}
    {%- set number %}try_cast({{ json }} ->> '{{ key }}' as double){% endset -%}
    case when isfinite({{ number }}) and {{ number }} > 0 then {{ number }} end
{%- endmacro %}

{% macro first_known(columns) -%}
    coalesce({% for column in columns %}{{ known(column) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
