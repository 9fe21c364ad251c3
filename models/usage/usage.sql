{{ config(materialized='published') }}
{% set site = literal(var('site')) %}
{% for r in resources() %}
select
  l.ts as timestamp,
  {{ site }}::enum({{ site }}) as site,
  l.collector_type,
  l.metric,
  '{{ r }}'::{{ name_of(resources()) }} as resource,
  l.{{ r }}::double as value
from {{ ref('timeline') }} as l
join {{ ref('tracked') }} as t using (collector_type, metric)
where t.{{ r }} and (l.d_{{ r }} <> 0 or l.ts = {{ window_start() }})
{{ 'union all' if not loop.last }}
{% endfor %}
order by collector_type, metric, resource, timestamp
