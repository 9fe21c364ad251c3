{{ config(materialized='published', meta={'if': 'resample'}) }}
{{ buckets(
    ref('timeline_by_project'), ['collector_type', 'metric', 'project_id', 'project_name'], {'collector_type': 'l.collector_type', 'metric': 'l.metric', 'project_id': 'l.project_id', 'project_name': 'l.project_name'}, ref('tracked')
) }}
order by collector_type, metric, project_id, resource, timestamp
