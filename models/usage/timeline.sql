with spans as (
    select
        metric::metric_name as metric,
        'current'::{{ name_of(['current', 'legacy']) }} as collector_type,
        start_at,
        end_at,
        {{ resources() | join(', ') }}
    from {{ ref('all_spans') }}
    where is_valid
    union all by name
    select
        metric::metric_name as metric,
        'legacy'::{{ name_of(['current', 'legacy']) }} as collector_type,
        start_at,
        end_at,
        nodes
    from {{ ref('legacy_spans') }}
),

operands as (
    select metric::metric_name as metric, operand::metric_name as operand, sign from {{ ref('metric_operands') }}
),

series as (select metric, collector_type from {{ ref('tracked') }}),

swept as (
    {{ timeline('spans', 'operands', 'series', ['metric', 'collector_type']) }} -- noqa: PRS
)

select * from swept
