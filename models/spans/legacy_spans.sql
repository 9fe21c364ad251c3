{#
    Hours a day are nodes all day long: 24 node-hours of a day are one node. Exact, so that equal hours are equal nodes.
#}
{% set hours = ['total', 'maint', 'reserved', 'used'] %}
with days as (
    select
        date_trunc('day', date) as day,
        {% for kind in hours %}
        (coalesce(sum({{ kind }}_hours::decimal(18, 6)), 0) / 24)::decimal(18, 12)
            as {{ kind }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('stg_chameleon_usage__node_usage_report_cache') }}
    where date is not null
    group by all
)

select m.metric, day as start_at, day + interval 1 day as end_at, m.nodes
from days, unnest([
    {'metric': 'total', 'nodes': total},
    {'metric': 'reservable', 'nodes': total - maint},
    {'metric': 'committed', 'nodes': reserved + used},
    {'metric': 'occupied_reservation', 'nodes': used}
]) as t(m)
