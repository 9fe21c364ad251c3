{{ config(materialized='published') }}
{{ change_points(ref('timeline'), {'collector_type': 'l.collector_type', 'metric': 'l.metric'}, ref('tracked')) }}
order by collector_type, metric, resource, timestamp
