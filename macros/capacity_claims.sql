{% macro host_claims(metric, source_table, hosts) %}
    select
        '{{ metric }}' as metric,
        '{{ source_table }}' as source_table,
        id as source_id,
        hypervisor_hostname,
        created_at as start_at,
        coalesce(deleted_at, 'infinity') as end_at,
        null::varchar as reason,
        {{ note({'unknown_capacity': 'vcpus is null or memory_mb is null or disk_gb is null'}) }} as note,
        1::double as nodes,
        vcpus,
        round(vcpus * ratio, 6) as vcpus_overcommit,
        memory_mb,
        disk_gb
    from {{ hosts }}
{% endmacro %}

{% macro device_claims(metric) %}
    select
        '{{ metric }}' as metric,
        'blazar.devices' as source_table,
        id as source_id,
        id as hypervisor_hostname,
        created_at as start_at,
        coalesce(deleted_at, 'infinity') as end_at,
        null::varchar as reason,
        null::varchar as note,
        1::double as nodes
    from {{ ref('stg_blazar__devices') }}
{% endmacro %}
