{% macro json_text(value) -%}
    case when starts_with({{ value }}::varchar, '"') then nullif({{ value }} ->> '$', '') end
{%- endmacro %}
