{% test no_overlap(model, keys) %}
select * from (
    select
        *,
        max(coalesce(end_at, 'infinity')) over (
            partition by {{ keys | join(', ') }}
            order by start_at, end_at rows between unbounded preceding and 1 preceding
        ) as busy_until
    from {{ model }}
    where is_valid
)
where start_at < busy_until
{% endtest %}
