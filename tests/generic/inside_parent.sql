{% test inside_parent(model, parent, keys, only='true') %}
select c.* from (select * from {{ model }} where is_valid and {{ only }}) as c
anti join ({{ merged_windows(parent, keys) }}) as p
    on {% for key in keys %}c.{{ key }} = p.{{ key }} and {% endfor %}c.start_at >= p.start_at
    and coalesce(c.end_at, 'infinity') <= p.end_at
{% endtest %}
