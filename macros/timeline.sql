{#
    Nodes are fractions of a host and need the digits. 18 digits are 8 bytes; a site of a million hosts, or a terabyte
    of memory_mb, stops the run instead of being wrong.
#}
{% macro exact(expression, resource) -%}
    {%- set scales = {'nodes': 12, 'vcpus_overcommit': 6} -%}
    ({{ expression }})::decimal(18, {{ scales.get(resource, 3) }})
{%- endmacro %}

{% macro noise(resource) %}{{ return('1e-9' if resource == 'nodes' else '0') }}{% endmacro %}

{#
    Names repeat in millions of rows: sorting and grouping by one byte instead of text is twice as fast. `metric_name`
    is made of the seed metric_operands when it is loaded; `project_ids` and `project_names` of the site's own rows, in
    the post-hooks of all_spans and stg_keystone__project.
#}
{% macro name_of(values) -%}
    enum('{{ values | sort | join("', '") }}')
{%- endmacro %}

{% macro type_of_names(type) %}{{ return(type) }}{% endmacro %}

{% macro timeline(spans, operands, series, keys) %}
    {%- set others = keys[1:] -%}
with inside as (
    select
        {{ keys | join(', ') }},
        greatest(start_at, {{ window_start() }}) as start_at,
        end_at,
        {% for r in resources() %}{{ exact(r, r) }} as {{ r }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ spans }}
    where start_at < {{ window_end() }} and coalesce(end_at > {{ window_start() }}, true)
),

changes as (
    select
        {{ keys | join(', ') }}, ts,
        {% for r in resources() %}{{ exact('sum(' ~ r ~ ')', r) }} as {{ r }}{{ ', ' if not loop.last }}{% endfor %}
    from (
        select {{ keys | join(', ') }}, start_at as ts, {{ resources() | join(', ') }} from inside
        union all
        select {{ keys | join(', ') }}, end_at, -{{ resources() | join(', -') }} from inside
        where end_at < {{ window_end() }}
    )
    group by all
),

signed_changes as (
    select
        o.metric, {% for key in others %}c.{{ key }}, {% endfor %}c.ts,
        {% for r in resources() %}{{ exact('o.sign * c.' ~ r, r) }} as {{ r }}{{ ', ' if not loop.last }}{% endfor %}
    from changes as c
    join {{ operands }} as o on o.operand = c.metric
    union all by name
    select {{ keys | join(', ') }}, ts from {{ series }} cross join {{ ticks() }} as ticks
),

deltas as (
    select
        {{ keys | join(', ') }}, ts,
        {% for r in resources() %}
        {{ exact('coalesce(sum(' ~ r ~ '), 0)', r) }} as d_{{ r }}{{ ',' if not loop.last }}
        {% endfor %}
    from signed_changes
    group by all
),

{#
    A sum over rows as they come costs a quarter of one over partitions. So the series follow each other, each with a
    last row that takes it back to zero: then the running sum of all is that of each. The test running_levels sees that
    it is.
#}
ended as (
    select
        {{ keys | join(', ') }}, 'infinity'::timestamp as ts,
        {% for r in resources() %}
        {{ exact('-sum(d_' ~ r ~ ')', r) }} as d_{{ r }}{{ ',' if not loop.last }}
        {% endfor %}
    from deltas
    group by all
),

in_order as (
    select * from (from deltas union all by name from ended)
    order by {{ keys | join(', ') }}, ts
),

summed as (
    select
        {{ keys | join(', ') }}, ts,
        {% for r in resources() %}
        d_{{ r }},
        {{ exact('sum(d_' ~ r ~ ') over (rows unbounded preceding)', r) }} as {{ r }}{{ ',' if not loop.last }}
        {% endfor %}
    from in_order
)

select * from summed
where ts < 'infinity'
{% endmacro %}

{% macro change_points(timeline, keys, tracked) %}
{% for r in resources() %}
select
    l.ts as timestamp,
    {{ site_name() }} as site,
    {% for key in keys %}l.{{ key }},
    {% endfor -%}
    '{{ r }}'::{{ name_of(resources()) }} as resource,
    l.{{ r }}::double as value
from {{ timeline }} as l
join {{ tracked }} as t using (collector_type, metric)
where t.{{ r }} and (abs(l.d_{{ r }}) > {{ noise(r) }} or l.ts = {{ window_start() }})
{{ 'union all' if not loop.last }}
{% endfor %}
{% endmacro %}

{% macro buckets(timeline, keys, tracked) %}
with steps as (
    select
        *,
        max(case when is_tick then ts end) over history as bucket,
        epoch_us(coalesce(lead(ts) over history, {{ window_end() }}) - ts) as length
    from (select l.*, k.ts is not null as is_tick from {{ timeline }} as l left join {{ ticks() }} as k on k.ts = l.ts)
    window history as (partition by {{ keys | join(', ') }} order by ts)
),

buckets as (
    select
        {{ keys | join(', ') }},
        bucket as ts,
        sum(length)::double as length,
        {% for r in resources() %}
        arg_min({{ r }}, ts)::double as {{ r }},
        min({{ r }})::double as min_{{ r }},
        max({{ r }})::double as max_{{ r }},
        sum({{ r }} * length)::double as area_{{ r }}{{ ',' if not loop.last }}
        {% endfor %}
    from steps
    group by all
)

{% for r in resources() %}
select
    l.ts as timestamp,
    {{ site_name() }} as site,
    {% for key in keys %}l.{{ key }},
    {% endfor -%}
    '{{ r }}'::{{ name_of(resources()) }} as resource,
    l.{{ r }} as value,
    l.area_{{ r }} / l.length as mean,
    l.min_{{ r }} as min,
    l.max_{{ r }} as max,
    l.area_{{ r }} / 3600e6 as hours
from buckets as l
join {{ tracked }} as t using (collector_type, metric)
where t.{{ r }}
{{ 'union all' if not loop.last }}
{% endfor %}
{% endmacro %}

{% macro site_name() -%}
    {%- set site = literal(setting('site')) -%}
    {{ site }}::enum({{ site }})
{%- endmacro %}
