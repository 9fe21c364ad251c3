"""Of the data tests."""

MUTANTS: dict[str, dict[str, tuple[str, ...]]] = {
    "tests/generic/adds_up.sql": {
        "no disk": (
            "{% for r in resources() %}\n    coalesce(s.{{ r }}, 0) <>",
            "{% for r in resources()[:4] %}\n    coalesce(s.{{ r }}, 0) <>",
        ),
        "what one has only": ("full join parts", "join parts"),
        "nothing on demand": ("'occupied_reservation', 'occupied_ondemand')", "'occupied_reservation')"),
    },
    "tests/generic/at_most_devices.sql": {
        "every allocation a device": (
            "['reservation_id', 'hypervisor_hostname']",
            "['reservation_id', 'hypervisor_hostname', 'source_id']",
        ),
        "more of two": ("where free < 0", "where free < -1"),
        "ends change nothing": (
            "select reservation_id, end_at, -1 from devices",
            "select reservation_id, end_at, 0 from devices",
        ),
    },
    "tests/generic/column_types.sql": {
        "any type": (" or p.column_type is distinct from w.column_type", ""),
        "any name": ("p.column_name is distinct from w.column_name or ", ""),
        "columns that are gone": ("promised as p full join", "promised as p right join"),
        "columns that nobody promised": ("promised as p full join", "promised as p left join"),
    },
    "tests/generic/conserves.sql": {
        "current only": (
            "join terms as t using (metric)\n",
            "join terms as t using (metric)\n    where m.collector_type = 'current'\n",
        ),
        "nodes only": ("having {% for r in resources() %}", "having {% for r in ['nodes'] %}"),
        "children only": ("then d_{{ r }} else", "then 0 else"),
    },
    "tests/generic/covers_all_time.sql": {
        "gaps before": ("from_at <> should_start or", "false or"),
        "gaps after": ("or till_at <> should_end", ""),
        "a first start": ("1, '-infinity')", "1, from_at)"),
        "a last end": ("1, 'infinity')", "1, till_at)"),
    },
    "tests/generic/every_row_audited.sql": {
        "rows that are not audited": ("((from rows) except (from audited))\nunion all\n", ""),
        "audited rows that are not": ("\nunion all\n((from audited) except (from rows))", ""),
        "other rows": ("where {{ source.get('only', 'true') }}", "where true"),
        "the first source alone": ("if not loop.last }}\n    {% endfor %}", "if false }}\n    {% break %}{% endfor %}"),
    },
    "tests/generic/hours_of_buckets.sql": {
        "missing is equal": ("1e-9 * abs(h.hours), false)", "1e-9 * abs(h.hours), true)"),
        "any hours": ("<= 1e-6 +", "<= 1e6 +"),
        "less is equal": ("abs({{ hours_of }}", "({{ hours_of }}"),
    },
    "tests/generic/hours_of_spans.sql": {
        "any hours": ("> 1e-6 +", "> 1e6 +"),
        "what has no spans": ("coalesce(e.hours, 0)", "e.hours"),
        "what is not valid": ("where is_valid and", "where"),
        "hours of the spans alone": ("left join expected", "join expected"),
    },
    "tests/generic/inside_parent.sql": {
        "before its parent": ("and {% endfor %}c.start_at >= p.start_at\n", "and {% endfor %}true\n"),
        "after its parent": ("coalesce(c.end_at, 'infinity') <= p.end_at", "true"),
        "any key": ("{% for key in keys %}c.{{ key }} = p.{{ key }} and {% endfor %}", ""),
    },
    "tests/generic/no_overlap.sql": {
        "touching overlaps": ("start_at < busy_until", "start_at <= busy_until"),
        "open spans": ("max(coalesce(end_at, 'infinity'))", "max(end_at)"),
        "before the last only": ("between unbounded preceding and 1 preceding", "between 2 preceding and 2 preceding"),
    },
    "tests/generic/running_levels.sql": {
        "two rows of an instant": ("not is_after or ", ""),
        "nodes only": ("{{ resources() | join('_off <> 0 or ') }}_off <> 0", "nodes_off <> 0"),
        "a first row of any level": ("coalesce(lag({{ r }}) over series, 0)", "lag({{ r }}) over series"),
        "no change": ("+ d_{{ r }} -", "-"),
    },
    "tests/generic/sorted_file.sql": {
        "the same is after": ("{{ row }} > lag", "{{ row }} >= lag"),
        "any order": ("where not is_after", "where false"),
    },
    "tests/generic/sound_spans.sql": {
        "no length": ("start_at < coalesce(end_at, 'infinity')\n", "start_at <= coalesce(end_at, 'infinity')\n"),
        "no start": ("    false\n    )", "    true\n    )"),
        "before its claim": ("    and start_at >= original_start_at\n", ""),
        "after its claim": ("    and coalesce(end_at, 'infinity') <= coalesce(original_end_at, 'infinity')\n", ""),
        "cut by none": ("(action = 'none') = (", "(action = 'none') <= ("),
        "clipped of nothing": ("(action = 'none') = (", "(action = 'none') >= ("),
        "what is not valid": ("start_at is not null or end_at is not null", "false"),
        "what is not valid has an end": ("start_at is not null or end_at is not null", "start_at is not null"),
    },
    "tests/generic/unique_row.sql": {
        "two are one": ("count(*) > 1", "count(*) > 2"),
    },
}
