"""Small hostile sites for the property test: tiny domains, so that ids, names and instants collide."""

import random
from collections.abc import Callable

import pyarrow as pa

from loader import catalogue
from tests.random_site import blazar, nova, others
from tests.random_site.draw import INSTANTS, Draw, Row

RANDOM_WINDOW = ("2024-01-02T03:00", "2024-01-05T21:30")  # of instants from 01-01 to 01-07
RANDOM_BUCKET = "7h"  # the last one ends in the middle of it
PRIMARY = {  # not null in the database, and names a row in the audit; of the others it is id
    "nova.instances": ("id", "uuid"),
    "nova.shadow_instances": ("id", "uuid"),
    "chameleon_usage.node_usage_report_cache": (),
}
ARROW = {"varchar": pa.string(), "bigint": pa.int64(), "timestamp": pa.timestamp("us"), "double": pa.float64()}


def _with_ironic_zeros(d: Draw, nodes: list[Row], hosts: list[Row]) -> None:
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
    d = Draw(seed)
    reservations, actions, instances, hosts = (
        blazar.reservations(d),
        nova.actions(d),
        nova.instances(d),
        blazar.computehosts(d),
    )
    allocations = blazar.allocations(d, "compute_host_id", d.hosts, 12)
    tables = {
        "nova.compute_nodes": nova.compute_nodes(d),
        "nova.instances": instances,
        "nova.instance_actions": actions,
        "nova.instance_actions_events": nova.events(d, actions),
        "nova_api.request_specs": nova.request_specs(d, nova.fitting(instances, hosts, allocations)),
        "blazar.computehosts": hosts,
        "blazar.leases": blazar.leases(d),
        "blazar.reservations": reservations,
        "blazar.instance_reservations": blazar.instance_reservations(d, reservations),
        "blazar.computehost_allocations": allocations,
        "blazar.devices": blazar.devices(d),
        "blazar.device_allocations": blazar.allocations(d, "device_id", d.devices, 8),
        "zun.container": others.containers(d),
    }
    d.rng = random.Random(f"more tables:{seed}")  # noqa: S311
    tables |= nova.archived(d, tables)
    everyone = [*tables["nova.shadow_instances"], *instances]
    uuids = sorted({row["uuid"] for row in everyone})
    fitting = nova.fitting(everyone, hosts, allocations)
    properties = blazar.resource_properties(d)
    kinds = [row["id"] for row in properties]
    tables |= {
        "nova.migrations": nova.migrations(d, uuids, 5, 30),
        "nova.shadow_migrations": nova.migrations(d, uuids, 30, 15),
        "nova_api.flavors": nova.flavors(d),
        "nova.instance_extra": nova.instance_extra(d, fitting, d.rng.sample(range(1, 40), 20)),
        "nova.shadow_instance_extra": nova.instance_extra(d, fitting, d.rng.sample(range(20, 110), 12)),
        "ironic.nodes": others.ironic_nodes(d),
        "blazar.resource_properties": properties,
        "blazar.computehost_extra_capabilities": blazar.capabilities(d, "computehost_id", d.hosts, kinds, 18),
        "blazar.device_extra_capabilities": blazar.capabilities(d, "device_id", d.devices, kinds, 10),
        "chameleon_usage.node_usage_report_cache": others.legacy(d),
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
