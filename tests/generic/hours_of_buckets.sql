{% test hours_of_buckets(model, hours) %}
{%- set file = waiting_file(model) %}
{%- if file is none %}{{ return('select 1 where false') }}{% endif %}
with summed as (
    select collector_type, metric, resource, sum(hours) as hours from {{ model }} group by all
)

select * from summed as s full join {{ hours }} as h
    on s.collector_type = h.collector_type and s.metric = h.metric::varchar and s.resource = h.resource
where not coalesce(abs({{ 'coalesce(s.hours, 0)' if 'project' in model.identifier else 's.hours' }} - h.hours) <= 1e-6 + 1e-9 * abs(h.hours), false)
    {{ "and h.metric in ('committed', 'occupied_reservation', 'occupied_ondemand') and h.collector_type = 'current'" if 'project' in model.identifier }}
{% endtest %}
