{{ config(materialized='published', meta={'if': 'wide'}) }}
{%- set columns = {
    'total': 'total',
    'reservable': 'reservable',
    'committed': 'committed',
    'occupied_ondemand': 'occupied_ondemand',
    'occupied_reserved': 'occupied_reservation',
} -%}
with timeline as (
    select timestamp as time, resource, metric, value from {{ ref('usage') }} where collector_type = 'current'
),

changes as (
    select
        time,
        resource,
        {% for name, metric in columns.items() %}
        max(case when metric = '{{ metric }}' then value end) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from timeline
    group by all
),

held as (
    select
        time,
        {{ site_name() }} as site,
        resource,
        {% for name in columns %}
        last_value({{ name }} ignore nulls) over history as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from changes
    window history as (partition by resource order by time rows unbounded preceding)
)

select *, occupied_ondemand as active_ondemand, occupied_reserved as active_reserved
from held
order by resource, time
