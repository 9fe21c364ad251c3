with capacity as (
    select
        n.id::varchar as id,
        n.hypervisor_hostname,
        n.created_at,
        n.deleted_at,
        coalesce(nullif(n.cpu_allocation_ratio, 0), {{ setting('default_cpu_allocation_ratio') }})::double as ratio,
        coalesce({{ known('n.vcpus') }}, h.vcpus) as vcpus,
        coalesce({{ known('n.memory_mb') }}, h.memory_mb) as memory_mb,
        coalesce({{ known('n.local_gb') }}, h.disk_gb) as disk_gb
    from {{ ref('stg_nova__compute_nodes') }} as n
    asof left join {{ ref('hosts') }} as h
        on n.hypervisor_hostname = h.hypervisor_hostname and n.created_at >= h.from_at
),

claims as (
    {{ host_claims('total', 'nova.compute_nodes', 'capacity') }}
    union all by name
    {{ device_claims('total') }}
),

superseded as ({{ supersede('claims', 'hypervisor_hostname') }})

{{ audited_spans('superseded', ['hypervisor_hostname']) }}
