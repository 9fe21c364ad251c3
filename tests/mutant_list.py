"""The mutants of tests/mutants.py: the old text occurs once in its file."""
# ruff: noqa: E501 (SQL as it stands)

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A change of one file. `test`: what pytest is to run, where neither a site's numbers nor a build can show it."""

    name: str
    file: str
    old: str
    new: str
    test: str | None = None


BUCKETS = "tests/integration/test_numbers.py -k buckets"
QUALITY = "tests/integration/test_quality.py"
BOUNDS = "tests/integration/test_bounds.py"
WIDE = "tests/integration/test_export.py -k wide_is_usage"

_MUTANTS: dict[str, dict[str, tuple[str, ...]]] = {
    "macros/audited_spans.sql": {
        "starts with the earlier": ("is_valid then greatest(start_at", "is_valid then least(start_at"),
        "ends with the later": ("nullif(least(till_cut, parent_end_at)", "nullif(greatest(till_cut, parent_end_at)"),
        "ends uncut": ("nullif(least(till_cut, parent_end_at)", "nullif(least(end_at, parent_end_at)"),
        "no length is a length": ("coalesce(c.start_at >= least(", "coalesce(c.start_at > least("),
        "no start is no reason": ("least(c.end_at, c.cut_at), true)", "least(c.end_at, c.cut_at), false)"),
        "empty before the cut only": ("c.start_at >= least(c.end_at, c.cut_at)", "c.start_at >= c.end_at"),
        "never launched counts": ("in ('hidden', 'never_launched') then", "in ('hidden') then"),
        "null_key forgotten": ("when c.reason = 'null_key' then 'null_key'\n", "\n"),
        "orphan forgotten": ("when c.reason = 'orphan' then 'orphan'\n", "\n"),
        "any key will do": ("keys | join(' is null or c.')", "keys | join(' is null and c.')"),
        "superseded at its own end": ("c.cut_at < c.end_at", "c.cut_at <= c.end_at and c.cut_at < 'infinity'"),
        "clipped on both sides": ("p.start_at or c.till_cut > p.end_at", "p.start_at and c.till_cut > p.end_at"),
        "clipped without loss at the end": ("c.till_cut > p.end_at", "c.till_cut >= p.end_at"),
        "clipped without loss at the start": ("c.start_at < p.start_at or", "c.start_at <= p.start_at or"),
        "clipped before superseded": (
            "when c.cut_at < c.end_at then 'superseded'\n        when c.start_at < p.start_at or c.till_cut > p.end_at "
            "then 'clipped'",
            "when c.start_at < p.start_at or c.till_cut > p.end_at then 'clipped'\n        when c.cut_at < c.end_at "
            "then 'superseded'",
        ),
        "superseded is not valid": ("action in ('none', 'clipped', 'superseded')", "action in ('none', 'clipped')"),
        "pieces of what can't count": (
            "least(end_at, cut_at) and reason is null then",
            "least(end_at, cut_at) then",
            "tests/integration/test_old_bugs.py -k audited_once",
        ),
        "parent that starts at the end": ("c.till_cut > p.start_at", "c.till_cut >= p.start_at"),
        "parent that ends at the start": ("c.start_at < p.end_at and", "c.start_at <= p.end_at and"),
        "orphans are lost": ("left join ({{ merged_windows", "join ({{ merged_windows"),
        "first key only": ("on {% for key in keys %}", "on {% for key in keys[:1] %}"),
    },
    "macros/capacity_claims.sql": {
        "unknown disk unmarked": ("memory_mb is null or disk_gb is null'", "memory_mb is null'"),
        "nodes of unknown hosts": (
            "1::double as nodes,\n    vcpus",
            "if(vcpus > 0, 1, null)::double as nodes,\n    vcpus",
        ),
        "overcommit in whole numbers": ("round(vcpus * ratio, 6)", "round(vcpus * ratio, 0)"),
        "no ratio": ("round(vcpus * ratio, 6)", "vcpus"),
        "open hosts have no end": (
            "coalesce(deleted_at, 'infinity') as end_at,\n    null::varchar as reason,\n    {{ note",
            "deleted_at as end_at,\n    null::varchar as reason,\n    {{ note",
        ),
        "devices for ever": (
            "coalesce(deleted_at, 'infinity') as end_at,\n    null::varchar as reason,\n    null::varchar as note",
            "'infinity'::timestamp as end_at,\n    null::varchar as reason,\n    null::varchar as note",
        ),
        "devices without a name": ("id as hypervisor_hostname", "null::varchar as hypervisor_hostname"),
    },
    "macros/config.sql": {
        "other zone": ("at time zone 'UTC'", "at time zone 'Asia/Tashkent'"),
        "window from midnight": (
            "window_start() %}{{ instant('start_date') }}",
            "window_start() %}date_trunc('day', {{ instant('start_date') }})",
        ),
        "window to midnight": (
            "window_end() %}{{ instant('end_date') }}",
            "window_end() %}date_trunc('day', {{ instant('end_date') }})",
        ),
        "time of the window to its later end": ("epoch_us(least(coalesce", "epoch_us(greatest(coalesce"),
        "time before the window": ("- greatest({{ start }}, {{ window_start() }})", "- {{ start }}"),
        "negative time": ("else greatest(epoch_us(", "else coalesce(epoch_us("),
        "time without a start": ("when {{ start }} is null then 0", "when false then 0", QUALITY),
        "hours are minutes": ("'h': 'hours'", "'h': 'minutes'"),
        "months are weeks": ("'mo': 'months'", "'mo': 'weeks'", BUCKETS),
        "one unit": ("interval '{{ found.group(1) }} ", "interval '1 "),
        "a bucket from the end": ("where ts < {{ window_end() }}", "where ts <= {{ window_end() }}"),
        "too few buckets": ("* 1.1 + 2)", "* 0.9)"),
        "buckets step from midnight": (
            "select {{ window_start() }} + n *",
            "select date_trunc('day', {{ window_start() }}) + n *",
        ),
    },
    "macros/json_text.sql": {
        "numbers are text": ("starts_with({{ value }}::varchar, '\"')", "{{ value }} is not null", f"{BOUNDS} -k hint"),
        "empty names": ("nullif({{ value }} ->> '$', '')", "{{ value }} ->> '$'"),
    },
    "macros/known.sql": {
        "zero is known": ("nullif({{ column }}, 0)::double", "{{ column }}::double"),
        "less than zero is known": ("as double) > 0", "as double) > -1e9"),
        "infinity is known": ("case when isfinite(try_cast", "case when not isnan(try_cast"),
        "last known first": ("for column in columns %}", "for column in columns | reverse %}"),
    },
    "macros/merged_windows.sql": {
        "ends with the first": ("max(end_at) as end_at\n  from", "min(end_at) as end_at\n  from"),
        "starts with the last": ("min(start_at) as start_at", "max(start_at) as start_at"),
        "apart where they touch": ("start_at > max(end_at)", "start_at >= max(end_at)"),
        "compared with the last only": (
            "between unbounded preceding and 1",
            "between 1 preceding and 1",
            f"{BOUNDS} -k parent",
        ),
        "shortest of one start": ("max(coalesce(end_at, 'infinity'))", "min(coalesce(end_at, 'infinity'))"),
        "open ends forgotten": ("max(coalesce(end_at, 'infinity'))", "max(end_at)"),
        "islands of all keys": (
            "over (partition by {{ k }} order by start_at) as island",
            "over (order by start_at) as island",
        ),
        "ends of all keys": ("over (partition by {{ k }} order by start_at rows", "over (order by start_at rows"),
        "one island a key": ("group by {{ k }}, island", "group by {{ k }}"),
    },
    "macros/missing.sql": {
        "tables that nobody reads": ("in graph.nodes) }}", "in graph.nodes or true) }}", QUALITY),
        "Blazar is missed": ("(has_blazar or node.source_name != 'blazar')", "true", QUALITY),
        "missing tables are there": ("{%- if name not in tables", "{%- if name in tables", QUALITY),
        "columns that are there": ("column.name not in tables[name]", "column.name in tables[name]", QUALITY),
        "what history makes is missed": ("not column.config.meta.get('history_only')", "true", QUALITY),
        "no zero dates": ("publisher('tables').zero_dates", "[]", QUALITY),
    },
    "macros/note.sql": {
        "marks in one word": ("concat_ws(', '{%", "concat_ws(' '{%"),
        "empty notes": ("nullif(concat_ws(", "coalesce(concat_ws("),
        "marks of what is not": ("case when {{ condition }}", "case when not ({{ condition }})"),
    },
    "macros/raw.sql": {
        "empty names": ('return("nullif(" ~ value ~ "::varchar, \'\')")', 'return(value ~ "::varchar")'),
        "vanished before deleted": (
            "'coalesce(' ~ value ~ '::timestamp, ' ~ vanished ~ '::timestamp)'",
            "'coalesce(' ~ vanished ~ '::timestamp, ' ~ value ~ '::timestamp)'",
        ),
        "vanished is still there": ("{%- elif vanished -%}", "{%- elif false -%}"),
        "a FLOAT's bits": ("value ~ '::varchar::double'", "value ~ '::double'", f"{BOUNDS} -k float"),
        "Blazar is read": ("(schema == 'blazar' and not setting('has_blazar'))", "false"),
        "smallest archived id": ("order by id desc) = 1", "order by id) = 1"),
        "every archived row": ("qualify row_number() over (partition by {{ key }} order by id desc) = 1", ""),
        "archived rows never": (
            "select * from archived where {{ key }} not in (from there)",
            "select * from archived where false",
        ),
        "archived rows too": ("select * from archived where {{ key }} not in (from there)", "select * from archived"),
        "vanished rows without an archive": (
            " or {{ key }} not in (select {{ key }} from archived where {{ key }} is not null)",
            "",
        ),
        "live rows that were archived": ("where {{ key }} in (from there) or", "where"),
        "what vanished is there": ("where _vanished_at is not null", "where _vanished_at is null"),
        "archive without a live key": ("from live where {{ key }} is not null", "from live", f"{BOUNDS} -k archived"),
    },
    "macros/supersede.sql": {
        "nameless rows supersede": (
            "when {{ key }} is null or not is_real",
            "when not is_real",
            f"{BOUNDS} -k nameless",
        ),
        "empty rows supersede": ("partition by {{ key }}, is_real", "partition by {{ key }}"),
        "backwards": ("order by start_at, try_cast", "order by start_at desc, try_cast"),
        "names before digits": ("as bigint) nulls last", "as bigint) nulls first", f"{BOUNDS} -k numbers_then_names"),
        "digits are text": ("try_cast(source_id as bigint) nulls last, source_id", "source_id"),
        "names backwards": ("nulls last, source_id", "nulls last, source_id desc", f"{BOUNDS} -k numbers_then_names"),
        "no length is real": ("coalesce(start_at < end_at, false)", "coalesce(start_at <= end_at, false)"),
        "rows of all hosts": ("partition by {{ key }}, is_real", "partition by is_real"),
    },
    "macros/timeline.sql": {
        "nodes of three digits": ("{'nodes': 12,", "{'nodes': 3,"),
        "overcommit in whole numbers": ("'vcpus_overcommit': 6}", "'vcpus_overcommit': 0}"),
        "others in whole numbers": ("scales.get(resource, 3)", "scales.get(resource, 0)"),
        "small changes are noise": ("return('1e-9' if", "return('1e-1' if"),
        "noise is change": ("return('1e-9' if", "return('0' if"),
        "rows before the window": ("greatest(start_at, {{ window_start() }}) as start_at", "start_at"),
        "starts at the window's end": (
            "where start_at < {{ window_end() }} and",
            "where start_at <= {{ window_end() }} and",
        ),
        "open spans are over": (
            "coalesce(end_at > {{ window_start() }}, true)",
            "coalesce(end_at > {{ window_start() }}, false)",
        ),
        "ends at the window's end": ("where end_at < {{ window_end() }}\n", "where end_at <= {{ window_end() }}\n"),
        "nodes alone end": ("-{{ resources() | join(', -') }}", "-{{ resources() | join(', ') }}"),
        "no signs": ("exact('o.sign * c.' ~ r, r)", "exact('c.' ~ r, r)"),
        "operands of themselves": ("on o.operand = c.metric", "on o.metric = c.metric"),
        "nothing is null": ("exact('coalesce(sum(' ~ r ~ '), 0)', r)", "exact('sum(' ~ r ~ ')', r)"),
        "two changes": ("over (rows unbounded preceding)", "over (rows 1 preceding)"),
        "backwards": ("order by {{ keys | join(', ') }}, ts", "order by {{ keys | join(', ') }}, ts desc"),
        "series in any order": ("order by {{ keys | join(', ') }}, ts", "order by ts"),
        "series go on": ("exact('-sum(d_' ~ r ~ ')', r)", "exact('0 * sum(d_' ~ r ~ ')', r)"),
        "the end is a change": ("where ts < 'infinity'", "where true"),
        "less is no change": ("(abs(l.d_{{ r }}) > {{ noise(r) }}", "(l.d_{{ r }} > {{ noise(r) }}"),
        "the same is a change": ("(abs(l.d_{{ r }}) > {{ noise(r) }}", "(abs(l.d_{{ r }}) >= {{ noise(r) }}"),
        "no first row": ("{{ noise(r) }} or l.ts = {{ window_start() }})", "{{ noise(r) }})"),
        "untracked series": ("where t.{{ r }} and (abs", "where (abs"),
        "tracked by metric alone": (
            "as value\nfrom {{ timeline }} as l\njoin {{ tracked }} as t using (collector_type, metric)",
            "as value\nfrom {{ timeline }} as l\njoin {{ tracked }} as t using (metric)",
        ),
        "first bucket": ("max(case when is_tick", "min(case when is_tick"),
        "every step a bucket": ("k.ts is not null as is_tick", "true as is_tick"),
        "last step from the start": (
            "coalesce(lead(ts) over history, {{ window_end() }}) - ts) as length",
            "coalesce(lead(ts) over history, {{ window_start() }}) - ts) as length",
        ),
        "buckets of all metrics": (
            "(partition by {{ keys | join(', ') }} order by ts)",
            "(partition by {{ keys[:1] | join(', ') }} order by ts)",
        ),
        "value at the bucket's end": ("arg_min({{ r }}, ts)", "arg_max({{ r }}, ts)"),
        "least is most": ("min({{ r }})::double as min_", "max({{ r }})::double as min_"),
        "most is least": ("max({{ r }})::double as max_", "min({{ r }})::double as max_"),
        "area without length": ("sum({{ r }} * length)", "sum({{ r }})"),
        "mean of an hour": ("l.area_{{ r }} / l.length as mean", "l.area_{{ r }} / 3600e6 as mean"),
        "hours of minutes": ("l.area_{{ r }} / 3600e6 as hours", "l.area_{{ r }} / 60e6 as hours"),
        "untracked buckets": ("where t.{{ r }}\n", "where true\n"),
    },
    "models/spans/all_spans.sql": {
        "reservable twice": ("'committed', 'occupied'] %}", "'committed', 'occupied', 'reservable'] %}"),
        "nothing reservable": ("['total', 'reservable', ", "['total', "),
    },
    "models/spans/bookings.sql": {
        "starts before the lease was made": ("greatest(l.start_date, l.created_at)", "l.start_date"),
        "starts with the earlier": ("greatest(l.start_date, l.created_at)", "least(l.start_date, l.created_at)"),
        "ends with the later": ("least(l.end_date, l.deleted_at)", "greatest(l.end_date, l.deleted_at)"),
        "deletion of a lease": ("least(l.end_date, l.deleted_at)", "l.end_date"),
        "any lease": ("on l.id = r.lease_id", "on l.id = r.id"),
    },
    "models/spans/container_claims.sql": {
        "stopped runs": ("('Deleted', 'Error', 'Stopped')", "('Deleted', 'Error')"),
        "paused ended": ("('Deleted', 'Error', 'Stopped')", "('Deleted', 'Error', 'Stopped', 'Paused')"),
        "vanished before ended": (
            "coalesce(case when status in ('Deleted', 'Error', 'Stopped') then updated_at end, deleted_at,",
            "coalesce(deleted_at, case when status in ('Deleted', 'Error', 'Stopped') then updated_at end,",
        ),
        "vanished runs": ("then updated_at end, deleted_at,", "then updated_at end,"),
        "null_key before never_launched": (
            "when started_at is null then 'never_launched' when reservation_id is null then 'null_key'",
            "when reservation_id is null then 'null_key' when started_at is null then 'never_launched'",
        ),
        "two nodes": ("1::double as nodes", "2::double as nodes"),
    },
    "models/spans/container_windows.sql": {
        "hosts are devices": ("where source_table = 'blazar.device_allocations'", "where is_valid"),
        "a device of two allocations twice": (
            "merged_windows('device_spans', ['reservation_id', 'hypervisor_hostname'])",
            "merged_windows('device_spans', ['reservation_id', 'hypervisor_hostname', 'source_id'])",
        ),
        "steps of all reservations": ("over (partition by reservation_id order by ts)", "over (order by ts)"),
        "device from the next step": ("d.start_at <= s.start_at", "d.start_at < s.start_at"),
        "device for one step more": ("d.end_at > s.start_at", "d.end_at >= s.start_at"),
        "devices of all reservations": ("on d.reservation_id = s.reservation_id and d", "on d"),
        "one device": ("count(*) as devices", "1 as devices"),
        "container from the next step": ("r.start_at <= o.start_at", "r.start_at < o.start_at"),
        "container for one step more": ("r.end_at > o.start_at", "r.end_at >= o.start_at"),
        "last started first": ("order by r.start_at, try_cast", "order by r.start_at desc, try_cast"),
        "larger id first": ("try_cast(r.source_id as bigint), r", "try_cast(r.source_id as bigint) desc, r"),
        "digits are text": ("try_cast(r.source_id as bigint), r.source_id", "r.source_id", f"{BOUNDS} -k container"),
        "one device less": (") <= o.devices", ") < o.devices"),
        "no turns": ("partition by o.reservation_id, o.start_at\n", "partition by o.reservation_id\n"),
    },
    "models/spans/hosts.sql": {
        "smaller id of nova": ("created_at order by id desc) = 1", "created_at order by id) = 1"),
        "nova's first row from its start": (
            "with nova_rows as (\n  select\n    *,\n    if(lag(id) over (partition by hypervisor_hostname order by "
            "created_at) is null, '-infinity', created_at)",
            "with nova_rows as (\n  select\n    *,\n    if(false, '-infinity', created_at)",
        ),
        "blazar's first row from its start": (
            "blazar_rows as (\n  select\n    *,\n    if(lag(id) over (partition by hypervisor_hostname order by "
            "created_at) is null, '-infinity', created_at)",
            "blazar_rows as (\n  select\n    *,\n    if(false, '-infinity', created_at)",
        ),
        "nova's rows without a start": (
            "from {{ ref('stg_nova__compute_nodes') }}\n    where hypervisor_hostname is not null and created_at is not null",
            "from {{ ref('stg_nova__compute_nodes') }}\n    where hypervisor_hostname is not null",
            f"{BOUNDS} -k nobody",
        ),
        "blazar's rows without a start": (
            "from {{ ref('stg_blazar__computehosts') }}\n    where hypervisor_hostname is not null and created_at is not null",
            "from {{ ref('stg_blazar__computehosts') }}\n    where hypervisor_hostname is not null",
            f"{BOUNDS} -k nobody",
        ),
        "smaller id of blazar": ("as bigint) desc nulls first, id desc", "as bigint) nulls last, id"),
        "digits after names": ("as bigint) desc nulls first, id desc", "as bigint) desc nulls last, id desc"),
        "digits are text": ("try_cast(id as bigint) desc nulls first, id desc", "id desc"),
        "cpus of another key": ("'row.properties', 'cpus'", "'row.properties', 'memory_mb'"),
        "smallest id of Ironic": ("arg_max({'properties'", "arg_min({'properties'"),
        "ids are needed": ("coalesce(id, 0)) as row", "id) as row"),
        "nothing new of blazar": ("union\n  select hypervisor_hostname, from_at from blazar_rows\n", ""),
        "nothing of Ironic alone": (
            "union\n  select hypervisor_hostname, '-infinity'::timestamp from ironic_nodes\n",
            "",
        ),
        "every host is known": ("n.id is not null as is_known", "true as is_known"),
        "ratio of zero": ("coalesce(nullif(n.cpu_allocation_ratio, 0),", "coalesce(n.cpu_allocation_ratio,"),
        "default ratio": (
            "coalesce(nullif(n.cpu_allocation_ratio, 0), {{ setting('default_cpu_allocation_ratio') }})",
            "{{ setting('default_cpu_allocation_ratio') }}",
        ),
        "vcpus of blazar first": ("['n.vcpus', 'b.vcpus', 'i.vcpus']", "['b.vcpus', 'n.vcpus', 'i.vcpus']"),
        "memory of Ironic first": (
            "['n.memory_mb', 'b.memory_mb', 'i.memory_mb']",
            "['i.memory_mb', 'n.memory_mb', 'b.memory_mb']",
        ),
        "disk not of Ironic": ("['n.local_gb', 'b.local_gb', 'i.disk_gb']", "['n.local_gb', 'b.local_gb']"),
        "the nova row before": ("t.from_at >= n.from_at", "t.from_at > n.from_at"),
        "the blazar row before": ("t.from_at >= b.from_at", "t.from_at > b.from_at"),
    },
    "models/spans/instance_bookings.sql": {
        "smallest id of the specs": ("arg_max({'hint'", "arg_min({'hint'"),
        "second hint": ("scheduler_hints.reservation[0]", "scheduler_hints.reservation[1]"),
        "no spec is bad": ("'is_bad': found is null", "'is_bad': false"),
        "smallest id of the extras": ("arg_max({'flavor'", "arg_min({'flavor'"),
        "old flavor": ("'$.cur.\"nova_object.data\".name'", "'$.old.\"nova_object.data\".name'"),
        "broken extras": ("where try_cast(flavor as json) is not null", "where true"),
        "without a spec nothing is inferred": ("coalesce(s.spec.is_bad, true) as", "coalesce(s.spec.is_bad, false) as"),
        "no spec is a bad one": ("coalesce(s.spec.is_bad, false) as is_bad", "coalesce(s.spec.is_bad, true) as is_bad"),
        "any flavor of the spec": ("when starts_with(s.spec.flavor, 'reservation:')", "when s.spec.flavor is not null"),
        "any flavor of the extra": ("when starts_with(x.flavor, 'reservation:')", "when x.flavor is not null"),
        "with the colon": ("substr(s.spec.flavor, 13)", "substr(s.spec.flavor, 12)"),
        "empty name in the extra": ("nullif(substr(x.flavor, 13), '')", "substr(x.flavor, 13)"),
        "where it last ran first": ("{'rank': 0, 'ts': launched_at}", "{'rank': 2, 'ts': launched_at}"),
        "where it last ran never": (
            "{'rank': 1, 'ts': created_at}, {'rank': 0, 'ts': launched_at}",
            "{'rank': 1, 'ts': created_at}",
        ),
        "inferred against the spec": ("where is_unknown and extra is null", "where extra is null"),
        "stay from the next instant": ("a.probe.ts >= s.from_at", "a.probe.ts > s.from_at", f"{BOUNDS} -k stay"),
        "stay at its end": ("a.probe.ts < s.till_at", "a.probe.ts <= s.till_at", f"{BOUNDS} -k stay"),
        "committed to any project": (
            "on c.hypervisor_hostname = p.node and c.project_id = p.project_id",
            "on c.hypervisor_hostname = p.node",
        ),
        "committed anywhere": ("on c.hypervisor_hostname = p.node and c", "on c"),
        "committed from the next instant": ("p.ts >= c.start_at", "p.ts > c.start_at"),
        "committed at its end": ("p.ts < coalesce(c.end_at", "p.ts <= coalesce(c.end_at"),
        "open commitments are over": ("coalesce(c.end_at, 'infinity')", "c.end_at"),
        "earliest commitment": ("arg_max(c.reservation_id, {'rank'", "arg_min(c.reservation_id, {'rank'"),
        "larger reservation of several": ("'start_at': c.start_at, 'id'", "'id'", f"{BOUNDS} -k commitment"),
        "no order of reservations": (
            "'id': c.reservation_id}",
            "'id': md5(c.reservation_id)}",
            f"{BOUNDS} -k commitment",
        ),
        "commitments that aren't valid": ("where is_valid) as c", "where true) as c"),
        "flavor before hint": ("coalesce(a.hint, a.flavor, a.extra,", "coalesce(a.flavor, a.hint, a.extra,"),
        "extra before flavor": ("coalesce(a.hint, a.flavor, a.extra,", "coalesce(a.hint, a.extra, a.flavor,"),
        "source of the flavor": ("when a.flavor is not null then 'flavor'", "when a.flavor is not null then 'extra'"),
    },
    "models/spans/instance_claims.sql": {
        "hidden counts": ("coalesce(hidden, 0) <> 0", "coalesce(hidden, 0) > 1"),
        "unknown is hidden": ("coalesce(hidden, 0) <> 0", "coalesce(hidden, 1) <> 0"),
        "never_launched before hidden": (
            "when coalesce(hidden, 0) <> 0 then 'hidden' when launched_at is null then 'never_launched'",
            "when launched_at is null then 'never_launched' when coalesce(hidden, 0) <> 0 then 'hidden'",
        ),
        "end of empty intervals": ("max(end_at) filter (start_at < end_at)", "max(end_at)"),
        "first end": ("max(end_at) filter (start_at < end_at)", "min(end_at) filter (start_at < end_at)"),
        "from the earlier": ("greatest(h.start_at, s.from_at)", "least(h.start_at, s.from_at)"),
        "to the later": ("least(h.end_at, s.till_at)", "greatest(h.end_at, s.till_at)"),
        "stay that ends at the start": ("h.start_at < s.till_at and", "h.start_at <= s.till_at and"),
        "stay that starts at the end": ("h.end_at > s.from_at", "h.end_at >= s.from_at"),
        "what can't count in pieces": ("where i.reason is null and h.start_at", "where h.start_at"),
        "intervals of no length": ("and h.start_at < h.end_at\n", "and h.start_at <= h.end_at\n"),
        "empty beyond its creation": (
            "least(i.terminated_at, i.deleted_at, i.created_at)",
            "least(i.terminated_at, i.deleted_at)",
        ),
        "first stay of what can't count": ("where s.till_at = 'infinity' and", "where s.from_at = '-infinity' and"),
        "never held is lost": ("(i.reason is not null or l.end_at is null)", "i.reason is not null"),
        "some host": ("having count(distinct hypervisor_hostname) = 1", ""),
        "one allocation": ("having count(distinct hypervisor_hostname) = 1", "having count(*) = 1"),
        "host of what isn't valid": ("where is_valid and source_table", "where source_table"),
        "device is a host": ("where is_valid and source_table = 'blazar.computehost_allocations'", "where is_valid"),
        "every node is inferred": ("c.node is null and s.hypervisor_hostname", "s.hypervisor_hostname"),
        "inferred before its own": (
            "coalesce(c.node, s.hypervisor_hostname)",
            "coalesce(s.hypervisor_hostname, c.node)",
        ),
        "any reservation's host": ("on s.reservation_id = b.reservation_id", "on true"),
        "host row before": ("p.start_at >= h.from_at", "p.start_at > h.from_at"),
        "QEMU is whole": ("h.hypervisor_type = 'ironic' and", "h.hypervisor_type <> 'ironic' and"),
        "on demand is reserved": ("if(reservation_id is null,", "if(reservation_id is not null,"),
        "unknown host unmarked": ("'unknown_host': 'not is_host_known'", "'unknown_host': 'false'"),
        "unknown flavor unmarked": ("'unknown_flavor': 'is_flavor_unknown'", "'unknown_flavor': 'false'"),
        "bad spec unmarked": ("'bad_spec': 'is_bad_spec'", "'bad_spec': 'false'"),
        "inferred unmarked": (
            "'inferred_node': 'is_inferred_node'",
            "'inferred_node': 'false'",
            f"{BOUNDS} -k recorded",
        ),
        "marks in another order": (
            "'bad_spec': 'is_bad_spec',\n    'inferred_node': 'is_inferred_node'",
            "'inferred_node': 'is_inferred_node',\n    'bad_spec': 'is_bad_spec'",
            f"{BOUNDS} -k recorded",
        ),
        "capacity of unknown hosts marked": ("'is_host_known and host_vcpus is null or", "'host_vcpus is null or"),
        "memory of parts marked": (
            "or is_whole_node and (host_memory_mb is null",
            "or is_host_known and (host_memory_mb is null",
        ),
        "nodes of hosts that nova lacks": ("when is_host_known then round(", "when true then round("),
        "tenths of nodes": ("round(flavor_vcpus / host_vcpus, 12)", "round(flavor_vcpus / host_vcpus, 1)"),
        "vcpus of the flavor": (
            "when is_whole_node then host_vcpus else flavor_vcpus",
            "when false then host_vcpus else flavor_vcpus",
        ),
        "overcommit of the flavor": ("round(host_vcpus * host_ratio, 6)", "host_vcpus"),
        "memory of the host": ("when is_whole_node then host_memory_mb", "when true then host_memory_mb"),
        "disk of the flavor": ("when is_whole_node then host_disk_gb", "when false then host_disk_gb"),
    },
    "models/spans/instance_events.sql": {
        "failures count": ("where e.result = 'Success' and starts", "where starts"),
        "not compute": ("starts_with(e.event, 'compute_')", "starts_with(e.event, 'co')"),
        "no time": (" and e.start_time is not null", ""),
        "any action": ("on a.id = e.action_id", "on a.id = e.id"),
    },
    "models/spans/instance_held.sql": {
        "events at its creation": ("e.happened_at >= i.created_at", "e.happened_at > i.created_at"),
        "events before its creation": (" and e.happened_at >= i.created_at", ""),
        "offload holds": ("'compute_shelve_offload_instance', 'compute_shelve_instance'", "'compute_shelve_instance'"),
        "shelve holds": (
            "'compute_shelve_offload_instance', 'compute_shelve_instance'",
            "'compute_shelve_offload_instance'",
        ),
        "terminate holds": ("'compute_terminate_instance', ", ""),
        "unshelve takes": ("e.event = 'compute_unshelve_instance'", "false"),
        "end before unshelve, of marks": ("order by ts, holds desc), false)", "order by ts, holds), false)"),
        "end before unshelve, of switches": (
            "order by ts, holds desc), 'infinity')",
            "order by ts, holds), 'infinity')",
        ),
        "each mark a switch": ("qualify holds <> coalesce(", "qualify true or holds <> coalesce("),
        "terminated holds": ("least(h.end_at, i.terminated_at, i.deleted_at)", "least(h.end_at, i.deleted_at)"),
        "deleted holds": ("least(h.end_at, i.terminated_at, i.deleted_at)", "least(h.end_at, i.terminated_at)"),
        "terminated or deleted": (
            "least(h.end_at, i.terminated_at, i.deleted_at)",
            "least(h.end_at, coalesce(i.terminated_at, i.deleted_at))",
        ),
        "gaps are held": ("where h.holds", "where true"),
    },
    "models/spans/instance_nodes.sql": {
        "first event": ("arg_max(host, {'ts'", "arg_min(host, {'ts'"),
        "smaller id": ("'id': id}) as host", "'id': -id}) as host"),
        "confirmed resizes": ("where event <> 'compute_confirm_resize' and", "where"),
        "some hypervisor of a service": ("having count(distinct hypervisor_hostname) = 1", ""),
        "event before its own": (
            "coalesce(i.node, n.hypervisor_hostname, s",
            "coalesce(n.hypervisor_hostname, i.node, s",
        ),
        "service before hypervisor": (
            "n.hypervisor_hostname, s.hypervisor_hostname) as",
            "s.hypervisor_hostname, n.hypervisor_hostname) as",
        ),
        "no services": ("n.hypervisor_hostname, s.hypervisor_hostname) as", "n.hypervisor_hostname) as"),
    },
    "models/spans/instance_stays.sql": {
        "done is not done": ("'completed', 'done')", "'completed')"),
        "errors are done": ("'completed', 'done')", "'completed', 'done', 'error')"),
        "no time": (" and coalesce(updated_at, created_at) is not null", "", f"{BOUNDS} -k nothing_places"),
        "rebuild does not move": (", 'compute_rebuild_instance'\n", "\n"),
        "finish does not move": ("'compute_finish_resize', 'compute_post", "'compute_post"),
        "moves resize": (
            "case when m.migration_type = 'resize' then m.old_instance_type_id end",
            "m.old_instance_type_id",
        ),
        "without an update no event": ("coalesce(m.updated_at, 'infinity') then", "m.updated_at then"),
        "events after the update": (
            "case when a.happened_at <= coalesce(m.updated_at, 'infinity') then a.happened_at end",
            "a.happened_at",
        ),
        "created before updated": ("m.updated_at, m.created_at\n", "m.created_at, m.updated_at\n"),
        "event at the creation": ("m.created_at <= a.happened_at", "m.created_at < a.happened_at"),
        "event of any instance": ("on a.instance_uuid = m.instance_uuid and m", "on m"),
        "unknown size is a size": ("case when f.id is not null then {'vcpus'", "case when true then {'vcpus'"),
        "no size is lost": ("m.old_flavor is not null and f.id is null as", "false as"),
        "counted in another order": (
            "window ahead as (\n    partition by uuid order by till_at, created_at nulls first, id nulls last\n    rows "
            "between current row and unbounded following\n  )\n),\n\ntold",
            "window ahead as (\n    partition by uuid order by till_at, created_at nulls last, id nulls last\n    rows "
            "between current row and unbounded following\n  )\n),\n\ntold",
            f"{BOUNDS} -k lost_size",
        ),
        "ties by creation, null last": (
            "life as (partition by uuid order by till_at, created_at nulls first, id nulls last)",
            "life as (partition by uuid order by till_at, created_at nulls last, id nulls last)",
        ),
        "ties backwards": (
            "life as (partition by uuid order by till_at, created_at nulls first, id nulls last)",
            "life as (partition by uuid order by till_at, created_at desc nulls last, id nulls last)",
        ),
        "ties of one creation backwards": (
            "life as (partition by uuid order by till_at, created_at nulls first, id nulls last)",
            "life as (partition by uuid order by till_at, created_at nulls first, id desc nulls last)",
            f"{BOUNDS} -k migrations_of",
        ),
        "a missing node is missing": ("first_value(node ignore nulls)", "first_value(node)"),
        "a lost size is lost": ("first_value(size ignore nulls)", "first_value(size)"),
        "every size is lost": ("lost_ahead > first_value(", "lost_ahead >= first_value("),
        "a size lost for ever": (
            "lost_ahead > first_value(case when size is not null then lost_ahead end ignore nulls) over ahead",
            "lost_ahead > 0",
        ),
        "stays of no length": ("where from_at < till_at", "where from_at <= till_at"),
        "those that stayed are lost": ("anti join moves using (uuid)", "semi join moves using (uuid)"),
        "node after the move": ("m.source_node as node", "null::varchar as node"),
    },
    "models/spans/legacy_spans.sql": {
        "half days": ("0) / 24)::decimal", "0) / 12)::decimal"),
        "nothing is null": (
            "(coalesce(sum({{ kind }}_hours::decimal(18, 6)), 0) / 24)",
            "(sum({{ kind }}_hours::decimal(18, 6)) / 24)",
        ),
        "time of day": ("date_trunc('day', date) as day", "date as day"),
        "two days": ("day + interval 1 day", "day + interval 2 day"),
        "maintenance is reservable": ("'nodes': total - maint", "'nodes': total"),
        "what is used is not committed": ("'nodes': reserved + used", "'nodes': reserved"),
        "reserved is occupied": ("'occupied_reservation', 'nodes': used", "'occupied_reservation', 'nodes': reserved"),
    },
    "models/spans/node_types.sql": {
        "any case": ("where property_name = 'node_type'", "where lower(property_name) = 'node_type'"),
        "first row": ("arg_max(id, {'ts'", "arg_min(id, {'ts'"),
        "rows without a start last": (
            "arg_max(id, {'ts': coalesce(created_at, '-infinity')",
            "arg_max(id, {'ts': coalesce(created_at, 'infinity')",
        ),
        "digits after names": ('(2 ** 63 - 1) ~ ")', '(-1) ~ ")'),
        "by name only": (
            "c.capability_name = 'node_type' or coalesce(c.property_id, c.capability_id) in (from named)",
            "c.capability_name = 'node_type'",
        ),
        "by both names": ("c.capability_name = 'node_type' or", "c.capability_name = 'node_type' and"),
        "older column first": ("coalesce(c.property_id, c.capability_id)", "coalesce(c.capability_id, c.property_id)"),
        "any property of a device": ("device_id is not null and property_id in (from named)", "device_id is not null"),
        "deleted ones first": ("'is_live': deleted_at is null", "'is_live': deleted_at is not null"),
        "latest without a start": (
            "'is_live': deleted_at is null, 'ts': coalesce(created_at, '-infinity')",
            "'is_live': deleted_at is null, 'ts': coalesce(created_at, 'infinity')",
        ),
        "larger id only": (
            "'is_live': deleted_at is null, 'ts': coalesce(created_at, '-infinity'), ",
            "'is_live': deleted_at is null, ",
        ),
        "empty values are skipped": (
            "{'value': capability_value},",
            "case when capability_value is not null then {'value': capability_value} end,",
            f"{BOUNDS} -k node_type",
        ),
    },
    "models/spans/spans_committed.sql": {
        "devices' allocations of hosts": (
            "'blazar.device_allocations', 'blazar.devices',\n",
            "'blazar.device_allocations', 'blazar.computehosts',\n",
        ),
        "smallest id of the flavors": ("arg_max({'vcpus'", "arg_min({'vcpus'", f"{BOUNDS} -k sizes"),
        "name of missing devices": (
            "case when a.host_table = 'blazar.devices' then a.host_id else h.hypervisor_hostname end",
            "h.hypervisor_hostname",
        ),
        "starts with the earlier": ("greatest(b.start_at, a.created_at)", "least(b.start_at, a.created_at)"),
        "starts with the lease": ("greatest(b.start_at, a.created_at)", "b.start_at"),
        "ends with the later": ("coalesce(least(b.end_at, a.deleted_at)", "coalesce(greatest(b.end_at, a.deleted_at)"),
        "devices by flavor": ("false) and a.host_table = 'blazar.computehosts' as", "false) as"),
        "unknown types are flavors": (
            "coalesce(b.resource_type = 'flavor:instance', false)",
            "coalesce(b.resource_type = 'flavor:instance', true)",
        ),
        "every type is a flavor": (
            "b.resource_type = 'flavor:instance', false",
            "b.resource_type <> 'physical:host', false",
        ),
        "no reservation is an orphan": (
            "a.host_id is null or a.reservation_id is null then",
            "a.host_id is null then",
            f"{BOUNDS} -k null_keys",
        ),
        "no host is an orphan": (
            "a.host_id is null or a.reservation_id is null then",
            "a.reservation_id is null then",
            f"{BOUNDS} -k null_keys",
        ),
        "nameless hosts are orphans": (
            "when h.host_id is not null and h.hypervisor_hostname is null then 'null_key'\n",
            "\n",
        ),
        "no lease needed": ("when h.host_id is null or b.reservation_id is null or is", "when h.host_id is null or is"),
        "no flavor needed": (" or is_flavor and f.reservation_id is null then", " then"),
        "no host needed": ("when h.host_id is null or b", "when b"),
        "whole hosts by flavor": (
            "case when is_flavor then round(f.size.vcpus / h.vcpus, 12) else h.nodes end",
            "h.nodes",
        ),
        "vcpus of the host": ("case when is_flavor then f.size.vcpus else h.vcpus end", "h.vcpus"),
        "overcommit of the host": ("else h.vcpus_overcommit end", "else h.vcpus end"),
        "memory of the host": ("case when is_flavor then f.size.memory_mb else h.memory_mb end", "h.memory_mb"),
        "disk of the host": ("case when is_flavor then f.size.disk_gb else h.disk_gb end", "h.disk_gb"),
        "hosts and devices of one id": ("on h.source_table = a.host_table and h.host_id", "on h.host_id"),
        "devices marked": ("source_table = 'blazar.computehost_allocations' and reason is null", "reason is null"),
        "memory of flavors marked": ("or not is_flavor and (memory_mb is null", "or (memory_mb is null"),
        "orphans marked": ("and reason is null\n", "\n", f"{BOUNDS} -k null_keys"),
        "clamped to any host": (
            "audited_spans('marked', ['hypervisor_hostname'],",
            "audited_spans('marked', ['metric'],",
        ),
    },
    "models/spans/spans_occupied.sql": {
        "committed to any host": ("['reservation_id', 'hypervisor_hostname']", "['reservation_id']"),
        "committed by anybody": ("['reservation_id', 'hypervisor_hostname']", "['hypervisor_hostname']"),
        "containers as they ran": (
            "audited_spans('containers', ['source_id'], ref('container_windows'))",
            "audited_spans('containers')",
        ),
        "on demand within commitments": (
            "audited_spans('ondemand')",
            "audited_spans('ondemand', ['hypervisor_hostname'], ref('spans_committed'))",
        ),
        "reserved without commitment": (
            "audited_spans('reserved', ['reservation_id', 'hypervisor_hostname'], ref('spans_committed'))",
            "audited_spans('reserved')",
        ),
    },
    "models/spans/spans_reservable.sql": {
        "own ratio": (
            "coalesce(h.ratio, {{ setting('default_cpu_allocation_ratio') }})",
            "{{ setting('default_cpu_allocation_ratio') }}",
        ),
        "vcpus of the host first": (
            "coalesce({{ known('b.vcpus') }}, h.vcpus)",
            "coalesce(h.vcpus, {{ known('b.vcpus') }})",
        ),
        "memory of its own": ("coalesce({{ known('b.memory_mb') }}, h.memory_mb)", "{{ known('b.memory_mb') }}"),
        "disk of its own": ("coalesce({{ known('b.local_gb') }}, h.disk_gb)", "{{ known('b.local_gb') }}"),
        "host row before": ("'-infinity') >= h.from_at", "'-infinity') > h.from_at"),
        "rows without a start": ("coalesce(b.created_at, '-infinity') >=", "b.created_at >="),
        "every device": ("where reservable = 1", "where coalesce(reservable, 0) >= 0"),
        "nothing supersedes": ("supersede('claims', 'hypervisor_hostname')", "supersede('claims', 'source_id')"),
        "clamped to any host": (
            "audited_spans('superseded', ['hypervisor_hostname'], ref('spans_total'))",
            "audited_spans('superseded', ['metric'], ref('spans_total'))",
        ),
        "not clamped": (
            "audited_spans('superseded', ['hypervisor_hostname'], ref('spans_total'))",
            "audited_spans('superseded', ['hypervisor_hostname'])",
        ),
    },
    "models/spans/spans_total.sql": {
        "ratio of zero": ("coalesce(nullif(n.cpu_allocation_ratio, 0),", "coalesce(n.cpu_allocation_ratio,"),
        "vcpus of its own": ("coalesce({{ known('n.vcpus') }}, h.vcpus)", "{{ known('n.vcpus') }}"),
        "memory of its own": ("coalesce({{ known('n.memory_mb') }}, h.memory_mb)", "{{ known('n.memory_mb') }}"),
        "disk of memory": (
            "coalesce({{ known('n.local_gb') }}, h.disk_gb)",
            "coalesce({{ known('n.local_gb') }}, h.memory_mb)",
        ),
        "host row before": ("n.created_at >= h.from_at", "n.created_at > h.from_at"),
        "nothing supersedes": ("supersede('claims', 'hypervisor_hostname')", "supersede('claims', 'source_id')"),
        "nameless hosts": ("audited_spans('superseded', ['hypervisor_hostname'])", "audited_spans('superseded')"),
    },
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
            "count(distinct (source_table, source_id)) as rows,\n    sum(claimed)",
            "count(*) as rows,\n    sum(claimed)",
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
            "{{ window_end() }}) - ts) as length",
            "{{ window_start() }}) - ts) as length",
            QUALITY,
        ),
        "steps of all metrics": (
            "partition by collector_type, metric order",
            "partition by collector_type order",
            QUALITY,
        ),
        "cut off in all": ("where action in ('clipped', 'superseded')\n", "where action is null\n"),
        "pieces are marked rows": (
            "count(distinct (source_table, source_id)) as rows, sum(kept)",
            "count(*) as rows, sum(kept)",
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
        "pieces backwards": (
            "s.original_start_at, s.start_at\n",
            "s.original_start_at desc, s.start_at\n",
        ),
        "pieces of a claim backwards": (
            "s.original_start_at, s.start_at\n",
            "s.original_start_at, s.start_at desc\n",
        ),
        "pieces from one": ("unbounded preceding) as piece", "unbounded preceding) + 1 as piece"),
        "pieces of all metrics": (
            "(metric, source_table, source_id) is distinct from lag((metric, source_table, source_id))",
            "(source_table, source_id) is distinct from lag((source_table, source_id))",
            "tests/integration/test_bounds.py -k pieces_are_counted",  # needs a site of one device
        ),
        "lease of a lease": ("on r.id = s.reservation_id", "on r.lease_id = s.reservation_id"),
        "types of reservations": (
            "on n.hypervisor_hostname = s.hypervisor_hostname",
            "on n.hypervisor_hostname = s.reservation_id",
        ),
        "file out of order": (
            "order by metric, s.source_table, s.source_id, s.original_start_at",
            "order by metric, s.source_id, s.source_table, s.original_start_at",
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
        "names of metrics": ("on p.id = s.project_id", "on p.id = s.metric::varchar", f"{BOUNDS} -k names_of"),
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
        "nothing without total": ("{{ 'true' if r == 'nodes' else 'false' }}) as", "false) as", f"{BOUNDS} -k without"),
        "everything without total": (
            "{{ 'true' if r == 'nodes' else 'false' }}) as",
            "true) as",
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
        "always legacy": ("\n  and exists (from {{ ref('stg_chameleon_usage__node_usage_report_cache') }})", ""),
    },
    "models/usage/usage.sql": {
        "file out of order": (
            "order by collector_type, metric, resource, timestamp",
            "order by collector_type, metric, timestamp",
        ),
        "collectors are metrics": ("'collector_type': 'l.collector_type'", "'collector_type': 'l.metric'"),
    },
    "models/usage/usage_by_project.sql": {
        "file out of order": ("project_id, resource, timestamp", "resource, project_id, timestamp"),
        "projects by name": ("'project_id': 'l.project_id'", "'project_id': 'l.project_name'"),
    },
    "models/usage/usage_by_project_resampled.sql": {
        "file out of order": ("order by collector_type, metric, project_id, resource, timestamp", "order by timestamp"),
        "buckets of all projects": (
            "['collector_type', 'metric', 'project_id', 'project_name'],",
            "['collector_type', 'metric', 'project_name', 'd_nodes', 'project_id'],",
        ),
        "projects by name": ("'project_id': 'l.project_id'", "'project_id': 'l.project_name'"),
    },
    "models/usage/usage_resampled.sql": {
        "file out of order": ("order by collector_type, metric, resource, timestamp", "order by timestamp"),
        "collectors are metrics": ("'collector_type': 'l.collector_type'", "'collector_type': 'l.metric'"),
    },
    "models/usage/usage_wide.sql": {
        "values of the instant alone": ("last_value({{ name }} ignore nulls)", "last_value({{ name }})", WIDE),
        "all collectors": ("where collector_type = 'current'", "where true", WIDE),
        "one history of all resources": ("partition by resource order by time rows", "order by time rows", WIDE),
    },
    "models/staging/stg_nova__instances.sql": {
        "archived by id": ("'instances', 'uuid'", "'instances'"),
    },
    "tests/generic/adds_up.sql": {
        "no disk": (
            "{% for r in resources() %}coalesce(s.{{ r }}, 0) <>",
            "{% for r in resources()[:4] %}coalesce(s.{{ r }}, 0) <>",
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
            "join terms as t using (metric)\n  where m.collector_type = 'current'\n",
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
        "the first source alone": ("if not loop.last }}\n  {% endfor %}", "if false }}\n  {% break %}{% endfor %}"),
    },
    "tests/generic/hours_of_buckets.sql": {
        "missing is equal": ("1e-9 * abs(h.hours), false)", "1e-9 * abs(h.hours), true)"),
        "any hours": ("<= 1e-6 +", "<= 1e6 +"),
        "less is equal": ("abs({{ 'coalesce(s", "({{ 'coalesce(s"),
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
        "no start": ("    false\n  )", "    true\n  )"),
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

MUTANTS = [Mutant(name, file, *texts) for file, named in _MUTANTS.items() for name, texts in named.items()]
