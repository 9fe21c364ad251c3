{{ config(materialized='published') }}
-- noqa: disable=PRS,ST03,AL05
-- depends_on: {{ ref('metric_operands') }} (it makes the type metric_name)
with in_order as (
    select
        {{ literal(setting('site')) }} as site,
        s.metric::metric_name as metric,
        s.source_table,
        s.source_id,
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
    order by metric, s.source_table, s.source_id, s.original_start_at, s.start_at
),

{# numbers over rows as they come: over partitions, where memory is short, they cost a second sort of these wide rows #}
numbered as (
    select
        *,
        row_number() over () as number,
        (metric, source_table, source_id) is distinct from lag((metric, source_table, source_id)) over () as is_first
    from in_order
)

select
    site,
    metric,
    source_table,
    source_id,
    number - max(case when is_first then number end) over (rows unbounded preceding) as piece,
    * exclude (site, metric, source_table, source_id, number, is_first)
from numbered
