{{ config(materialized='published') }}
{{ change_points(ref('timeline'), ['collector_type', 'metric'], ref('tracked')) }}
order by collector_type, metric, resource, timestamp
