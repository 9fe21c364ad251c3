{# A valid span starts before it ends; an invalid one has no times. #}
{% test valid_interval(model) %}
select * from {{ model }}
where case when is_valid then not coalesce(start_at < coalesce(end_at, 'infinity'), false)
  else start_at is not null or end_at is not null end
{% endtest %}
