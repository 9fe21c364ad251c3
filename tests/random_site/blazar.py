"""Random rows of blazar's tables."""

from tests.random_site.draw import INSTANTS, PROJECTS, Draw, Row


def computehosts(d: Draw) -> list[Row]:
    rows = []
    for key in d.hosts:
        created, deleted = d.span(0.05, 0.6, wide=True)
        row = {"id": key, "hypervisor_hostname": d.one([*d.names, *d.names, "stranger"], 0.05)}
        row |= {"created_at": created, "deleted_at": deleted}
        rows.append(row | {"vcpus": d.capacity(), "memory_mb": d.capacity(), "local_gb": d.capacity()})
    return rows


def leases(d: Draw) -> list[Row]:
    rows = []
    for key in d.leases:
        start, end = d.span(0.05, 0.15, wide=True)
        row = {"id": key, "project_id": d.one(PROJECTS, 0.15), "user_id": d.one(("u1", "u2"), 0.1)}
        row |= {"start_date": start, "end_date": end}
        rows.append(
            row | {"created_at": d.one((INSTANTS[0], INSTANTS[0], start, d.at()), 0.1), "deleted_at": d.at(0.8)}
        )
    return rows


def reservations(d: Draw) -> list[Row]:
    kinds = ("physical:host", "physical:host", "flavor:instance", "device")
    return [{"id": r, "lease_id": d.known(d.leases), "resource_type": d.one(kinds, 0.05)} for r in d.reservations]


def instance_reservations(d: Draw, reservations: list[Row]) -> list[Row]:
    """At most one row a reservation: of most of the flavor reservations, and of a stray other."""
    rows: list[Row] = []
    for key, reservation in zip(d.keys(len(reservations)), reservations, strict=True):
        likely = 0.85 if reservation["resource_type"] == "flavor:instance" else 0.1
        if d.rng.random() < likely:
            size = {name: d.one((0, 1, 2, 4), 0.1) for name in ("vcpus", "memory_mb", "disk_gb")}
            rows.append({"id": key, "reservation_id": reservation["id"], **size})
    return rows


def allocations(d: Draw, column: str, targets: list[str], count: int) -> list[Row]:
    rows = []
    for key in d.keys(count):
        row = {"id": key, column: d.known(targets), "reservation_id": d.known(d.reservations)}
        rows.append(row | {"created_at": d.one((INSTANTS[0], INSTANTS[0], d.at()), 0.1), "deleted_at": d.at(0.8)})
    return rows


def devices(d: Draw) -> list[Row]:
    rows = []
    for key in d.devices:
        created, deleted = d.span(0.05, 0.6, wide=True)
        rows.append({"id": key, "reservable": d.one((0, 1, 1, 1), 0.05), "created_at": created, "deleted_at": deleted})
    return rows


def resource_properties(d: Draw) -> list[Row]:
    names = ("node_type", "node_type", "gpu", "Node_Type", None)
    return [{"id": key, "property_name": name} for key, name in zip(d.keys(5), names, strict=True)]


def capabilities(d: Draw, column: str, owners: list[str], properties: list[str], count: int) -> list[Row]:
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
