{# Marks that don't invalidate a span, as one text separated by ', '; null where none applies. `marks` is {mark: condition}. #}
{% macro note(marks) -%}
  nullif(concat_ws(', '{% for mark, condition in marks.items() %}, case when {{ condition }} then '{{ mark }}' end{% endfor %}), '')
{%- endmacro %}
