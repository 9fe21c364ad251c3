{# A JSON value as text if it is a text that isn't empty, else null: a number or an object names nothing. #}
{% macro json_text(value) -%}
  case when starts_with({{ value }}::varchar, '"') then nullif({{ value }} ->> '$', '') end
{%- endmacro %}
