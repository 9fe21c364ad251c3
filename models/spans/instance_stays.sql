{#
    The row in nova.instances is an instance's last stay; each migration tells of the one before it. What a migration
    does not tell (no node, a flavor that is gone) is as after it, so a stay takes it from the next one that knows.
#}
with migrations as (
    select * from {{ ref('stg_nova__migrations') }}
    where status in ('finished', 'confirmed', 'completed', 'done') and coalesce(updated_at, created_at) is not null
),

arrivals as (
    select instance_uuid, happened_at
    from {{ ref('instance_events') }}
    where event in (
        'compute_finish_resize', 'compute_post_live_migration_at_destination', 'compute_rebuild_instance'
    )
),

moves as (
    select
        m.instance_uuid as uuid,
        m.id,
        m.created_at,
        m.source_node,
        case when m.migration_type = 'resize' then m.old_instance_type_id end as old_flavor,
        coalesce(
            case when a.happened_at <= coalesce(m.updated_at, 'infinity') then a.happened_at end,
            m.updated_at,
            m.created_at
        ) as moved_at
    from migrations as m
    asof left join arrivals as a on a.instance_uuid = m.instance_uuid and m.created_at <= a.happened_at
),

placed as (
    select i.uuid, n.node, {'vcpus': i.vcpus, 'memory_mb': i.memory_mb, 'root_gb': i.root_gb} as size
    from {{ ref('stg_nova__instances') }} as i
    join {{ ref('instance_nodes') }} as n using (uuid)
),

{# of instances that ever moved; a size that is null is that of the stay after it #}
stays as (
    select
        m.uuid,
        m.id,
        m.created_at,
        m.moved_at as till_at,
        m.source_node as node,
        case when f.id is not null then {'vcpus': f.vcpus, 'memory_mb': f.memory_mb, 'root_gb': f.root_gb} end as size,
        m.old_flavor is not null and f.id is null as is_size_lost
    from moves as m
    left join {{ ref('stg_nova_api__flavors') }} as f on f.id = m.old_flavor
    union all
    select uuid, null, null, 'infinity'::timestamp, node, size, false
    from placed
    semi join moves using (uuid)
),

counted as (
    select *, count(*) filter (is_size_lost) over ahead as lost_ahead
    from stays
    window ahead as (
        partition by uuid order by till_at, created_at nulls first, id nulls last
        rows between current row and unbounded following
    )
),

told as (
    select
        uuid,
        coalesce(lag(till_at) over life, '-infinity') as from_at,
        till_at,
        first_value(node ignore nulls) over ahead as node,
        first_value(size ignore nulls) over ahead as size,
        {# was a size lost between this stay and the next one that knows its own? #}
        lost_ahead > first_value(case when size is not null then lost_ahead end ignore nulls) over ahead
            as is_flavor_unknown
    from counted
    window
        life as (partition by uuid order by till_at, created_at nulls first, id nulls last),
        ahead as (
            partition by uuid order by till_at, created_at nulls first, id nulls last
            rows between current row and unbounded following
        )
),

all_stays as (
    select told.* from told semi join placed using (uuid)
    where from_at < till_at
    union all
    select uuid, '-infinity'::timestamp, 'infinity'::timestamp, node, size, false
    from placed
    anti join moves using (uuid)
)

select
    uuid,
    from_at,
    till_at,
    node,
    size.vcpus as vcpus,
    size.memory_mb as memory_mb,
    size.root_gb as root_gb,
    is_flavor_unknown
from all_stays
