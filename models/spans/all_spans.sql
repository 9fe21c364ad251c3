{# Every audited span of the site, whatever its metric. #}
{% for metric in ['total', 'reservable', 'committed', 'occupied'] %}
select * from {{ ref('spans_' ~ metric) }}
{{ 'union all by name' if not loop.last }}
{% endfor %}
