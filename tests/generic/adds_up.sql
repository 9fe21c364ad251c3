{% test adds_up(model, whole) %}
with parts as (
    select metric, ts, {% for r in resources() %}sum(d_{{ r }}) as {{ r }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ model }}
    group by metric, ts
),

sums as (
    select metric, ts, {% for r in resources() %}d_{{ r }} as {{ r }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ whole }}
    where collector_type = 'current' and metric in ('committed', 'occupied_reservation', 'occupied_ondemand')
)

select * from sums as s full join parts as p using (metric, ts)
where
    {% for r in resources() %}
    coalesce(s.{{ r }}, 0) <> coalesce(p.{{ r }}, 0){{ ' or' if not loop.last }}
    {% endfor %}
{% endtest %}
