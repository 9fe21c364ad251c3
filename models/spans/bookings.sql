select
    r.id as reservation_id,
    r.resource_type,
    l.id as lease_id,
    l.project_id,
    l.user_id,
    greatest(l.start_date, l.created_at) as start_at,
    least(l.end_date, l.deleted_at) as end_at
from {{ ref('stg_blazar__reservations') }} as r
join {{ ref('stg_blazar__leases') }} as l on l.id = r.lease_id
