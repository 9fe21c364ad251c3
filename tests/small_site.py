"""Tiny sites: a function makes the rows of one thing, the rest of it by default, so that a test shows what it is about.

A host has 8 vcpus (sold twice), 64 MiB and 100 GiB; an instance 2 vcpus, so a quarter of a host, 16 MiB and 10 GiB.
Days are those of March 2024: 1.5 is noon on the first, 0 the last of February; `BEFORE` is in January.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from loader import catalogue
from tests.compiled import Plan, Project, write_tables
from tests.random_site import to_tables
from tests.random_site.draw import Row

Tables = dict[str, list[Row]]

FIRST = datetime(2024, 3, 1)
BEFORE = -50.0
MARCH = (1.0, 32.0)  # 31 days, 744 hours
UNKNOWN = {"vcpus": 0, "memory_mb": 0, "local_gb": 0}  # what Ironic says of its machines
# Empty where a test has no row of one, so that one plan serves nearly all sites.
EVERY_TABLE = [name for name in catalogue.load() if not name.startswith("openstack_audit.")]

_numbers = itertools.count(1)  # ids as a database gives them: the later the larger


def day(number: float | None) -> datetime | None:
    return None if number is None else FIRST + timedelta(days=number - 1)


def day_of(instant: datetime | None) -> float | None:
    return None if instant is None else (instant - FIRST) / timedelta(days=1) + 1


def _life(begin: float | None, end: float | None) -> Row:
    return {"created_at": day(begin), "deleted_at": day(end)}


def host(name: str | None, begin: float | None = BEFORE, end: float | None = None, **columns: Any) -> Tables:
    """A row of nova.compute_nodes."""
    row = {"id": next(_numbers), "hypervisor_hostname": name, "host": f"service of {name}", "hypervisor_type": "QEMU"}
    row |= {"vcpus": 8, "memory_mb": 64, "local_gb": 100, "cpu_allocation_ratio": 2.0}
    return {"nova.compute_nodes": [row | _life(begin, end) | columns]}


def blazar_host(name: str | None, begin: float | None = BEFORE, end: float | None = None, **columns: Any) -> Tables:
    """A row of blazar.computehosts; leases know it as `blazar <name>`."""
    row = {"id": f"blazar {name}", "hypervisor_hostname": name, "vcpus": 8, "memory_mb": 64, "local_gb": 100}
    return {"blazar.computehosts": [row | _life(begin, end) | columns]}


def device(id: str, begin: float | None = BEFORE, end: float | None = None, reservable: int = 1) -> Tables:
    return {"blazar.devices": [{"id": id, "reservable": reservable, **_life(begin, end)}]}


def allocation(reservation: str, host: str, begin: float = BEFORE, end: float | None = None) -> Tables:
    """Of a host to a reservation."""
    row = {"id": f"allocation {next(_numbers)}", "reservation_id": reservation, "compute_host_id": f"blazar {host}"}
    return {"blazar.computehost_allocations": [row | _life(begin, end)]}


def lease(reservation: str, begin: float | None, end: float | None, *hosts: str, **columns: Any) -> Tables:
    """A lease of one reservation, and an allocation of each host to it. `kind` is the reservation's type."""
    kind = columns.pop("kind", "physical:host")
    row = {"id": f"lease of {reservation}", "project_id": "p", "user_id": "u", "start_date": day(begin)}
    row |= {"end_date": day(end), **_life(BEFORE, None)}
    return together(
        {"blazar.leases": [row | columns]},
        {"blazar.reservations": [{"id": reservation, "lease_id": row["id"], "resource_type": kind}]},
        *(allocation(reservation, name) for name in hosts),
    )


def flavor_lease(reservation: str, begin: float | None, end: float | None, host: str, vcpus: int) -> Tables:
    """A lease of a share of a host."""
    row = {"id": f"flavor of {reservation}", "reservation_id": reservation, "vcpus": vcpus}
    row |= {"memory_mb": 16, "disk_gb": 10}
    rows = {"blazar.instance_reservations": [row]}
    return together(lease(reservation, begin, end, host, kind="flavor:instance"), rows)


def device_lease(reservation: str, begin: float | None, end: float | None, device: str) -> Tables:
    row = {"id": f"allocation of {device}", "reservation_id": reservation, "device_id": device, **_life(BEFORE, None)}
    return together(lease(reservation, begin, end, kind="device"), {"blazar.device_allocations": [row]})


def container(reservation: str, begin: float, end: float) -> Tables:
    """One that was stopped at its end."""
    row = {"id": next(_numbers), "status": "Stopped", "started_at": day(begin), "updated_at": day(end)}
    row |= {"project_id": "p", "annotations": json.dumps({"zun.openstack.org/reservation_id": reservation})}
    return {"zun.container": [row]}


