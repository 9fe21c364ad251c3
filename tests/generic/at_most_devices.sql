{% test at_most_devices(model, parent) %}
with device_spans as (select * from {{ parent }} where source_table = 'blazar.device_allocations'),

devices as ({{ merged_windows('device_spans', ['reservation_id', 'hypervisor_hostname']) }}),

containers as (select * from {{ model }} where is_valid and source_table = 'zun.container'),

steps as (
    select reservation_id, start_at as ts, 1 as free from devices
    union all
    select reservation_id, end_at, -1 from devices
    union all
    select reservation_id, start_at, -1 from containers
    union all
    select reservation_id, coalesce(end_at, 'infinity'), 1 from containers
)

select * from (
    select reservation_id, ts, sum(sum(free)) over (partition by reservation_id order by ts) as free
    from steps
    group by reservation_id, ts
)
where free < 0
{% endtest %}
