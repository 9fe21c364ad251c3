"""Small hostile sites for the property test: tiny domains, so that ids, names and instants collide."""

import json
import random
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from loader import catalogue

Row = dict[str, Any]

INSTANTS = [datetime(2024, 1, 1) + timedelta(hours=6 * i) for i in range(25)]
PROJECTS = ("p1", "p2")
# Digits compare as numbers: "9" before "10".
KEYS = [f"{i}" for i in range(1, 13)] + [f"{i:08x}-0000-4000-8000-00000000000{i % 10}" for i in range(20)]
EVENTS = (
    *("compute_terminate_instance",) * 2,
    *("compute_shelve_instance",) * 4,
    *("compute_shelve_offload_instance",) * 3,
    *("compute_unshelve_instance",) * 6,
    "compute__do_build_and_run_instance",
    "compute_confirm_resize",
    "compute_finish_resize",
    "compute_rebuild_instance",
    "compute_post_live_migration_at_destination",
    "conductor_unshelve_instance",
    "conductor_shelve_instance",
    "api_terminate_instance",
)
STATUSES = ("Running", "Stopped", "Deleted", "Error", "Created", "Paused", "Unknown", None)
BAD_SPECS = (None, None, "", "{broken", '{"nova_object.data": {"scheduler_hints"', "[]", '["a"]', "1", '"x"', "{}")
ARROW = {"varchar": pa.string(), "bigint": pa.int64(), "timestamp": pa.timestamp("us"), "double": pa.float64()}


class _Draw:
    """Random values of the small domains of one site."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(f"random_site:{seed}")  # noqa: S311
        count = self.rng.choice((3, 3, 4, 5))
        self.names = [f"n{i}" for i in range(count)]
        # Service hosts; one is also the name of a hypervisor, one is in no table.
        self.services = ["s1", "s2", self.names[0], "nowhere"]
        self.hosts, self.leases, self.devices = self.keys(6), self.keys(6), self.keys(5)
        self.reservations = self.keys(8)
        self.instances = [f"i{i}" for i in range(15)]

    def keys(self, count: int) -> list[str]:
        """Distinct ids of a blazar table."""
        return self.rng.sample(KEYS, count)

    def one(self, values: Any, null: float = 0.0) -> Any:
        """One of the values, or null with this probability."""
        return None if self.rng.random() < null else self.rng.choice(values)

    def at(self, null: float = 0.0) -> datetime | None:
        """An instant of the grid."""
        return self.one(INSTANTS, null)

    def span(self, null_start: float, null_end: float, wide: bool = False) -> tuple[datetime | None, datetime | None]:
        """Two instants, mostly but not always in order; `wide`: mostly long, as parents' are."""
        start, end = self.at(), self.at()
        if wide and self.rng.random() < 0.7:
            start, end = self.rng.choice(INSTANTS[:6]), self.rng.choice(INSTANTS[12:])
        if self.rng.random() < 0.85:
            start, end = sorted((start, end))  # type: ignore[type-var]
        return self.one((start,), null_start), self.one((end,), null_end)

    def known(self, keys: list[str], unknown: float = 0.05) -> str:
        """One of the ids, or one that is in no table."""
        return "missing" if self.rng.random() < unknown else self.rng.choice(keys)

    def capacity(self) -> int | None:
        """A host's capacity: unknown in a third of the rows."""
        return self.one((0, 2, 4, 8, 8, 16), 0.15)


def _compute_nodes(d: _Draw) -> list[Row]:
    rows = []
    for i in range(6):
        created, deleted = d.span(0.05, 0.6, wide=True)
        row = {"id": 8 + i, "hypervisor_hostname": d.one(d.names, 0.07), "host": d.one(d.services[:3], 0.1)}
        row |= {"hypervisor_type": d.one(("ironic", "QEMU", "QEMU"), 0.1), "created_at": created, "deleted_at": deleted}
        row |= {"vcpus": d.capacity(), "memory_mb": d.capacity(), "local_gb": d.capacity()}
        rows.append(row | {"cpu_allocation_ratio": d.one((0.0, 1.0, 1.5, 2.0), 0.3)})
    return rows


def _computehosts(d: _Draw) -> list[Row]:
    rows = []
    for key in d.hosts:
        created, deleted = d.span(0.05, 0.6, wide=True)
        row = {"id": key, "hypervisor_hostname": d.one([*d.names, *d.names, "stranger"], 0.05)}
        row |= {"created_at": created, "deleted_at": deleted}
        rows.append(row | {"vcpus": d.capacity(), "memory_mb": d.capacity(), "local_gb": d.capacity()})
    return rows


