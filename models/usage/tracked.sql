{#
    A metric is tracked when one of its source tables was extracted; it has the resources that one of its valid spans
    knows or, without any valid span, those of total (nodes where total has none either). A derived metric has what all
    its operands have. Without Blazar nothing is reservable or committed, and that is known. The legacy series are there
    when their table has a row.
#}
{% set sources = {
    'total': [['nova', 'compute_nodes'], ['blazar', 'devices']],
    'reservable': [['blazar', 'computehosts'], ['blazar', 'devices']],
    'committed': [['blazar', 'computehost_allocations'], ['blazar', 'device_allocations']],
    'occupied_reservation': [['nova', 'instances'], ['zun', 'container']],
    'occupied_ondemand': [['nova', 'instances']]
} %}
with known as (
    select metric, {% for r in resources() %}count({{ r }}) > 0 as {{ r }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ ref('all_spans') }}
    where is_valid
    group by metric
),

base as (
    {% for metric, tables in sources.items() %}
    {%- set found = ['no Blazar'] if not setting('has_blazar') and metric in ['reservable', 'committed'] else [] %}
    {%- for table in tables if extracted(table[0], table[1]) %}{% do found.append(table) %}{% endfor %}
    select '{{ metric }}' as metric, {{ 'true' if found else 'false' }} as is_tracked
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

operands as (
    select
        b.metric,
        {% for r in resources() %}
        b.is_tracked and coalesce(k.{{ r }}, t.{{ r }}, {{ 'true' if r == 'nodes' else 'false' }})
            as {{ r }}{{ ',' if not loop.last }}
        {% endfor %}
    from base as b
    left join known as k using (metric)
    left join (select * from known join base using (metric) where metric = 'total' and is_tracked) as t on true
)

select
    'current'::{{ name_of(['current', 'legacy']) }} as collector_type,
    m.metric::metric_name as metric,
    {% for r in resources() %}bool_and(o.{{ r }}) as {{ r }}{{ ', ' if not loop.last }}{% endfor %}
from {{ ref('metric_operands') }} as m
join operands as o on o.metric = m.operand
group by m.metric
union all
select
    'legacy'::{{ name_of(['current', 'legacy']) }},
    m.metric::metric_name,
    {% for r in resources() %}{{ 'true' if r == 'nodes' else 'false' }}{{ ', ' if not loop.last }}{% endfor %}
from (select distinct metric from {{ ref('metric_operands') }}) as m
where m.metric in ('total', 'reservable', 'committed', 'occupied_reservation', 'idle', 'available_reservable')
    and exists (from {{ ref('stg_chameleon_usage__node_usage_report_cache') }})
