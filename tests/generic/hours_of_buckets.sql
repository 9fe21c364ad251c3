{% test hours_of_buckets(model, hours) %}
{%- set file = waiting_file(model) %}
{%- if file is none %}{{ return('select 1 where false') }}{% endif %}
{%- set is_by_project = 'project' in model.identifier %}
{%- set hours_of = 'coalesce(s.hours, 0)' if is_by_project else 's.hours' %}
with summed as (
    select collector_type, metric, resource, sum(hours) as hours from {{ model }} group by all
)

select * from summed as s full join {{ hours }} as h
    on s.collector_type = h.collector_type and s.metric = h.metric::varchar and s.resource = h.resource
where not coalesce(abs({{ hours_of }} - h.hours) <= 1e-6 + 1e-9 * abs(h.hours), false)
    {%- if is_by_project %}
    and h.metric in ('committed', 'occupied_reservation', 'occupied_ondemand') and h.collector_type = 'current'
    {%- endif %}
{% endtest %}
