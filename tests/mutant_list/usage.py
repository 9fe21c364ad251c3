"""Of the models of usage."""

from tests.mutant_list.seen_by import BOUNDS, QUALITY, WIDE

MUTANTS: dict[str, dict[str, tuple[str, ...]]] = {
    "models/usage/hours.sql": {
        "steps of all metrics": ("partition by collector_type, metric order", "partition by collector_type order"),
        "steps of legacy and current": ("partition by collector_type, metric order", "partition by metric order"),
        "last step from the start": ("{{ window_end() }}) - ts", "{{ window_start() }}) - ts"),
        "hours of minutes": ("/ 3600e6 as length", "/ 60e6 as length"),
        "tracked by metric alone": ("using (collector_type, metric)", "using (metric)"),
        "untracked hours": ("where t.{{ r }}\n", "where true\n"),
        "a mean": ("sum(s.{{ r }}::double * s.length)", "avg(s.{{ r }}::double * s.length)"),
    },
    "models/usage/quality.sql": {
        "claimed as kept": ("time_inside('original_start_at', 'original_end_at')", "time_inside('start_at', 'end_at')"),
        "pieces claim twice": ("max(claimed) as claimed", "sum(claimed) as claimed"),
        "one piece is kept": ("sum(kept) as kept", "max(kept) as kept"),
        "claims of one row are one": ("source_id, original_start_at, original_end_at\n", "source_id\n", QUALITY),
        "claims are rows": (
            "count(distinct (source_table, source_id)) as rows,\n        sum(claimed)",
            "count(*) as rows,\n        sum(claimed)",
            QUALITY,
        ),
        "nothing superseded is cut off": (
            "filter (action in ('clipped', 'superseded'))",
            "filter (action in ('clipped'))",
            QUALITY,
        ),
        "nothing is kept": ("sum(claimed - kept)", "sum(claimed)"),
        "no rows in all": ("grouping sets ((metric, action), (metric))", "grouping sets ((metric, action))"),
        "marks together": ("unnest(string_split(note, ', ')) as mark", "note as mark"),
        "last step from the start": (
            "{{ window_end() }}) - ts\n        ) as length",
            "{{ window_start() }}) - ts\n        ) as length",
            QUALITY,
        ),
        "steps of all metrics": (
            "partition by collector_type, metric order",
            "partition by collector_type order",
            QUALITY,
        ),
        "cut off in all": ("where action in ('clipped', 'superseded')\n", "where action is null\n"),
        "pieces are marked rows": (
            "count(distinct (source_table, source_id)) as rows,\n        sum(kept)",
            "count(*) as rows,\n        sum(kept)",
        ),
        "every step a change": (
            "count(*) filter (abs(s.d_{{ r }}) > {{ noise(r) }})",
            "count(*)",
        ),
        "best instant": ("arg_min(s.ts, s.{{ r }})", "arg_max(s.ts, s.{{ r }})"),
        "best value": ("min(s.{{ r }})::double", "max(s.{{ r }})::double"),
        "zero is negative": ("s.{{ r }} < -{{ noise(r) }}", "s.{{ r }} <= 0"),
        "noise is negative": ("s.{{ r }} < -{{ noise(r) }}", "s.{{ r }} < 0"),
        "untracked is negative": ("where t.{{ r }} and s", "where s"),
        "tracked by metric alone": ("using (collector_type, metric)", "using (metric)"),
        "hours of minutes": ("micros / 3600e6 as hours", "micros / 60e6 as hours"),
    },
    "models/usage/spans.sql": {
        "pieces backwards": ("original_start_at, start_at\n", "original_start_at desc, start_at\n"),
        "pieces of a claim backwards": ("original_start_at, start_at\n", "original_start_at, start_at desc\n"),
        "pieces from one": (") - 1\n", ")\n"),
        "all from zero": (") - 1\n", ") * 0\n"),
        "pieces of one from one": ("select *, 0 as piece", "select *, 1 as piece"),
        "three are several": ("having count(*) > 1", "having count(*) > 2"),
        "lease of a lease": ("on r.id = p.reservation_id", "on r.lease_id = p.reservation_id"),
        "types of reservations": (
            "on n.hypervisor_hostname = p.hypervisor_hostname",
            "on n.hypervisor_hostname = p.reservation_id",
        ),
        "file out of order": (
            "order by metric, p.source_table, p.source_id, p.piece",
            "order by metric, p.source_id, p.source_table, p.piece",
            "tests/integration/test_numbers.py -k random_sites",  # ids of several tables in one metric
        ),
    },
    "models/usage/timeline.sql": {
        "what is not valid": ("where is_valid\n", "where true\n"),
        "legacy is current": ("'legacy'::{{ name_of(", "'current'::{{ name_of("),
        "current is legacy": ("'current'::{{ name_of(", "'legacy'::{{ name_of("),
    },
    "models/usage/timeline_by_project.sql": {
        "what is not valid": ("where is_valid and metric in", "where metric in"),
        "nothing on demand": (
            "('committed', 'occupied_reservation', 'occupied_ondemand')",
            "('committed', 'occupied_reservation')",
        ),
        "derived metrics": ("where metric = operand", "where true"),
        "from the window's end": ("where start_at < {{ window_end() }}", "where start_at <= {{ window_end() }}"),
        "to the window's start": (
            "coalesce(end_at > {{ window_start() }}, true)",
            "coalesce(end_at >= {{ window_start() }}, true)",
            f"{BOUNDS} -k touch",
        ),
        "open spans are over": (
            "coalesce(end_at > {{ window_start() }}, true)",
            "coalesce(end_at > {{ window_start() }}, false)",
        ),
        "current is legacy": ("'current'::{{ name_of(", "'legacy'::{{ name_of("),
        "known projects only": (
            "left join {{ ref('stg_keystone__project') }}",
            "join {{ ref('stg_keystone__project') }}",
        ),
        "names of metrics": ("on p.id = s.project_id::varchar", "on p.id = s.metric::varchar", f"{BOUNDS} -k names_of"),
    },
    "models/usage/tracked.sql": {
        "no device in total": (
            "'total': [['nova', 'compute_nodes'], ['blazar', 'devices']]",
            "'total': [['nova', 'compute_nodes']]",
            f"{BOUNDS} -k container",
        ),
        "no container is occupied": (
            "[['nova', 'instances'], ['zun', 'container']]",
            "[['nova', 'instances']]",
            f"{BOUNDS} -k container",
        ),
        "every resource is known": ("count({{ r }}) > 0 as", "count(*) > 0 as"),
        "known of what isn't valid": ("where is_valid\n", "where true\n"),
        "without Blazar nothing": ("['no Blazar'] if not setting('has_blazar')", "['no Blazar'] if false"),
        "without Blazar all": (
            "not setting('has_blazar') and metric in ['reservable', 'committed'] else",
            "not setting('has_blazar') else",
            f"{BOUNDS} -k without",
        ),
        "untracked is tracked": ("b.is_tracked and coalesce(", "coalesce(", f"{BOUNDS} -k without"),
        "total's before its own": ("coalesce(k.{{ r }}, t.{{ r }},", "coalesce(t.{{ r }}, k.{{ r }},"),
        "nothing without total": (
            "{{ 'true' if r == 'nodes' else 'false' }})\n",
            "false)\n",
            f"{BOUNDS} -k without",
        ),
        "everything without total": (
            "{{ 'true' if r == 'nodes' else 'false' }})\n",
            "true)\n",
            f"{BOUNDS} -k without",
        ),
        "one operand is enough": ("bool_and(o.{{ r }})", "bool_or(o.{{ r }})"),
        "by its own name": ("on o.metric = m.operand", "on o.metric = m.metric"),
        "legacy of all resources": (
            "{{ 'true' if r == 'nodes' else 'false' }}{{ ', ' if not loop.last }}{% endfor %}\nfrom (select",
            "true{{ ', ' if not loop.last }}{% endfor %}\nfrom (select",
        ),
        "no legacy idle": (
            "'occupied_reservation', 'idle', 'available_reservable')",
            "'occupied_reservation', 'available_reservable')",
        ),
        "always legacy": ("\n    and exists (from {{ ref('stg_chameleon_usage__node_usage_report_cache') }})", ""),
    },
    "models/usage/usage.sql": {
        "file out of order": (
            "order by collector_type, metric, resource, timestamp",
            "order by collector_type, metric, timestamp",
        ),
        "columns out of order": ("['collector_type', 'metric']", "['metric', 'collector_type']"),
    },
    "models/usage/usage_by_project.sql": {
        "file out of order": ("project_id, resource, timestamp", "resource, project_id, timestamp"),
        "columns out of order": ("'project_id', 'project_name']", "'project_name', 'project_id']"),
    },
    "models/usage/usage_by_project_resampled.sql": {
        "file out of order": ("order by collector_type, metric, project_id, resource, timestamp", "order by timestamp"),
        "buckets of all projects": (
            "['collector_type', 'metric', 'project_id', 'project_name'],",
            "['collector_type', 'metric', 'project_name', 'd_nodes', 'project_id'],",
        ),
        "columns out of order": ("'project_id', 'project_name']", "'project_name', 'project_id']"),
    },
    "models/usage/usage_resampled.sql": {
        "file out of order": ("order by collector_type, metric, resource, timestamp", "order by timestamp"),
        "columns out of order": ("['collector_type', 'metric']", "['metric', 'collector_type']"),
    },
    "models/usage/usage_wide.sql": {
        "values of the instant alone": ("last_value({{ name }} ignore nulls)", "last_value({{ name }})", WIDE),
        "all collectors": ("where collector_type = 'current'", "where true", WIDE),
        "one history of all resources": ("partition by resource order by time rows", "order by time rows", WIDE),
    },
}
