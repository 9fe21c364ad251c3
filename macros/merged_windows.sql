{#
    Starts are made unique first: with ties two window functions may order the same rows differently, and one island
    would come out twice.
#}
{% macro merged_windows(spans, keys) %}
    {%- set k = keys | join(', ') -%}
    select {{ k }}, min(start_at) as start_at, max(end_at) as end_at
    from (
        select *, count(*) filter (is_new) over (partition by {{ k }} order by start_at) as island
        from (
            select
                *,
                coalesce(
                    start_at > max(end_at) over (
                        partition by {{ k }} order by start_at rows between unbounded preceding and 1 preceding
                    ),
                    true
                ) as is_new
            from (
                select {{ k }}, start_at, max(coalesce(end_at, 'infinity')) as end_at
                from {{ spans }}
                where is_valid and {{ keys | join(' is not null and ') }} is not null
                group by {{ k }}, start_at
            )
        )
    )
    group by {{ k }}, island
{% endmacro %}
