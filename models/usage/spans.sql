{{ config(materialized='published') }}
-- depends_on: {{ ref('metric_operands') }} (it makes the type metric_name)
{#
    Few rows have several pieces: to count those of all rows would sort all of them once more. Rows of one hash are only
    numbered apart, by their own columns. A CTE read thrice would be copied (benchmarks/README.md).
#}
with keyed as not materialized (select *, hash(metric, source_table, source_id) as key from {{ ref('all_spans') }}),

repeated as (select key from keyed group by key having count(*) > 1),

pieces as (
    select *, 0 as piece
    from keyed
    where key not in (select key from repeated)
    union all
    select
        *,
        row_number() over (
            partition by metric, source_table, source_id order by original_start_at, start_at
        ) - 1
    from keyed
    where key in (select key from repeated)
)

select
    {{ literal(setting('site')) }} as site,
    p.metric::metric_name as metric,
    p.source_table,
    p.source_id,
    p.piece,
    p.hypervisor_hostname,
    n.node_type,
    p.project_id,
    p.user_id,
    r.lease_id,
    p.reservation_id,
    p.booking_source,
    p.original_start_at,
    p.original_end_at,
    p.start_at,
    p.end_at,
    p.is_valid,
    p.action,
    p.note,
    {{ resources() | join(', ') }}
from pieces as p
left join {{ ref('stg_blazar__reservations') }} as r on r.id = p.reservation_id
left join {{ ref('node_types') }} as n on n.hypervisor_hostname = p.hypervisor_hostname
order by metric, p.source_table, p.source_id, p.piece
