{% test running_levels(model, keys) %}
select * from (
    select
        {{ keys | join(', ') }},
        ts,
        ts > lag(ts) over series as is_after,
        {% for r in resources() %}
        coalesce(lag({{ r }}) over series, 0) + d_{{ r }} - {{ r }} as {{ r }}_off{{ ',' if not loop.last }}
        {% endfor %}
    from {{ model }}
    window series as (partition by {{ keys | join(', ') }} order by ts)
)
where not is_after or {{ resources() | join('_off <> 0 or ') }}_off <> 0
{% endtest %}
