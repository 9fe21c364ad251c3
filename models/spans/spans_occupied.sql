with reserved as (select * from {{ ref('instance_claims') }} where metric = 'occupied_reservation'),

ondemand as (select * from {{ ref('instance_claims') }} where metric = 'occupied_ondemand'),

containers as (select * from {{ ref('container_claims') }})

{{ audited_spans('reserved', ['reservation_id', 'hypervisor_hostname'], ref('spans_committed')) }}
union all by name
{{ audited_spans('ondemand') }}
union all by name
{{ audited_spans('containers', ['source_id'], ref('container_windows')) }}
