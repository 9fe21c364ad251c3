{#
    What each host offers: its reservable span before it was cut, so an allocation may name a row that a later one
    superseded.
#}
with hosts as (
    select distinct on (source_table, source_id)
        source_table, source_id as host_id, hypervisor_hostname, {{ resources() | join(', ') }}
    from {{ ref('spans_reservable') }}
),

allocations as (
    select
        'blazar.computehost_allocations' as source_table, 'blazar.computehosts' as host_table,
        id, compute_host_id as host_id, reservation_id, created_at, deleted_at
    from {{ ref('stg_blazar__computehost_allocations') }}
    union all
    select
        'blazar.device_allocations', 'blazar.devices',
        id, device_id, reservation_id, created_at, deleted_at
    from {{ ref('stg_blazar__device_allocations') }}
),

flavors as (
    select
        reservation_id,
        arg_max(
            {'vcpus': vcpus::double, 'memory_mb': memory_mb::double, 'disk_gb': disk_gb::double},
            {'number': coalesce(try_cast(id as bigint), {{ 2 ** 63 - 1 }}), 'id': coalesce(id, '')}
        ) as size
    from {{ ref('stg_blazar__instance_reservations') }}
    group by reservation_id
),

claims as (
    select
        'committed' as metric,
        a.source_table,
        a.id as source_id,
        case when a.host_table = 'blazar.devices' then a.host_id else h.hypervisor_hostname end as hypervisor_hostname,
        b.project_id,
        b.user_id,
        a.reservation_id,
        greatest(b.start_at, a.created_at) as start_at,
        coalesce(least(b.end_at, a.deleted_at), 'infinity') as end_at,
        'infinity'::timestamp as cut_at,
        coalesce(b.resource_type = 'flavor:instance', false) and a.host_table = 'blazar.computehosts' as is_flavor,
        h.vcpus as host_vcpus,
        case
            when a.host_id is null or a.reservation_id is null then 'null_key'
            when h.host_id is not null and h.hypervisor_hostname is null then 'null_key'
            when h.host_id is null or b.reservation_id is null or is_flavor and f.reservation_id is null then 'orphan'
        end as reason,
        case when is_flavor then round(f.size.vcpus / h.vcpus, 12) else h.nodes end as nodes,
        case when is_flavor then f.size.vcpus else h.vcpus end as vcpus,
        case when is_flavor then f.size.vcpus else h.vcpus_overcommit end as vcpus_overcommit,
        case when is_flavor then f.size.memory_mb else h.memory_mb end as memory_mb,
        case when is_flavor then f.size.disk_gb else h.disk_gb end as disk_gb
    from allocations as a
    left join hosts as h on h.source_table = a.host_table and h.host_id = a.host_id
    left join {{ ref('bookings') }} as b using (reservation_id)
    left join flavors as f using (reservation_id)
),

marked as (
    select
        * exclude (is_flavor, host_vcpus),
        {{ note({
            'unknown_capacity': "source_table = 'blazar.computehost_allocations' and reason is null
                and (host_vcpus is null or not is_flavor and (memory_mb is null or disk_gb is null))"
        }) }} as note
    from claims
)

{{ audited_spans('marked', ['hypervisor_hostname'], ref('spans_reservable')) }}
