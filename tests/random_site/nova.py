"""Random rows of nova's tables."""

import json
from typing import Any

from tests.random_site.draw import PROJECTS, Draw, Row

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
MOVES = ("compute_finish_resize", "compute_post_live_migration_at_destination", "compute_rebuild_instance")
MIGRATED = ("finished", "confirmed", "completed", "done", "confirmed", "error", "reverted", "migrating", "accepted", "")
BAD_SPECS = (None, None, "", "{broken", '{"nova_object.data": {"scheduler_hints"', "[]", '["a"]', "1", '"x"', "{}")


def compute_nodes(d: Draw) -> list[Row]:
    rows = []
    for i in range(6):
        created, deleted = d.span(0.05, 0.6, wide=True)
        row = {"id": 8 + i, "hypervisor_hostname": d.one(d.names, 0.07), "host": d.one(d.services[:3], 0.1)}
        row |= {"hypervisor_type": d.one(("ironic", "QEMU", "QEMU"), 0.1), "created_at": created, "deleted_at": deleted}
        row |= {"vcpus": d.capacity(), "memory_mb": d.capacity(), "local_gb": d.capacity()}
        rows.append(row | {"cpu_allocation_ratio": d.one((0.0, 1.0, 1.5, 2.0), 0.3)})
    return rows


def instances(d: Draw) -> list[Row]:
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


def actions(d: Draw) -> list[Row]:
    return [{"id": 5 + i, "instance_uuid": d.known(d.instances, 0.05)} for i in range(25)]


def events(d: Draw, actions: list[Row]) -> list[Row]:
    rows = []
    for i in range(40):
        action = 1 if d.rng.random() < 0.05 else d.rng.choice(actions)["id"]
        row = {"id": 80 + i, "action_id": action, "event": d.one(EVENTS), "start_time": d.at(0.03)}
        row |= {"result": d.one(("Success",) * 6 + ("Error",), 0.1)}
        rows.append(row | {"host": d.one(d.services + d.names, 0.2)})
    return rows


def spec(d: Draw, fitting: list[str]) -> str | None:
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


def fitting(instances: list[Row], hosts: list[Row], allocations: list[Row]) -> dict[str, list[str]]:
    """By instance: the reservations that have an allocation on its node."""
    names = {host["id"]: host["hypervisor_hostname"] for host in hosts}
    fitting: dict[str, list[str]] = {"missing": []}
    for instance in instances:
        node = instance["node"]
        on_node = [a["reservation_id"] for a in allocations if node and names.get(a["compute_host_id"]) == node]
        fitting[instance["uuid"]] = on_node
    return fitting


def request_specs(d: Draw, fitting: dict[str, list[str]]) -> list[Row]:
    """None, one or several rows an instance, mostly of a reservation that fits."""
    counts = ((uuid, d.one((0, 0, 1, 1, 1, 1, 2, 3))) for uuid in d.instances)
    owners = [uuid for uuid, count in counts for _ in range(count)] + ["missing"]
    ids = d.rng.sample(range(1, 100), len(owners))
    return [
        {"id": key, "instance_uuid": uuid, "spec": spec(d, fitting[uuid])}
        for key, uuid in zip(ids, owners, strict=True)
    ]


def archived(d: Draw, tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Nova's shadow tables: rows of the same shape, some with keys that live rows have too, some of rows long gone."""
    nodes, gone = compute_nodes(d), instances(d)
    for number, row in enumerate(nodes):
        row["id"] += 5  # 13 is a live row's as well
        row["deleted_at"] = row["deleted_at"] or d.at(0.2)
        row["hypervisor_hostname"] = row["hypervisor_hostname"] if number else "n5"
    for number, row in enumerate(gone):
        row["id"] = 40 - number  # so of two rows of one instance the first is the larger
        row["uuid"] = f"i{d.rng.choice((3, 7, *range(15, 21)))}"
        row["deleted_at"] = row["deleted_at"] or d.at(0.2)
    both = sorted({row["uuid"] for row in [*tables["nova.instances"], *gone]})
    actions = [{"id": 28 + i, "instance_uuid": d.rng.choice(both)} for i in range(15)]
    events = []
    for i in range(25):
        action = d.rng.choice([*actions, *tables["nova.instance_actions"]])["id"]
        event = {"id": 115 + i, "action_id": action, "event": d.one((*EVENTS, *MOVES * 4)), "start_time": d.at(0.03)}
        event |= {"result": d.one(("Success",) * 6 + ("Error",), 0.1)}
        events.append(event | {"host": d.one(d.services + d.names, 0.2)})
    return {
        "nova.shadow_compute_nodes": nodes[:3],
        "nova.shadow_instances": gone[:9],
        "nova.shadow_instance_actions": actions,
        "nova.shadow_instance_actions_events": events,
    }


def flavors(d: Draw) -> list[Row]:
    """Flavors 2 to 11, some of them deleted."""
    rows = [{"id": i, "name": f"m{i}", "vcpus": d.one((0, 1, 2, 4, 8), 0.05)} for i in range(2, 12)]
    sizes = ({"memory_mb": d.one((0, 1, 2, 4), 0.05), "root_gb": d.one((0, 1, 2, 4), 0.05)} for _ in rows)
    return [row | size for row, size in zip(rows, sizes, strict=True) if d.rng.random() < 0.7]


def migrations(d: Draw, instances: list[str], first: int, count: int) -> list[Row]:
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


def instance_extra(d: Draw, fitting: dict[str, list[str]], ids: list[int]) -> list[Row]:
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
