{#
    A row that can't count, or never held anything, is one claim over its whole life with its last node and size; any
    other one claim a piece: a held interval cut where node or size change.
#}
with instances as not materialized (
    select
        * exclude (node, vcpus, memory_mb, root_gb),
        case when coalesce(hidden, 0) <> 0 then 'hidden' when launched_at is null then 'never_launched' end as reason
    from {{ ref('stg_nova__instances') }}
),

{# not an ASOF join: that sorts both sides, and claims are millions of wide rows #}
hosts as (
    select *, lead(from_at, 1, 'infinity') over (partition by hypervisor_hostname order by from_at) as till_at
    from {{ ref('hosts') }}
),

{# one of these may have no piece that counts #}
doubtful as (
    select uuid from instances where reason is not null
    union all
    select uuid from {{ ref('instance_held') }} where (start_at < end_at) is not true
),

pieces as (
    select
        uuid,
        s.* exclude (uuid, from_at, till_at),
        greatest(h.start_at, s.from_at) as start_at,
        least(h.end_at, s.till_at) as end_at,
        false as is_life
    from {{ ref('instance_held') }} as h
    join {{ ref('instance_stays') }} as s using (uuid)
    where h.start_at < h.end_at and h.start_at < s.till_at and h.end_at > s.from_at
    union all
    select uuid, s.* exclude (uuid, from_at, till_at), l.start_at, l.end_at, true
    from (
        select uuid, min(start_at) as start_at, max(end_at) filter (start_at < end_at) as end_at
        from {{ ref('instance_held') }} semi join doubtful using (uuid)
        group by uuid
    ) as l
    join {{ ref('instance_stays') }} as s using (uuid)
    where s.till_at = 'infinity'
),

claims as (
    select
        i.*,
        p.* exclude (uuid, end_at, is_life),
        coalesce(p.end_at, least(i.terminated_at, i.deleted_at, i.created_at), 'infinity') as end_at
    from pieces as p
    join instances as i using (uuid)
    where if(p.is_life, i.reason is not null or p.end_at is null, i.reason is null)
),

{# an instance whose node nobody recorded ran where alone its reservation was committed #}
sole_hosts as (
    select reservation_id, max(hypervisor_hostname) as hypervisor_hostname
    from {{ ref('spans_committed') }}
    where is_valid and source_table = 'blazar.computehost_allocations'
    group by reservation_id
    having count(distinct hypervisor_hostname) = 1
),

placed as (
    select
        c.*,
        b.reservation_id,
        b.booking_source,
        b.is_bad_spec,
        c.node is null and s.hypervisor_hostname is not null as is_inferred_node,
        coalesce(c.node, s.hypervisor_hostname) as hypervisor_hostname
    from claims as c
    join {{ ref('instance_bookings') }} as b using (uuid)
    left join sole_hosts as s on s.reservation_id = b.reservation_id
),

sized as (
    select
        p.* exclude (vcpus, memory_mb),
        p.vcpus as flavor_vcpus,
        p.memory_mb as flavor_memory_mb,
        h.vcpus as host_vcpus,
        h.ratio as host_ratio,
        h.memory_mb as host_memory_mb,
        h.disk_gb as host_disk_gb,
        coalesce(h.is_known, false) as is_host_known,
        coalesce(h.hypervisor_type = 'ironic' and h.is_known, false) as is_whole_node
    from placed as p
    left join hosts as h
        on p.hypervisor_hostname = h.hypervisor_hostname and p.start_at >= h.from_at and p.start_at < h.till_at
)

select
    if(reservation_id is null, 'occupied_ondemand', 'occupied_reservation') as metric,
    'nova.instances' as source_table,
    uuid as source_id,
    hypervisor_hostname,
    project_id,
    user_id,
    reservation_id,
    booking_source,
    start_at,
    end_at,
    'infinity'::timestamp as cut_at,
    reason,
    {{ note({
        'unknown_host': 'not is_host_known',
        'unknown_flavor': 'is_flavor_unknown',
        'bad_spec': 'is_bad_spec',
        'inferred_node': 'is_inferred_node',
        'unknown_capacity': 'is_host_known and host_vcpus is null
            or is_whole_node and (host_memory_mb is null or host_disk_gb is null)'
    }) }} as note,
    case when is_whole_node then 1 when is_host_known then round(flavor_vcpus / host_vcpus, 12) end::double as nodes,
    case when is_whole_node then host_vcpus else flavor_vcpus end::double as vcpus,
    case when is_whole_node then round(host_vcpus * host_ratio, 6) else flavor_vcpus end::double as vcpus_overcommit,
    case when is_whole_node then host_memory_mb else flavor_memory_mb end::double as memory_mb,
    case when is_whole_node then host_disk_gb else root_gb end::double as disk_gb
from sized