def request_spec(uuid: str, reservation: str | None = None) -> Tables:
    """What was asked for: a reservation by the scheduler's hint, or none."""
    hints = {"reservation": [reservation]} if reservation else {}
    spec = {"nova_object.data": {"scheduler_hints": hints, "flavor": {"nova_object.data": {"name": "m1.small"}}}}
    row = {"id": next(_numbers), "instance_uuid": uuid, "spec": json.dumps(spec)}
    return {"nova_api.request_specs": [row]}


def bare_instance(uuid: str, begin: float, end: float | None = None, node: str | None = "a", **columns: Any) -> Tables:
    """An instance without a request spec, as archiving leaves it."""
    row = {"id": next(_numbers), "uuid": uuid, "project_id": "p", "user_id": "u", "node": node}
    row |= {"vcpus": 2, "memory_mb": 16, "root_gb": 10, "launched_at": day(begin), "hidden": 0}
    return {"nova.instances": [row | _life(begin, end) | columns]}


def instance(uuid: str, begin: float, end: float | None = None, reservation: str | None = None, **more: Any) -> Tables:
    """An instance in a reservation, or on demand."""
    return together(bare_instance(uuid, begin, end, **more), request_spec(uuid, reservation))


def events(uuid: str, *steps: tuple[float, str], host: str | None = None) -> Tables:
    """Successful events of an instance, each of an action of its own."""
    tables: Tables = {"nova.instance_actions": [], "nova.instance_actions_events": []}
    for when, event in steps:
        number = next(_numbers)
        tables["nova.instance_actions"].append({"id": number, "instance_uuid": uuid})
        row = {"id": number, "action_id": number, "event": event, "start_time": day(when), "result": "Success"}
        tables["nova.instance_actions_events"].append(row | {"host": host})
    return tables


def migration(uuid: str, when: float, source: str, kind: str = "migration", **columns: Any) -> Tables:
    """One that was asked for an hour before it was done."""
    row = {"id": next(_numbers), "instance_uuid": uuid, "status": "done", "migration_type": kind}
    row |= {"source_node": source, "created_at": day(when - 1 / 24), "updated_at": day(when)}
    return {"nova.migrations": [row | columns]}


def flavor(id: int, vcpus: int) -> Tables:
    return {"nova_api.flavors": [{"id": id, "vcpus": vcpus, "memory_mb": 16, "root_gb": 10}]}


def together(*parts: Tables) -> Tables:
    """The rows of all of them."""
    tables: Tables = {}
    for part in parts:
        for name, rows in part.items():
            tables.setdefault(name, []).extend(rows)
    return tables


def write(folder: Path, *parts: Tables) -> Path:
    """A data_dir with every table."""
    return write_tables(to_tables({name: [] for name in EVERY_TABLE} | together(*parts)), folder)


@dataclass(frozen=True)
class Result:
    """What was made of a site; `rows` reads a model."""

    rows: Callable[[str], list[Row]]

    def steps(self, metric: str, resource: str = "nodes") -> list[tuple[float | None, Any]]:
        """A timeline: days and values."""
        return [
            (day_of(row["timestamp"]), row["value"])
            for row in self.rows("usage")
            if (row["metric"], row["resource"]) == (metric, resource)
        ]

    def resources(self, metric: str) -> set[object]:
        """Those that the metric has a timeline of."""
        return {row["resource"] for row in self.rows("usage") if row["metric"] == metric}

    def hours(self, metric: str, resource: str = "nodes") -> Any:
        """Resource-hours in the window, as the command sums them up."""
        [row] = [row for row in self.rows("hours") if (row["metric"], row["resource"]) == (metric, resource)]
        return row["hours"]

    def spans(self, metric: str, *columns: str) -> list[tuple[Any, ...]]:
        """The audit of a metric: of each piece its days, its action and what else is asked for."""
        return [
            (day_of(row["start_at"]), day_of(row["end_at"]), row["action"], *(row[name] for name in columns))
            for row in self.rows("spans")
            if row["metric"] == metric
        ]

    def findings(self, check: str) -> list[Row]:
        """Rows of quality."""
        return [row for row in self.rows("quality") if row["check"] == check]


class Builder:
    """Builds sites; dbt compiles the project once for each window and set of vars."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.project = Project(work / "dbt", without=("usage_resampled", "usage_by_project_resampled"))
        self.plans: dict[str, Plan] = {}

    def __call__(self, *parts: Tables, window: tuple[float, float] = MARCH, **variables: Any) -> Result:
        data_dir = write(self.work / f"site {next(_numbers)}", *parts)
        start, end = (f"{day(number):%Y-%m-%dT%H:%M}" for number in window)
        variables |= {"start_date": start, "end_date": end}
        key = json.dumps(variables)
        if key not in self.plans:
            every = ("tag:staging", "tag:spans", "tag:usage")
            self.plans[key] = self.project.plan(data_dir, *every, **variables)
        return Result(self.plans[key].run(data_dir).rows)
