{#
    What a hypervisor was, by its host rows: a row holds from its created_at until the next; before its earliest row a
    node is what that row says, so the first one holds from '-infinity'. Of rows created at the same instant the larger
    id counts.
#}
with nova_rows as (
    select
        *,
        if(
            lag(id) over (partition by hypervisor_hostname order by created_at) is null, '-infinity', created_at
        ) as from_at
    from (
        select * from {{ ref('stg_nova__compute_nodes') }}
        where hypervisor_hostname is not null and created_at is not null
        qualify row_number() over (partition by hypervisor_hostname, created_at order by id desc) = 1
    )
),

blazar_rows as (
    select
        *,
        if(
            lag(id) over (partition by hypervisor_hostname order by created_at) is null, '-infinity', created_at
        ) as from_at
    from (
        select * from {{ ref('stg_blazar__computehosts') }}
        where hypervisor_hostname is not null and created_at is not null
        qualify row_number() over (
            partition by hypervisor_hostname, created_at
            order by try_cast(id as bigint) desc nulls first, id desc
        ) = 1
    )
),

{# what Ironic says of a machine; it is no host row, so it makes no hypervisor known #}
ironic_nodes as (
    select
        hypervisor_hostname,
        {{ known_json('row.properties', 'cpus') }} as vcpus,
        {{ known_json('row.properties', 'memory_mb') }} as memory_mb,
        {{ known_json('row.properties', 'local_gb') }} as disk_gb
    from (
        select
            uuid as hypervisor_hostname,
            arg_max({'properties': try_cast(properties as json)}, coalesce(id, 0)) as row
        from {{ ref('stg_ironic__nodes') }}
        group by uuid
    )
),

instants as (
    select hypervisor_hostname, from_at from nova_rows
    union
    select hypervisor_hostname, from_at from blazar_rows
    union
    select hypervisor_hostname, '-infinity'::timestamp from ironic_nodes
)

select
    t.hypervisor_hostname,
    t.from_at,
    n.id is not null as is_known,
    n.hypervisor_type,
    coalesce(nullif(n.cpu_allocation_ratio, 0), {{ setting('default_cpu_allocation_ratio') }})::double as ratio,
    {{ first_known(['n.vcpus', 'b.vcpus', 'i.vcpus']) }} as vcpus,
    {{ first_known(['n.memory_mb', 'b.memory_mb', 'i.memory_mb']) }} as memory_mb,
    {{ first_known(['n.local_gb', 'b.local_gb', 'i.disk_gb']) }} as disk_gb
from instants as t
asof left join nova_rows as n on t.hypervisor_hostname = n.hypervisor_hostname and t.from_at >= n.from_at
asof left join blazar_rows as b on t.hypervisor_hostname = b.hypervisor_hostname and t.from_at >= b.from_at
left join ironic_nodes as i on i.hypervisor_hostname = t.hypervisor_hostname
