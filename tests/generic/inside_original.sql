{# A span is never longer than the claim that it comes from, and is as long exactly where its action is none. #}
{% test inside_original(model) %}
select * from {{ model }}
where is_valid and not (
  start_at >= original_start_at
  and coalesce(end_at, 'infinity') <= coalesce(original_end_at, 'infinity')
  and (action = 'none') = (start_at = original_start_at and end_at is not distinct from original_end_at)
)
{% endtest %}
