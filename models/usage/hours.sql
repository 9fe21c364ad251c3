with steps as (
    select
        *,
        epoch_us(
            coalesce(lead(ts) over (partition by collector_type, metric order by ts), {{ window_end() }}) - ts
        ) / 3600e6 as length
    from {{ ref('timeline') }}
)

{% for r in resources() %}
select s.collector_type, s.metric, '{{ r }}' as resource, sum(s.{{ r }}::double * s.length) as hours
from steps as s
join {{ ref('tracked') }} as t using (collector_type, metric)
where t.{{ r }}
group by all
{{ 'union all' if not loop.last }}
{% endfor %}
