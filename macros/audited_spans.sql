{% macro audited_spans(claims, keys=[], parents=none) %}
    select
        * exclude (start_at, end_at, cut_at, till_cut, reason, parent_start_at, parent_end_at),
        start_at as original_start_at,
        nullif(end_at, 'infinity') as original_end_at,
        case when is_valid then greatest(start_at, parent_start_at) end as start_at,
        case when is_valid then nullif(least(till_cut, parent_end_at), 'infinity') end as end_at
    from (
        select
            c.*,
            p.start_at as parent_start_at,
            p.end_at as parent_end_at,
            case
                when c.reason in ('hidden', 'never_launched') then c.reason
                when coalesce(c.start_at >= least(c.end_at, c.cut_at), true) then 'empty'
                when c.reason = 'null_key' then 'null_key'
                when c.reason = 'orphan' then 'orphan'
                {%- if keys %}
                when c.{{ keys | join(' is null or c.') }} is null then 'null_key'
                {%- endif %}
                when p.start_at is null then 'orphan'
                when c.cut_at < c.end_at then 'superseded'
                when c.start_at < p.start_at or c.till_cut > p.end_at then 'clipped'
                else 'none'
            end as action,
            action in ('none', 'clipped', 'superseded') as is_valid
        {# the left side's own conditions stay out of ON: one there turns the hash join into a nested loop #}
        from (
            select
                *,
                case when start_at < least(end_at, cut_at) and reason is null then least(end_at, cut_at) end as till_cut
            from {{ claims }}
        ) c
        {%- if parents %}
        left join ({{ merged_windows(parents, keys) }}) p
            on {% for key in keys %}c.{{ key }} = p.{{ key }} and {% endfor %}
                c.start_at < p.end_at and c.till_cut > p.start_at
        {%- else %}
        cross join (select '-infinity'::timestamp as start_at, 'infinity'::timestamp as end_at) p
        {%- endif %}
    )
{% endmacro %}
