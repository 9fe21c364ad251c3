{% macro supersede(claims, key) %}
    select
        *,
        case
            when {{ key }} is null or not is_real then 'infinity'
            else coalesce(
                lead(start_at) over (
                    partition by {{ key }}, is_real
                    order by start_at, try_cast(source_id as bigint) nulls last, source_id
                ),
                'infinity'
            )
        end::timestamp as cut_at
    from (select *, coalesce(start_at < end_at, false) as is_real from {{ claims }})
{% endmacro %}
