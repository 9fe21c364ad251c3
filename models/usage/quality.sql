{{ config(materialized='published') }}
{#
    Time is inside the window, an open end counted to its end: of rows as they claim, and what of it is kept. In
    microseconds, to the end.
#}
with pieces as (
    select
        metric,
        action,
        source_table,
        source_id,
        original_start_at,
        original_end_at,
        note,
        {{ time_inside('original_start_at', 'original_end_at') }} as claimed,
        case when is_valid then {{ time_inside('start_at', 'end_at') }} else 0 end as kept
    from {{ ref('all_spans') }}
),

{# pieces of one claim share its bounds #}
claims as (
    select metric, action, source_table, source_id, max(claimed) as claimed, sum(kept) as kept
    from pieces
    group by metric, action, source_table, source_id, original_start_at, original_end_at
),

counted as (
    select
        metric,
        action,
        count(distinct (source_table, source_id)) as rows,
        sum(claimed) as claimed,
        sum(claimed - kept) filter (action in ('clipped', 'superseded')) as cut_off
    from claims
    group by grouping sets ((metric, action), (metric)) -- noqa: PRS
),

marked as (
    select metric, source_table, source_id, kept, unnest(string_split(note, ', ')) as mark from pieces
),

steps as (
    select
        *,
        epoch_us(
            coalesce(lead(ts) over (partition by collector_type, metric order by ts), {{ window_end() }}) - ts
        ) as length
    from {{ ref('timeline') }}
),

findings as (
    select 'rows' as "check", metric, action, rows, claimed as micros from counted
    union all by name
    select 'cut_off' as "check", metric, action, rows, cut_off as micros from counted
    where action in ('clipped', 'superseded')
    union all by name
    select
        'note' as "check",
        metric,
        count(distinct (source_table, source_id)) as rows,
        sum(kept) as micros,
        mark as detail
    from marked
    group by metric, mark
    {% for r in resources() %}
    union all by name
    select
        'negative' as "check",
        s.metric::varchar as metric,
        '{{ r }}' as resource,
        count(*) filter (abs(s.d_{{ r }}) > {{ noise(r) }}) as rows,
        sum(s.length) as micros,
        arg_min(s.ts, s.{{ r }}) as worst_at,
        min(s.{{ r }})::double as worst_value,
        s.collector_type::varchar as detail
    from steps as s
    join {{ ref('tracked') }} as t using (collector_type, metric)
    where t.{{ r }} and s.{{ r }} < -{{ noise(r) }}
    group by s.collector_type, s.metric
    {% endfor %}
    {% for kind, name in missing_inputs() %}
    union all by name
    select {{ literal(kind) }} as "check", {{ literal(name) }} as detail
    {% endfor %}
    {% for name, rows in zero_dates() %}
    union all by name
    select 'zero_dates' as "check", {{ rows }} as rows, {{ literal(name) }} as detail
    {% endfor %}
)

select
    {{ literal(setting('site')) }} as site,
    "check",
    metric,
    resource,
    action,
    rows::bigint as rows,
    micros / 3600e6 as hours,
    worst_at,
    worst_value,
    detail
from findings
order by "check", metric, resource, action, detail
