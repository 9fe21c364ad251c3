{{ config(materialized='published', meta={'if': 'resample'}) }}
{{ buckets(ref('timeline_by_project'), ['collector_type', 'metric', 'project_id', 'project_name'], ref('tracked')) }}
order by collector_type, metric, project_id, resource, timestamp
