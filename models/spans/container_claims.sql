select
    'occupied_reservation' as metric,
    'zun.container' as source_table,
    id::varchar as source_id,
    project_id,
    user_id,
    {{ json_text(
        "json_extract(try_cast(annotations as json), '$.\"zun.openstack.org/reservation_id\"')"
    ) }} as reservation_id,
    started_at as start_at,
    coalesce(case when status in ('Deleted', 'Error', 'Stopped') then updated_at end, deleted_at, 'infinity') as end_at,
    'infinity'::timestamp as cut_at,
    case when started_at is null then 'never_launched' when reservation_id is null then 'null_key' end as reason,
    null::varchar as note,
    1::double as nodes
from {{ ref('stg_zun__container') }}
