{% test sound_spans(model) %}
select * from {{ model }}
where case
    when is_valid then not coalesce(
        start_at < coalesce(end_at, 'infinity')
        and start_at >= original_start_at
        and coalesce(end_at, 'infinity') <= coalesce(original_end_at, 'infinity')
        and (action = 'none') = (start_at = original_start_at and end_at is not distinct from original_end_at),
        false
    )
    else start_at is not null or end_at is not null
end
{% endtest %}
