{{ config(materialized='published', meta={'if': 'resample'}) }}
{{ buckets(ref('timeline'), ['collector_type', 'metric'], {'collector_type': 'l.collector_type', 'metric': 'l.metric'}, ref('tracked')) }}
order by collector_type, metric, resource, timestamp
