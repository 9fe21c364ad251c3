{# Hours a day are nodes all day long: 24 node-hours of a day are one node. #}
with days as (
  select
    date_trunc('day', date) as day,
    coalesce(sum(total_hours), 0) / 24 as total,
    coalesce(sum(maint_hours), 0) / 24 as maint,
    coalesce(sum(reserved_hours), 0) / 24 as reserved,
    coalesce(sum(used_hours), 0) / 24 as used
  from {{ ref('stg_chameleon_usage__node_usage_report_cache') }}
  where date is not null
  group by all
)

select m.metric, day as start_at, day + interval 1 day as end_at, round(m.nodes, 12) as nodes
from days, unnest([
  {'metric': 'total', 'nodes': total},
  {'metric': 'reservable', 'nodes': total - maint},
  {'metric': 'committed', 'nodes': reserved + used},
  {'metric': 'occupied_reservation', 'nodes': used}
]) as t(m)
