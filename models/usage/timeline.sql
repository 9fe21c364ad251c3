with current_spans as (
  select metric, 'current' as collector_type, start_at, end_at, {{ resources() | join(', ') }}
  from {{ ref('all_spans') }}
  where is_valid
),

series as (select metric, collector_type from {{ ref('tracked') }}),

swept as (
  {{ timeline('current_spans', ref('metric_operands'), 'series', ['metric', 'collector_type']) }}
)

select * from swept
