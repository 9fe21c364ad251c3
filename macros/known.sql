{% macro known(column) %}nullif({{ column }}, 0)::double{% endmacro %}

{% macro known_json(json, key) -%}
    case when isfinite(try_cast({{ json }} ->> '{{ key }}' as double)) and try_cast({{ json }} ->> '{{ key }}' as double) > 0
        then try_cast({{ json }} ->> '{{ key }}' as double) end
{%- endmacro %}

{% macro first_known(columns) -%}
    coalesce({% for column in columns %}{{ known(column) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