def _leases(d: _Draw) -> list[Row]:
    rows = []
    for key in d.leases:
        start, end = d.span(0.05, 0.15, wide=True)
        row = {"id": key, "project_id": d.one(PROJECTS, 0.15), "user_id": d.one(("u1", "u2"), 0.1)}
        row |= {"start_date": start, "end_date": end}
        rows.append(
            row | {"created_at": d.one((INSTANTS[0], INSTANTS[0], start, d.at()), 0.1), "deleted_at": d.at(0.8)}
        )
    return rows


def _reservations(d: _Draw) -> list[Row]:
    kinds = ("physical:host", "physical:host", "flavor:instance", "device")
    return [{"id": r, "lease_id": d.known(d.leases), "resource_type": d.one(kinds, 0.05)} for r in d.reservations]


def _instance_reservations(d: _Draw, reservations: list[Row]) -> list[Row]:
    """At most one row a reservation: of most of the flavor reservations, and of a stray other."""
    rows: list[Row] = []
    for key, reservation in zip(d.keys(len(reservations)), reservations, strict=True):
        likely = 0.85 if reservation["resource_type"] == "flavor:instance" else 0.1
        if d.rng.random() < likely:
            size = {name: d.one((0, 1, 2, 4), 0.1) for name in ("vcpus", "memory_mb", "disk_gb")}
            rows.append({"id": key, "reservation_id": reservation["id"], **size})
    return rows


def _allocations(d: _Draw, column: str, targets: list[str], count: int) -> list[Row]:
    rows = []
    for key in d.keys(count):
        row = {"id": key, column: d.known(targets), "reservation_id": d.known(d.reservations)}
        rows.append(row | {"created_at": d.one((INSTANTS[0], INSTANTS[0], d.at()), 0.1), "deleted_at": d.at(0.8)})
    return rows


def _devices(d: _Draw) -> list[Row]:
    rows = []
    for key in d.devices:
        created, deleted = d.span(0.05, 0.6, wide=True)
        rows.append({"id": key, "reservable": d.one((0, 1, 1, 1), 0.05), "created_at": created, "deleted_at": deleted})
    return rows


def _instances(d: _Draw) -> list[Row]:
    rows = []
    for i, uuid in enumerate(d.instances):
        created, deleted = d.span(0.03, 0.4, wide=d.rng.random() < 0.5)
        row = {"id": i + 1, "uuid": uuid, "project_id": d.one(PROJECTS, 0.1), "user_id": d.one(("u1", "u2"), 0.1)}
        row |= {"node": d.one([*d.names, *d.names, "unknown"], 0.2), "hidden": d.one((0,) * 12 + (1,), 0.2)}
        row |= {name: d.one((0, 1, 2, 4), 0.05) for name in ("vcpus", "memory_mb", "root_gb")}
        launched = d.one((created, d.at()), 0.1)
        row |= {"created_at": created, "launched_at": launched}
        rows.append(row | {"terminated_at": d.one((deleted, d.at()), 0.5), "deleted_at": deleted})
    return rows


def _actions(d: _Draw) -> list[Row]:
    return [{"id": 5 + i, "instance_uuid": d.known(d.instances, 0.05)} for i in range(25)]


def _events(d: _Draw, actions: list[Row]) -> list[Row]:
    rows = []
    for i in range(40):
        action = 1 if d.rng.random() < 0.05 else d.rng.choice(actions)["id"]
        row = {"id": 80 + i, "action_id": action, "event": d.one(EVENTS), "start_time": d.at(0.03)}
        row |= {"result": d.one(("Success",) * 6 + ("Error",), 0.1)}
        rows.append(row | {"host": d.one(d.services + d.names, 0.2)})
    return rows


def _spec(d: _Draw, fitting: list[str]) -> str | None:
    """What `request_specs.spec` holds: hint, flavor, both, neither, or no object; often a fitting reservation."""
    fits = bool(fitting) and d.rng.random() < 0.85
    hint, named = (d.known(fitting if fits else d.reservations) for _ in range(2))
    plain, reserved = {"name": "m1.small"}, {"name": f"reservation:{named}"}
    shapes: list[tuple[Any, Any]] = [
        *[({"reservation": [hint]}, plain)] * 4,
        *[({}, reserved)] * 3,
        *[({}, plain)] * 3,
        ({"reservation": [hint, named]}, reserved),
        ({"reservation": []}, reserved),
        ({"reservation": [""]}, plain),
        ({"reservation": None, "group": ["g"]}, plain),
        (None, reserved),
        (None, None),
    ]
    hints, flavor = d.one(shapes)
    data = {"scheduler_hints": hints, "flavor": flavor and {"nova_object.data": flavor}}
    return d.one(BAD_SPECS) if d.rng.random() < 0.3 else json.dumps({"nova_object.data": data})


