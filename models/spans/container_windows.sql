{#
    Which device a container runs on is not recorded. So at every instant as many containers of a reservation count as
    it has devices: the first-started, then the smaller id.
#}
with running as (
    select reservation_id, source_id, start_at, end_at
    from {{ ref('container_claims') }}
    where reason is null and start_at < end_at
),

device_spans as (
    select * from {{ ref('spans_committed') }} where source_table = 'blazar.device_allocations'
),

devices as ({{ merged_windows('device_spans', ['reservation_id', 'hypervisor_hostname']) }}),

instants as (
    select reservation_id, unnest([start_at, end_at]) as ts from running
    union
    select reservation_id, unnest([start_at, end_at]) from devices
),

steps as (
    select
        reservation_id,
        ts as start_at,
        lead(ts) over (partition by reservation_id order by ts) as end_at
    from instants
),

offered as (
    select s.reservation_id, s.start_at, s.end_at, count(*) as devices
    from steps as s
    join devices as d on d.reservation_id = s.reservation_id and d.start_at <= s.start_at and d.end_at > s.start_at
    group by all
)

select r.source_id, o.start_at, o.end_at, true as is_valid
from offered as o
join running as r on r.reservation_id = o.reservation_id and r.start_at <= o.start_at and r.end_at > o.start_at
qualify row_number() over (
    partition by o.reservation_id, o.start_at
    order by r.start_at, try_cast(r.source_id as bigint), r.source_id
) <= o.devices
