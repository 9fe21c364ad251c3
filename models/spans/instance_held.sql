{#
    An instance holds from created_at; each event that takes its resources away or gives them back counts only if it
    changes the state, and nothing is held after terminated_at or deleted_at. At one instant giving back sorts first, so
    that taking away wins.
#}
with instances as (
    select uuid, created_at, least(terminated_at, deleted_at) as gone_at from {{ ref('stg_nova__instances') }}
),

marks as (
    select uuid, gone_at, created_at as ts, true as holds from instances
    union all
    select i.uuid, i.gone_at, e.happened_at, e.event = 'compute_unshelve_instance'
    from {{ ref('instance_events') }} as e
    join instances as i on i.uuid = e.instance_uuid and e.happened_at >= i.created_at
    where e.event in (
        'compute_terminate_instance', 'compute_shelve_offload_instance', 'compute_shelve_instance',
        'compute_unshelve_instance'
    )
),

switches as (
    select * from marks
    qualify holds <> coalesce(lag(holds) over (partition by uuid order by ts, holds desc), false)
),

held as (
    select
        uuid,
        holds,
        ts as start_at,
        least(coalesce(lead(ts) over (partition by uuid order by ts, holds desc), 'infinity'), gone_at) as end_at
    from switches
)

select uuid, start_at, end_at from held
where holds
