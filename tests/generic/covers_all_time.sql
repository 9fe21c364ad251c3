{% test covers_all_time(model, key) %}
select * from (
    select
        {{ key }}, from_at, till_at,
        lag(till_at, 1, '-infinity') over (partition by {{ key }} order by from_at) as should_start,
        lead(from_at, 1, 'infinity') over (partition by {{ key }} order by from_at) as should_end
    from {{ model }}
)
where from_at <> should_start or till_at <> should_end or from_at >= till_at
{% endtest %}
