{# The same sweep as timeline's, with the project in the key: only stored metrics, so every operand is itself. #}
with spans as (
    select
        metric::metric_name as metric,
        'current'::{{ name_of(['current', 'legacy']) }} as collector_type,
        project_id::{{ type_of_names('project_ids') }} as project_id,
        start_at,
        end_at,
        {{ resources() | join(', ') }}
    from {{ ref('all_spans') }}
    where is_valid and metric in ('committed', 'occupied_reservation', 'occupied_ondemand')
),

operands as (
    select metric::metric_name as metric, operand::metric_name as operand, sign
    from {{ ref('metric_operands') }}
    where metric = operand
),

series as (
    select distinct metric, collector_type, project_id
    from spans
    where start_at < {{ window_end() }} and coalesce(end_at > {{ window_start() }}, true)
),

swept as (
    {{ timeline('spans', 'operands', 'series', ['metric', 'collector_type', 'project_id']) }} -- noqa: PRS
)

select s.*, p.name::{{ type_of_names('project_names') }} as project_name
from swept as s
left join {{ ref('stg_keystone__project') }} as p on p.id = s.project_id::varchar
