"""Of the other models of spans."""

from tests.mutant_list.seen_by import BOUNDS

# ruff: noqa: E501 (SQL as it stands)


MUTANTS: dict[str, dict[str, tuple[str, ...]]] = {
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
            "with nova_rows as (\n    select\n        *,\n        if(\n            lag(id) over (partition by "
            "hypervisor_hostname order by created_at) is null",
            "with nova_rows as (\n    select\n        *,\n        if(\n            false",
        ),
        "blazar's first row from its start": (
            "blazar_rows as (\n    select\n        *,\n        if(\n            lag(id) over (partition by "
            "hypervisor_hostname order by created_at) is null",
            "blazar_rows as (\n    select\n        *,\n        if(\n            false",
        ),
        "nova's rows without a start": (
            "from {{ ref('stg_nova__compute_nodes') }}\n        where hypervisor_hostname is not null and created_at is not null",
            "from {{ ref('stg_nova__compute_nodes') }}\n        where hypervisor_hostname is not null",
            f"{BOUNDS} -k nobody",
        ),
        "blazar's rows without a start": (
            "from {{ ref('stg_blazar__computehosts') }}\n        where hypervisor_hostname is not null and created_at is not null",
            "from {{ ref('stg_blazar__computehosts') }}\n        where hypervisor_hostname is not null",
            f"{BOUNDS} -k nobody",
        ),
        "smaller id of blazar": ("as bigint) desc nulls first, id desc", "as bigint) nulls last, id"),
        "digits after names": ("as bigint) desc nulls first, id desc", "as bigint) desc nulls last, id desc"),
        "digits are text": ("try_cast(id as bigint) desc nulls first, id desc", "id desc"),
        "cpus of another key": ("'row.properties', 'cpus'", "'row.properties', 'memory_mb'"),
        "smallest id of Ironic": ("arg_max({'properties'", "arg_min({'properties'"),
        "ids are needed": ("coalesce(id, 0)) as row", "id) as row"),
        "nothing new of blazar": ("union\n    select hypervisor_hostname, from_at from blazar_rows\n", ""),
        "nothing of Ironic alone": (
            "union\n    select hypervisor_hostname, '-infinity'::timestamp from ironic_nodes\n",
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
        "smallest id of the flavors": (
            "arg_max(\n            {'vcpus'",
            "arg_min(\n            {'vcpus'",
            f"{BOUNDS} -k sizes",
        ),
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
}
