"""Rows for tests of the oracle, whose instants are hours since the first of January."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.oracle import Result, count
from tests.oracle.values import Row

DAY = datetime(2024, 1, 1)


def at(hours: float | None) -> datetime | None:
    return None if hours is None else DAY + timedelta(hours=hours)


def node(id: int, name: str | None, begin: float, end: float | None = None, **columns: Any) -> Row:
    """A KVM host of 8 vcpus, 64 MiB, 100 GiB; vcpus sold twice."""
    return {
        "id": id,
        "hypervisor_hostname": name,
        "host": f"svc-{name}",
        "hypervisor_type": "QEMU",
        "created_at": at(begin),
        "deleted_at": at(end),
        "vcpus": 8,
        "memory_mb": 64,
        "local_gb": 100,
        "cpu_allocation_ratio": 2.0,
        **columns,
    }


def host(id: str, name: str | None, begin: float, end: float | None = None, **columns: Any) -> Row:
    resources = {"vcpus": 8, "memory_mb": 64, "local_gb": 100}
    times = {"created_at": at(begin), "deleted_at": at(end)}
    return {"id": id, "hypervisor_hostname": name, **times, **resources, **columns}


def lease(id: str, begin: float, end: float | None, project: str = "p", **columns: Any) -> Row:
    dates = {"start_date": at(begin), "end_date": at(end)}
    return {"id": id, "project_id": project, "user_id": "u", **dates, "created_at": at(-100), **columns}


def reservation(id: str, lease_id: str, kind: str = "physical:host") -> Row:
    return {"id": id, "lease_id": lease_id, "resource_type": kind}


def allocation(id: str, host_id: str, reservation_id: str, begin: float = -100, end: float | None = None) -> Row:
    keys = {"compute_host_id": host_id, "device_id": host_id, "reservation_id": reservation_id}
    return {"id": id, **keys, "created_at": at(begin), "deleted_at": at(end)}


def instance(uuid: str, begin: float, end: float | None = None, **columns: Any) -> Row:
    """Of 2 vcpus, 16 MiB, no root disk, on host a."""
    return {
        "id": 1,
        "uuid": uuid,
        "project_id": "p",
        "user_id": "u",
        "node": "a",
        "vcpus": 2,
        "memory_mb": 16,
        "root_gb": 0,
        "created_at": at(begin),
        "launched_at": at(begin),
        "deleted_at": at(end),
        **columns,
    }


def events(uuid: str, *steps: tuple[float, str], host: str | None = None) -> dict[str, list[Row]]:
    return {
        "nova.instance_actions": [{"id": 1, "instance_uuid": uuid}],
        "nova.instance_actions_events": [
            {"id": n, "action_id": 1, "event": name, "start_time": at(hour), "result": "Success", "host": host}
            for n, (hour, name) in enumerate(steps)
        ],
    }


def spec(uuid: str, hint: str | None = None, flavor: str = "m1", text: str | None = None) -> Row:
    hints = {"reservation": [hint]} if hint is not None else {}
    data = {"scheduler_hints": hints, "flavor": {"nova_object.data": {"name": flavor}}}
    return {"id": 1, "instance_uuid": uuid, "spec": json.dumps({"nova_object.data": data}) if text is None else text}


def on_demand(uuid: str) -> dict[str, list[Row]]:
    return {"nova_api.request_specs": [spec(uuid)]}


def blazar(*allocations: Row, leases: list[Row], reservations: list[Row], hosts: list[Row]) -> dict[str, list[Row]]:
    return {
        "blazar.computehosts": hosts,
        "blazar.leases": leases,
        "blazar.reservations": reservations,
        "blazar.computehost_allocations": list(allocations),
    }


def one_lease(begin: float = 0, end: float | None = 100) -> dict[str, list[Row]]:
    """Host a, reservable for ever, committed as r for [begin, end)."""
    return blazar(
        allocation("x", "h", "r"), leases=[lease("l", begin, end)], reservations=[reservation("r", "l")],
        hosts=[host("h", "a", 0)],
    )  # fmt: skip


def migration(id: int, uuid: str, change: float, source: str | None, old: int | None = None, **columns: Any) -> Row:
    """One that took place at `change` (asked for an hour earlier); a resize where it names an old flavor."""
    times = {"created_at": at(change - 1), "updated_at": at(change)}
    kind = {"migration_type": "migration" if old is None else "resize", "old_instance_type_id": old}
    return {"id": id, "instance_uuid": uuid, "status": "confirmed", "source_node": source, **kind, **times, **columns}


def flavor(id: int, vcpus: int | None, memory_mb: int, root_gb: int) -> Row:
    return {"id": id, "vcpus": vcpus, "memory_mb": memory_mb, "root_gb": root_gb}


def extra(id: int, uuid: str, name: Any) -> Row:
    return {"id": id, "instance_uuid": uuid, "flavor": json.dumps({"cur": {"nova_object.data": {"name": name}}})}


def run(tables: dict[str, list[Row]], begin: float = 0, end: float = 100, **settings: Any) -> Result:
    return count(tables, at(begin), at(end), **settings)  # type: ignore[arg-type]


def hours(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - DAY) / timedelta(hours=1)


def audit(result: Result, metric: str) -> list[tuple[Any, ...]]:
    """(source_id, piece, start, end, action) of a metric's spans."""
    return sorted(
        (s["source_id"], s["piece"], hours(s["start_at"]), hours(s["end_at"]), s["action"])
        for s in result.spans
        if s["metric"] == metric
    )


def steps(result: Result, metric: str, resource: str = "nodes") -> list[tuple[float | None, Fraction]]:
    return [(hours(moment), value) for moment, value in result.usage["current", metric, resource]]


def stays(result: Result, *columns: str) -> list[tuple[Any, ...]]:
    """(start, end, node, *columns) of the pieces of the only instance."""
    spans = [s for s in result.spans if s["source_table"] == "nova.instances"]
    names = ("hypervisor_hostname", *columns)
    return [(hours(s["start_at"]), hours(s["end_at"]), *(s[name] for name in names)) for s in spans]


def only(result: Result, metric: str) -> Row:
    (span,) = [span for span in result.spans if span["metric"] == metric]
    return span


def capability(id: str, owner: str, value: str | None, begin: float | None = 0, **columns: Any) -> Row:
    keys = {"computehost_id": owner, "device_id": owner}
    return {"id": id, **keys, "property_id": "p", "capability_value": value, "created_at": at(begin), **columns}
