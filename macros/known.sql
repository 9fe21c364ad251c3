{# A capacity of 0 is unknown: null. #}
{% macro known(column) %}nullif({{ column }}, 0)::double{% endmacro %}

{# A capacity in JSON, as a number or the text of one; null if it is no finite number above 0. #}
{% macro known_json(json, key) -%}
  case when isfinite(try_cast({{ json }} ->> '{{ key }}' as double)) and try_cast({{ json }} ->> '{{ key }}' as double) > 0
    then try_cast({{ json }} ->> '{{ key }}' as double) end
{%- endmacro %}

{# Capacities of a host in the order of preference that SPEC 2 gives: resource by resource the first known one. #}
{% macro first_known(columns) -%}
  coalesce({% for column in columns %}{{ known(column) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
