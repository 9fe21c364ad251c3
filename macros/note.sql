{% macro note(marks) -%}
    nullif(concat_ws(', '
        {%- for mark, condition in marks.items() %}, case when {{ condition }} then '{{ mark }}' end{% endfor -%}
    ), '')
{%- endmacro %}
