"""Small hostile sites for the property test: tiny domains, so that ids, names and instants collide."""

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from loader import catalogue

Row = dict[str, Any]

RANDOM_WINDOW = ("2024-01-02T03:00", "2024-01-05T21:30")  # of instants from 01-01 to 01-07
RANDOM_BUCKET = "7h"  # the last one ends in the middle of it
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
MOVES = ("compute_finish_resize", "compute_post_live_migration_at_destination", "compute_rebuild_instance")
MIGRATED = ("finished", "confirmed", "completed", "done", "confirmed", "error", "reverted", "migrating", "accepted", "")
BAD_SPECS = (None, None, "", "{broken", '{"nova_object.data": {"scheduler_hints"', "[]", '["a"]', "1", '"x"', "{}")
PRIMARY = {  # not null in the database, and names a row in the audit; of the others it is id
    "nova.instances": ("id", "uuid"),
    "nova.shadow_instances": ("id", "uuid"),
    "chameleon_usage.node_usage_report_cache": (),
}
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
    plain, reserved = {"name": "m1.small, no reservation:1"}, {"name": f"reservation:{named}"}
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


def _fitting(instances: list[Row], hosts: list[Row], allocations: list[Row]) -> dict[str, list[str]]:
    """By instance: the reservations that have an allocation on its node."""
    names = {host["id"]: host["hypervisor_hostname"] for host in hosts}
    fitting: dict[str, list[str]] = {"missing": []}
    for instance in instances:
        node = instance["node"]
        on_node = [a["reservation_id"] for a in allocations if node and names.get(a["compute_host_id"]) == node]
        fitting[instance["uuid"]] = on_node
    return fitting


def _request_specs(d: _Draw, fitting: dict[str, list[str]]) -> list[Row]:
    """None, one or several rows an instance, mostly of a reservation that fits."""
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


