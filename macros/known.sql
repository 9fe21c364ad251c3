{# A capacity of 0 is unknown: null. #}
{% macro known(column) %}nullif({{ column }}, 0)::double{% endmacro %}

{# Capacities of a host in the order of preference that SPEC 2 gives: resource by resource the first known one. #}
{% macro first_known(columns) -%}
  coalesce({% for column in columns %}{{ known(column) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
