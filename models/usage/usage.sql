{{ config(materialized='published') }}
{% for r in resources() %}
select
  l.ts as timestamp,
  {{ literal(var('site')) }} as site,
  l.collector_type,
  l.metric,
  '{{ r }}' as resource,
  l.{{ r }}::double as value
from {{ ref('timeline') }} as l
join {{ ref('tracked') }} as t using (collector_type, metric)
where t.{{ r }} and (l.d_{{ r }} <> 0 or l.ts = {{ window_start() }})
{{ 'union all' if not loop.last }}
{% endfor %}
order by site, collector_type, metric, resource, timestamp
