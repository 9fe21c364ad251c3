"""Random rows of the tables of zun, Ironic and the earlier collector."""

import json
from datetime import timedelta
from typing import Any

from tests.random_site.draw import INSTANTS, PROJECTS, Draw, Row

STATUSES = ("Running", "Stopped", "Deleted", "Error", "Created", "Paused", "Unknown", None)


def containers(d: Draw) -> list[Row]:
    rows = []
    for key in d.rng.sample(range(1, 30), 15):
        started, updated = d.span(0.1, 0.05)
        named = json.dumps({"a": 1, "zun.openstack.org/reservation_id": d.known(d.reservations)})
        odd = (None, "", "{}", "[]", "{broken", '{"zun.openstack.org/reservation_id": null}')
        row = {"id": key, "uuid": f"c{key}", "project_id": d.one(PROJECTS, 0.1), "user_id": d.one(("u1",), 0.1)}
        row |= {"status": d.one(STATUSES), "started_at": started, "updated_at": updated}
        rows.append(row | {"annotations": named if d.rng.random() < 0.8 else d.one(odd)})
    return rows


def ironic_nodes(d: Draw) -> list[Row]:
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


def legacy(d: Draw) -> list[Row]:
    """Days of two types of nodes: some twice, some missing, now and then with a time of day."""
    days = [*INSTANTS[::4], INSTANTS[5], INSTANTS[6] + timedelta(hours=11, minutes=59)]
    rows = []
    for _ in range(d.rng.choice((0, 1, 8, 12))):
        row = {"date": d.one(days, 0.05), "node_type": d.one(("compute", "gpu"), 0.1)}
        names = ("maint_hours", "reserved_hours", "used_hours", "idle_hours", "total_hours")
        rows.append(row | {name: d.one((0.0, 0.1, 0.2, 0.3, 12.0, 24.0, 24.0, 36.5), 0.15) for name in names})
    return rows
