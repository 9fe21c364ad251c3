with capacity as (
    select
        b.id,
        b.hypervisor_hostname,
        b.created_at,
        b.deleted_at,
        coalesce(h.ratio, {{ setting('default_cpu_allocation_ratio') }})::double as ratio,
        coalesce({{ known('b.vcpus') }}, h.vcpus) as vcpus,
        coalesce({{ known('b.memory_mb') }}, h.memory_mb) as memory_mb,
        coalesce({{ known('b.local_gb') }}, h.disk_gb) as disk_gb
    from {{ ref('stg_blazar__computehosts') }} as b
    {# a row without created_at counts nowhere, but an allocation may name it: it is what the node was at first #}
    asof left join {{ ref('hosts') }} as h
        on b.hypervisor_hostname = h.hypervisor_hostname and coalesce(b.created_at, '-infinity') >= h.from_at
),

claims as (
    {{ host_claims('reservable', 'blazar.computehosts', 'capacity') }}
    union all by name
    {{ device_claims('reservable') }}
    where reservable = 1
),

superseded as ({{ supersede('claims', 'hypervisor_hostname') }})

{{ audited_spans('superseded', ['hypervisor_hostname'], ref('spans_total')) }}