def _request_specs(d: _Draw, instances: list[Row], hosts: list[Row], allocations: list[Row]) -> list[Row]:
    """None, one or several rows an instance; a reservation fits that has an allocation on the instance's node."""
    names = {host["id"]: host["hypervisor_hostname"] for host in hosts}
    fitting: dict[str, list[str]] = {"missing": []}
    for instance in instances:
        node = instance["node"]
        on_node = [a["reservation_id"] for a in allocations if node and names.get(a["compute_host_id"]) == node]
        fitting[instance["uuid"]] = on_node
    counts = ((uuid, d.one((0, 0, 1, 1, 1, 1, 2, 3))) for uuid in d.instances)
    owners = [uuid for uuid, count in counts for _ in range(count)] + ["missing"]
    ids = d.rng.sample(range(1, 100), len(owners))
    return [
        {"id": key, "instance_uuid": uuid, "spec": _spec(d, fitting[uuid])}
        for key, uuid in zip(ids, owners, strict=True)
    ]


def _containers(d: _Draw) -> list[Row]:
    rows = []
    for key in d.rng.sample(range(1, 30), 15):
        started, updated = d.span(0.1, 0.05)
        named = json.dumps({"a": 1, "zun.openstack.org/reservation_id": d.known(d.reservations)})
        odd = (None, "", "{}", "[]", "{broken", '{"zun.openstack.org/reservation_id": null}')
        row = {"id": key, "uuid": f"c{key}", "project_id": d.one(PROJECTS, 0.1), "user_id": d.one(("u1",), 0.1)}
        row |= {"status": d.one(STATUSES), "started_at": started, "updated_at": updated}
        rows.append(row | {"annotations": named if d.rng.random() < 0.8 else d.one(odd)})
    return rows


def random_site(seed: int) -> dict[str, list[Row]]:
    """The rows of every table by `schema.table`; keys are unique and never null, anything else may be odd."""
    d = _Draw(seed)
    reservations, actions, instances, hosts = _reservations(d), _actions(d), _instances(d), _computehosts(d)
    allocations = _allocations(d, "compute_host_id", d.hosts, 12)
    tables = {
        "nova.compute_nodes": _compute_nodes(d),
        "nova.instances": instances,
        "nova.instance_actions": actions,
        "nova.instance_actions_events": _events(d, actions),
        "nova_api.request_specs": _request_specs(d, instances, hosts, allocations),
        "blazar.computehosts": hosts,
        "blazar.leases": _leases(d),
        "blazar.reservations": reservations,
        "blazar.instance_reservations": _instance_reservations(d, reservations),
        "blazar.computehost_allocations": allocations,
        "blazar.devices": _devices(d),
        "blazar.device_allocations": _allocations(d, "device_id", d.devices, 8),
        "zun.container": _containers(d),
    }
    return _with_history(tables, random.Random(f"history:{seed}"))  # noqa: S311


def _with_history(tables: dict[str, list[Row]], rng: random.Random) -> dict[str, list[Row]]:
    """Some tables with `--history`: some of their rows have vanished, whatever else they say."""
    for rows in tables.values():
        if rows and rng.random() < 0.5:
            for row in rows:
                row["_vanished_at"] = rng.choice(INSTANTS) if rng.random() < 0.25 else None
    return tables


def to_tables(site: dict[str, list[Row]]) -> dict[str, pa.Table]:
    """The site's tables with the catalogue's columns and types; a column that a row lacks is null."""
    tables = {}
    for name, rows in site.items():
        columns = {c.name: ARROW[c.data_type] for c in catalogue.load()[name].columns.values()}
        if rows and "_vanished_at" in rows[0]:
            columns["_vanished_at"] = ARROW["timestamp"]
        if unknown := set().union(*rows) - columns.keys():
            raise KeyError(f"{name} has no column {sorted(unknown)} in the catalogue")
        schema = pa.schema(list(columns.items()))
        tables[name] = pa.Table.from_pylist(rows, schema)
    return tables


def shuffled(tables: dict[str, pa.Table], seed: int) -> dict[str, pa.Table]:
    """The same tables with their rows in another order."""
    rng = random.Random(f"shuffled:{seed}")  # noqa: S311

    def order(count: int) -> pa.Array:
        return pa.array(rng.sample(range(count), count), pa.int64())

    return {name: table.take(order(table.num_rows)) for name, table in tables.items()}
