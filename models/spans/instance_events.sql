select a.instance_uuid, e.id, e.event, e.start_time as happened_at, e.host
from {{ ref('stg_nova__instance_actions_events') }} as e
join {{ ref('stg_nova__instance_actions') }} as a on a.id = e.action_id
where e.result = 'Success' and starts_with(e.event, 'compute_') and e.start_time is not null
