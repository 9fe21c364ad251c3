{# At every instant a parent is the sum of its children, resource by resource. #}
{% test conserves(model, parent, children) %}
select * from (
  select
    collector_type,
    ts,
    {% for r in resources() %}
    sum(sum(case when metric = '{{ parent }}' then d_{{ r }} else -d_{{ r }} end)) over (partition by collector_type order by ts) as {{ r }}{{ ',' if not loop.last }}
    {% endfor %}
  from {{ model }}
  where metric in ('{{ parent }}', '{{ children | join("', '") }}')
  group by collector_type, ts
)
where {{ resources() | join(' <> 0 or ') }} <> 0
{% endtest %}
