-- depends_on: {{ ref('metric_operands') }} (it makes the type metric_name)
{{ config(materialized='published') }}
select
  {{ literal(setting('site')) }} as site,
  s.metric::metric_name as metric,
  s.source_table,
  s.source_id,
  row_number() over (
    partition by s.metric, s.source_table, s.source_id order by s.original_start_at, s.start_at
  ) - 1 as piece,
  s.hypervisor_hostname,
  n.node_type,
  s.project_id,
  s.user_id,
  r.lease_id,
  s.reservation_id,
  s.booking_source,
  s.original_start_at,
  s.original_end_at,
  s.start_at,
  s.end_at,
  s.is_valid,
  s.action,
  s.note,
  {{ resources() | join(', ') }}
from {{ ref('all_spans') }} as s
left join {{ ref('stg_blazar__reservations') }} as r on r.id = s.reservation_id
left join {{ ref('node_types') }} as n on n.hypervisor_hostname = s.hypervisor_hostname
order by metric, s.source_table, s.source_id, piece
