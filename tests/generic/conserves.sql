{% test conserves(model, tree) %}
with terms as (
    {% for parent, children in tree.items() %}
    select '{{ parent }}' as parent, unnest(['{{ parent }}', '{{ children | join("', '") }}']) as metric
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    m.collector_type,
    t.parent,
    m.ts,
    {% for r in resources() %}
    sum(case when m.metric = t.parent then d_{{ r }} else -d_{{ r }} end) as {{ r }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ model }} as m
join terms as t using (metric)
group by m.collector_type, t.parent, m.ts
having {% for r in resources() %}{{ r }} <> 0{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
