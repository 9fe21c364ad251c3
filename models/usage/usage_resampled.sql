{{ config(materialized='published', meta={'if': 'resample'}) }}
{{ buckets(ref('timeline'), ['collector_type', 'metric'], ref('tracked')) }}
order by collector_type, metric, resource, timestamp
