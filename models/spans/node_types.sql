{#
    The property `node_type` of a hypervisor's latest row in blazar, and of a device. The property's name is in the row
    itself or, in newer releases, in a table of its own.
#}
{% set last_id = "'number': coalesce(try_cast(id as bigint), " ~ (2 ** 63 - 1) ~ "), 'id': id" %}
with named as (select id from {{ ref('stg_blazar__resource_properties') }} where property_name = 'node_type'),

latest as (
    select
        hypervisor_hostname,
        arg_max(id, {'ts': coalesce(created_at, '-infinity'), {{ last_id }} }) as computehost_id
    from {{ ref('stg_blazar__computehosts') }}
    where hypervisor_hostname is not null
    group by hypervisor_hostname
),

properties as (
    select l.hypervisor_hostname, c.id, c.created_at, c.deleted_at, c.capability_value
    from {{ ref('stg_blazar__computehost_extra_capabilities') }} as c
    join latest as l using (computehost_id)
    where c.capability_name = 'node_type' or coalesce(c.property_id, c.capability_id) in (from named)
    union all
    select device_id, id, created_at, deleted_at, capability_value
    from {{ ref('stg_blazar__device_extra_capabilities') }}
    where device_id is not null and property_id in (from named)
)

select
    hypervisor_hostname,
    arg_max(
        {'value': capability_value},
        {'is_live': deleted_at is null, 'ts': coalesce(created_at, '-infinity'), {{ last_id }} }
    ).value as node_type
from properties
group by hypervisor_hostname
