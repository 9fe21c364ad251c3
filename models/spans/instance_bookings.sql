{#
    Named by the scheduler hint, else by the flavor's name in the request spec, else by that in instance_extra; without
    a readable request spec and any name inferred from node, project and time.
#}
with instances as (select * from {{ ref('stg_nova__instances') }}),

specs as (
    select
        instance_uuid as uuid,
        arg_max(
            {'hint': {{ json_text('found[1]') }}, 'flavor': {{ json_text('found[2]') }}, 'is_bad': found is null}, id
        ) as spec
    from (
        select
            id,
            instance_uuid,
            json_extract(try_cast(spec as json), [
                '$."nova_object.data".scheduler_hints.reservation[0]',
                '$."nova_object.data".flavor."nova_object.data".name'
            ]) as found
        from {{ ref('stg_nova_api__request_specs') }}
    )
    group by instance_uuid
),

extras as (
    select instance_uuid as uuid, arg_max({'flavor': {{ json_text('found') }} }, id).flavor as flavor
    from (
        select id, instance_uuid, json_extract(try_cast(flavor as json), '$.cur."nova_object.data".name') as found
        from {{ ref('stg_nova__instance_extra') }}
        where try_cast(flavor as json) is not null
    )
    group by instance_uuid
),

asked as (
    select
        i.uuid,
        i.project_id,
        i.created_at,
        i.launched_at,
        coalesce(s.spec.is_bad, true) as is_unknown,
        coalesce(s.spec.is_bad, false) as is_bad_spec,
        s.spec.hint as hint,
        case when starts_with(s.spec.flavor, 'reservation:') then nullif(substr(s.spec.flavor, 13), '') end as flavor,
        case when starts_with(x.flavor, 'reservation:') then nullif(substr(x.flavor, 13), '') end as extra
    from instances as i
    left join specs as s using (uuid) -- noqa: AL05
    left join extras as x using (uuid)
),

{# where it was when it was created (rank 1), and when it last ran (rank 0) #}
probes as (
    select a.uuid, a.project_id, s.node, a.probe.rank as rank, a.probe.ts as ts
    from (
        select uuid, project_id, unnest([{'rank': 1, 'ts': created_at}, {'rank': 0, 'ts': launched_at}]) as probe
        from asked
        where is_unknown and extra is null
    ) as a
    join {{ ref('instance_stays') }} as s on s.uuid = a.uuid and a.probe.ts >= s.from_at and a.probe.ts < s.till_at
),

inferred as (
    select
        p.uuid,
        arg_max(c.reservation_id, {'rank': p.rank, 'start_at': c.start_at, 'id': c.reservation_id}) as reservation_id
    from probes as p
    join (select * from {{ ref('spans_committed') }} where is_valid) as c
        on c.hypervisor_hostname = p.node and c.project_id = p.project_id
        and p.ts >= c.start_at and p.ts < coalesce(c.end_at, 'infinity')
    group by p.uuid
)

select
    a.uuid,
    coalesce(a.hint, a.flavor, a.extra, f.reservation_id) as reservation_id,
    case
        when a.hint is not null then 'hint'
        when a.flavor is not null then 'flavor'
        when a.extra is not null then 'extra'
        when f.reservation_id is not null then 'inferred'
        else 'none'
    end as booking_source,
    a.is_bad_spec
from asked as a
left join inferred as f using (uuid)
