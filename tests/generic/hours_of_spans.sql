{% test hours_of_spans(model, spans) %}
with span_hours as (
    select
        metric,
        epoch_us(
            least(coalesce(end_at, 'infinity'), {{ window_end() }}) - greatest(start_at, {{ window_start() }})
        ) / 3600e6 as length,
        {{ resources() | join(', ') }}
    from {{ spans }}
    where is_valid and start_at < {{ window_end() }} and coalesce(end_at > {{ window_start() }}, true)
),

expected as (
    {% for r in resources() %}
    select metric, '{{ r }}' as resource, sum({{ r }} * length) as hours from span_hours group by metric
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select m.metric, m.resource, m.hours, e.hours as expected
from {{ model }} as m
left join expected as e using (metric, resource)
where m.collector_type = 'current'
    and m.metric in (select operand from {{ ref('metric_operands') }} where metric = operand)
    and abs(m.hours - coalesce(e.hours, 0)) > 1e-6 + 1e-9 * abs(m.hours)
{% endtest %}
