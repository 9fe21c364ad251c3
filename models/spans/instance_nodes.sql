{#
    The node of the row itself, else the host of its latest event: a service's name, which may be a hypervisor's or
    serve one.
#}
with compute_nodes as (select * from {{ ref('stg_nova__compute_nodes') }}),

nowhere as (select uuid as instance_uuid from {{ ref('stg_nova__instances') }} where node is null),

last_hosts as (
    select instance_uuid, arg_max(host, {'ts': happened_at, 'id': id}) as host
    from {{ ref('instance_events') }} semi join nowhere using (instance_uuid)
    where event <> 'compute_confirm_resize' and host is not null
    group by instance_uuid
),

names as (select distinct hypervisor_hostname from compute_nodes),

services as (
    select host, max(hypervisor_hostname) as hypervisor_hostname
    from compute_nodes
    group by host
    having count(distinct hypervisor_hostname) = 1
)

select i.uuid, coalesce(i.node, n.hypervisor_hostname, s.hypervisor_hostname) as node
from {{ ref('stg_nova__instances') }} as i
left join last_hosts as e on e.instance_uuid = i.uuid
left join names as n on n.hypervisor_hostname = e.host
left join services as s on s.host = e.host