def _archived(d: _Draw, tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Nova's shadow tables: rows of the same shape, some with keys that live rows have too, some of rows long gone."""
    nodes, instances = _compute_nodes(d), _instances(d)
    for number, row in enumerate(nodes):
        row["id"] += 5  # 13 is a live row's as well
        row["deleted_at"] = row["deleted_at"] or d.at(0.2)
        row["hypervisor_hostname"] = row["hypervisor_hostname"] if number else "n5"
    for number, row in enumerate(instances):
        row["id"] = 40 - number  # so of two rows of one instance the first is the larger
        row["uuid"] = f"i{d.rng.choice((3, 7, *range(15, 21)))}"
        row["deleted_at"] = row["deleted_at"] or d.at(0.2)
    both = sorted({row["uuid"] for row in [*tables["nova.instances"], *instances]})
    actions = [{"id": 28 + i, "instance_uuid": d.rng.choice(both)} for i in range(15)]
    events = []
    for i in range(25):
        action = d.rng.choice([*actions, *tables["nova.instance_actions"]])["id"]
        event = {"id": 115 + i, "action_id": action, "event": d.one((*EVENTS, *MOVES * 4)), "start_time": d.at(0.03)}
        event |= {"result": d.one(("Success",) * 6 + ("Error",), 0.1)}
        events.append(event | {"host": d.one(d.services + d.names, 0.2)})
    return {
        "nova.shadow_compute_nodes": nodes[:3],
        "nova.shadow_instances": instances[:9],
        "nova.shadow_instance_actions": actions,
        "nova.shadow_instance_actions_events": events,
    }


def _flavors(d: _Draw) -> list[Row]:
    """Flavors 2 to 11, some of them deleted."""
    rows = [{"id": i, "name": f"m{i}", "vcpus": d.one((0, 1, 2, 4, 8), 0.05)} for i in range(2, 12)]
    sizes = ({"memory_mb": d.one((0, 1, 2, 4), 0.05), "root_gb": d.one((0, 1, 2, 4), 0.05)} for _ in rows)
    return [row | size for row, size in zip(rows, sizes, strict=True) if d.rng.random() < 0.7]


def _migrations(d: _Draw, instances: list[str], first: int, count: int) -> list[Row]:
    """Moves and resizes, most of them placed somehow; often of the same few instances."""
    rows = []
    for i in range(count):
        created, updated = d.span(0.1, 0.1)
        row = {"id": first + i, "instance_uuid": d.known(d.one((instances, instances[::4])))}
        row |= {"status": d.one(MIGRATED, 0.05), "created_at": created, "updated_at": updated}
        row |= {"migration_type": d.one(("resize", "resize", "migration", "live-migration", "evacuation"), 0.05)}
        row |= {"source_node": d.one([*d.names * 2, "unknown", ""], 0.2), "dest_node": d.one(d.names, 0.2)}
        rows.append(
            row | {name: d.one(range(2, 13), 0.15) for name in ("old_instance_type_id", "new_instance_type_id")}
        )
    return rows


def _instance_extra(d: _Draw, fitting: dict[str, list[str]], ids: list[int]) -> list[Row]:
    """None, one or several rows an instance: reservation, plain flavor, another shape, no JSON."""
    rows = []
    for key in ids:
        uuid = d.rng.choice(sorted(fitting))
        fits = bool(fitting[uuid]) and d.rng.random() < 0.85
        reserved = f"reservation:{d.known(fitting[uuid] if fits else d.reservations)}"
        names = (*(reserved,) * 6, "m1.small", "m1.small, no reservation:1", "reservation:", "", None, 7)
        flavor: Any = {"cur": {"nova_object.data": {"name": d.one(names)}}, "old": None}
        odd = ({"old": flavor["cur"]}, {"cur": None}, {"cur": [flavor["cur"]]}, [], "x", None, reserved)
        document = json.dumps(d.one(odd) if d.rng.random() < 0.15 else flavor)
        broken = (None, "", document[:-1], "{broken")
        rows.append({"id": key, "instance_uuid": uuid, "flavor": d.one(broken) if d.rng.random() < 0.2 else document})
    return rows


def _ironic_nodes(d: _Draw) -> list[Row]:
    values = (8, 16, 4, 8.0, 2.5, "8", "16", " 4 ", "4.0", "2e0", 0, "0", -8, "-4", "NaN", "Infinity", "-Infinity")
    odd = (None, True, "", "many", "8 GB", "0x10", [8], {"a": 8}, "1e999", 10**400)
    rows = []
    for name in [*d.names, "stranger", "unknown"]:
        keys = [key for key in ("cpus", "memory_mb", "local_gb") if d.rng.random() < 0.9]
        properties: Any = {key: d.one(odd) if d.rng.random() < 0.15 else d.one(values) for key in keys}
        document = json.dumps(d.one(([properties], None, "x")) if d.rng.random() < 0.05 else properties)
        broken = (None, "", document[:-1])
        rows.append({"uuid": name, "properties": d.one(broken) if d.rng.random() < 0.1 else document})
    return [row for row in rows if d.rng.random() < 0.8]


def _resource_properties(d: _Draw) -> list[Row]:
    names = ("node_type", "node_type", "gpu", "Node_Type", None)
    return [{"id": key, "property_name": name} for key, name in zip(d.keys(5), names, strict=True)]


def _capabilities(d: _Draw, column: str, owners: list[str], properties: list[str], count: int) -> list[Row]:
    """Properties of hosts, by each of the names that blazar's columns had, or of devices, which have one of them."""
    rows = []
    for key in d.keys(count):
        row = {"id": key, column: d.known(owners), "property_id": d.one([*properties, "missing", ""], 0.3)}
        if column == "computehost_id":
            row |= {"capability_id": d.one([*properties, "missing"], 0.5)}
            row |= {"capability_name": d.one(("node_type", "gpu", ""), 0.6)}
        row |= {"capability_value": d.one(("compute", "storage", "gpu"), 0.05)}
        rows.append(row | {"created_at": d.one(INSTANTS[::6], 0.2), "deleted_at": d.at(0.5)})
    return rows


def _legacy(d: _Draw) -> list[Row]:
    """Days of two types of nodes: some twice, some missing, now and then with a time of day."""
    days = [*INSTANTS[::4], INSTANTS[5], INSTANTS[6] + timedelta(hours=11, minutes=59)]
    rows = []
    for _ in range(d.rng.choice((0, 1, 8, 12))):
        row = {"date": d.one(days, 0.05), "node_type": d.one(("compute", "gpu"), 0.1)}
        names = ("maint_hours", "reserved_hours", "used_hours", "idle_hours", "total_hours")
        rows.append(row | {name: d.one((0.0, 0.1, 0.2, 0.3, 12.0, 24.0, 24.0, 36.5), 0.15) for name in names})
    return rows


def _with_ironic_zeros(d: _Draw, nodes: list[Row], hosts: list[Row]) -> None:
    """Most Ironic hosts say 0 of everything, and blazar has copied that."""
    for row in nodes:
        if row["hypervisor_type"] == "ironic" and d.rng.random() < 0.7:
            row |= {"vcpus": 0, "memory_mb": 0, "local_gb": 0}
    zeros = {row["hypervisor_hostname"] for row in nodes if row["vcpus"] == row["memory_mb"] == row["local_gb"] == 0}
    for row in hosts:
        if row["hypervisor_hostname"] in zeros and d.rng.random() < 0.8:
            row |= {"vcpus": 0, "memory_mb": 0, "local_gb": 0}


def random_site(seed: int) -> dict[str, list[Row]]:
    """The rows of some tables by `schema.table`; keys are unique and never null, anything else may be odd.

    An optional table may be missing; of some, rows have vanished.
    """
    rng = random.Random(f"shape:{seed}")  # noqa: S311
    tables = _with_history(full_site(seed), seed, lambda _: rng.random() < 0.5)
    return {name: rows for name, rows in tables.items() if name not in _optional(tables) or rng.random() < 0.75}


def shaped_site(seed: int, shape: int) -> tuple[dict[str, list[Row]], dict[str, set[str]]]:
    """A site with the tables and columns of this shape, and the columns that it has of each table.

    A required table may be missing, too, and in each third shape one cell in sixteen that may be null is.
    """
    rng = random.Random(f"shape:{shape}")  # noqa: S311
    tables = full_site(seed)
    kept = {name for name in tables if rng.random() < 0.5}
    missing = {name for name in sorted(tables) if rng.random() < (0.2 if name in _optional(tables) else 0.02)}
    columns = {name: columns_of(name) for name in sorted(tables.keys() - missing)}
    for name, there in columns.items():
        there -= {c for c in sorted(there - required(name)) if rng.random() < 0.06}
        there |= {"_vanished_at"} if name in kept else set()
    tables = _with_history(tables, seed, kept.__contains__)
    if shape % 3 == 0:
        tables = with_nulls(tables, seed)
    return {name: tables[name] for name in columns}, columns


def full_site(seed: int) -> dict[str, list[Row]]:
    """The rows of every table, none of them kept by history."""
    d = _Draw(seed)
    reservations, actions, instances, hosts = _reservations(d), _actions(d), _instances(d), _computehosts(d)
    allocations = _allocations(d, "compute_host_id", d.hosts, 12)
    tables = {
        "nova.compute_nodes": _compute_nodes(d),
        "nova.instances": instances,
        "nova.instance_actions": actions,
        "nova.instance_actions_events": _events(d, actions),
        "nova_api.request_specs": _request_specs(d, _fitting(instances, hosts, allocations)),
        "blazar.computehosts": hosts,
        "blazar.leases": _leases(d),
        "blazar.reservations": reservations,
        "blazar.instance_reservations": _instance_reservations(d, reservations),
        "blazar.computehost_allocations": allocations,
        "blazar.devices": _devices(d),
        "blazar.device_allocations": _allocations(d, "device_id", d.devices, 8),
        "zun.container": _containers(d),
    }
    d.rng = random.Random(f"more tables:{seed}")  # noqa: S311
    tables |= _archived(d, tables)
    everyone = [*tables["nova.shadow_instances"], *instances]
    uuids = sorted({row["uuid"] for row in everyone})
    fitting = _fitting(everyone, hosts, allocations)
    properties = _resource_properties(d)
    kinds = [row["id"] for row in properties]
    tables |= {
        "nova.migrations": _migrations(d, uuids, 5, 30),
        "nova.shadow_migrations": _migrations(d, uuids, 30, 15),
        "nova_api.flavors": _flavors(d),
        "nova.instance_extra": _instance_extra(d, fitting, d.rng.sample(range(1, 40), 20)),
        "nova.shadow_instance_extra": _instance_extra(d, fitting, d.rng.sample(range(20, 110), 12)),
        "ironic.nodes": _ironic_nodes(d),
        "blazar.resource_properties": properties,
        "blazar.computehost_extra_capabilities": _capabilities(d, "computehost_id", d.hosts, kinds, 18),
        "blazar.device_extra_capabilities": _capabilities(d, "device_id", d.devices, kinds, 10),
        "chameleon_usage.node_usage_report_cache": _legacy(d),
    }
    _with_ironic_zeros(d, [*tables["nova.compute_nodes"], *tables["nova.shadow_compute_nodes"]], hosts)
    return tables


def _optional(tables: dict[str, list[Row]]) -> set[str]:
    return {name for name in tables if catalogue.load()[name].optional}


def columns_of(name: str) -> set[str]:
    """The columns that the catalogue has of a table."""
    return set(catalogue.load()[name].columns)


def required(name: str) -> set[str]:
    """The columns without which a file is an error."""
    return {c.name for c in catalogue.load()[name].columns.values() if c.required}


def _with_history(tables: dict[str, list[Row]], seed: int, is_kept: Callable[[str], bool]) -> dict[str, list[Row]]:
    """Some tables with `--history`: some of their rows have vanished, whatever else they say."""
    rng = random.Random(f"history:{seed}")  # noqa: S311
    for name, rows in tables.items():
        if is_kept(name):
            for row in rows:
                row["_vanished_at"] = rng.choice(INSTANTS) if rng.random() < 0.25 else None
    return tables


def with_nulls(tables: dict[str, list[Row]], seed: int, rate: float = 0.06) -> dict[str, list[Row]]:
    """The same with nulls in every column that isn't a table's primary key."""
    rng = random.Random(f"nulls:{seed}")  # noqa: S311
    return {
        name: [
            {c: v if c in PRIMARY.get(name, ("id",)) or rng.random() > rate else None for c, v in row.items()}
            for row in rows
        ]
        for name, rows in tables.items()
    }


def to_tables(site: dict[str, list[Row]], columns: dict[str, set[str]] | None = None) -> dict[str, pa.Table]:
    """The site's tables with these columns of the catalogue, else all, and its types; what a row lacks is null."""
    tables = {}
    for name, rows in site.items():
        there = columns[name] if columns else columns_of(name) | ({"_vanished_at"} & set().union(*rows))
        if unknown := set().union(*rows) - columns_of(name) - {"_vanished_at"}:
            raise KeyError(f"{name} has no column {sorted(unknown)} in the catalogue")
        types = {c.name: c.data_type for c in catalogue.load()[name].columns.values()} | {"_vanished_at": "timestamp"}
        schema = pa.schema([(c, ARROW[kind]) for c, kind in types.items() if c in there])
        tables[name] = pa.Table.from_pylist(rows, schema)
    return tables


def shuffled(tables: dict[str, pa.Table], seed: int) -> dict[str, pa.Table]:
    """The same tables with their rows in another order."""
    rng = random.Random(f"shuffled:{seed}")  # noqa: S311

    def order(count: int) -> pa.Array:
        return pa.array(rng.sample(range(count), count), pa.int64())

    return {name: table.take(order(table.num_rows)) for name, table in tables.items()}
