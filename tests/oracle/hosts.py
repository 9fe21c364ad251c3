"""SPEC 4, total, reservable and committed: the spans of hosts and devices."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.oracle.intervals import earliest, is_empty, latest, outcomes
from tests.oracle.site import CAPACITIES, Piece, Site, kept_of, lifetime, row_at, superseded_at
from tests.oracle.values import Interval, Resources, Row, amount, known, text


def whole_host(site: Site, capacity: Resources, ratio_row: Row | None) -> Resources:
    """SPEC 4: "nodes 1; vcpus; vcpus_overcommit = vcpus × cpu_allocation_ratio (null or 0 means 1, or the var
    `default_cpu_allocation_ratio`)"."""
    ratio = known(ratio_row.get("cpu_allocation_ratio")) if ratio_row is not None else None
    vcpus = capacity["vcpus"]
    overcommit = None if vcpus is None else vcpus * (site.default_ratio if ratio is None else ratio)
    return {"nodes": Fraction(1), "vcpus_overcommit": overcommit, **capacity}


def unknown(resources: Resources) -> set[str]:
    return {"unknown_capacity"} if any(resources[resource] is None for resource in CAPACITIES) else set()


def flavor_resources(flavor: Row, disk_gb: Any, host_vcpus: Fraction | None) -> Resources:
    """SPEC 4: "the flavor's vcpus (also as vcpus_overcommit), memory_mb, disk_gb; nodes = flavor vcpus ÷ host
    vcpus"; the same for an instance that does not hold a whole node."""
    vcpus = amount(flavor.get("vcpus"))
    return {
        "nodes": None if vcpus is None or host_vcpus is None else vcpus / host_vcpus,
        "vcpus": vcpus,
        "vcpus_overcommit": vcpus,
        "memory_mb": amount(flavor.get("memory_mb")),
        "disk_gb": amount(disk_gb),
    }


def total(site: Site) -> None:
    """SPEC 4, total: "one span a row of `nova.compute_nodes`, `[created_at, deleted_at)`, entity
    `hypervisor_hostname`"; CHI@Edge: "`blazar.devices` rows are spans of total"."""
    for name, siblings in site.nova_hosts.items():
        for row in siblings:
            resources = whole_host(site, site.capacity(name, row.get("created_at"), row), row)
            host_span(site, "total", "nova.compute_nodes", row, name, siblings, None, resources)
    for device in site.rows("blazar.devices"):
        device_span(site, "total", device, None)


def reservable(site: Site) -> None:
    """SPEC 4, reservable: "one span a row of `blazar.computehosts`; resources as total's, the ratio from the host
    row at its start. Superseded within a hypervisor as above. Clamped to total, by hypervisor."; devices "where
    `reservable = 1` (clamped to total by device)"."""
    for name, siblings in site.blazar_hosts.items():
        for row in siblings:
            host_row = None if name is None else row_at(site.nova_hosts.get(name, []), row.get("created_at"))
            resources = whole_host(site, site.capacity(name, row.get("created_at"), row), host_row)
            site.reservable_resources[row["id"]] = resources
            parents = site.windows["total", "host", name]
            host_span(site, "reservable", "blazar.computehosts", row, name, siblings, parents, resources)
    for device in site.rows("blazar.devices"):
        if device.get("reservable") == 1:
            device_span(site, "reservable", device, site.windows["total", "device", device["id"]])


def host_span(
    site: Site,
    metric: str,
    table: str,
    row: Row,
    name: str | None,
    siblings: list[Row],
    parents: list[Interval] | None,
    resources: Resources,
) -> None:
    claim = lifetime(row)
    cut = None if name is None or is_empty(claim) else superseded_at(row, siblings)
    marks = unknown(resources)
    found = outcomes(claim, name is not None, parents, cut)
    pieces = [Piece(claim, kept, action, resources, marks) for kept, action in found]
    site.windows[metric, "host", name] += kept_of(pieces)
    owner = {"metric": metric, "source_table": table, "source_id": str(row["id"]), "hypervisor_hostname": name}
    site.write(owner, pieces)


def device_span(site: Site, metric: str, device: Row, parents: list[Interval] | None) -> None:
    """SPEC 4, CHI@Edge: "only `nodes`, 1 a device"."""
    name, claim = device["id"], lifetime(device)
    found = outcomes(claim, True, parents)
    pieces = [Piece(claim, kept, action, {"nodes": Fraction(1)}) for kept, action in found]
    site.windows[metric, "device", name] += kept_of(pieces)
    owner = {"metric": metric, "source_table": "blazar.devices", "source_id": name, "hypervisor_hostname": name}
    site.write(owner, pieces)


def committed(site: Site) -> None:
    """SPEC 4, committed: "one span a row of `blazar.computehost_allocations`, joined to its host, reservation,
    lease (and `instance_reservations` for `flavor:instance`)"; devices likewise."""
    hosts = site.keyed("blazar.computehosts", "id")
    flavors = site.keyed("blazar.instance_reservations", "reservation_id")
    for allocation in site.rows("blazar.computehost_allocations"):
        host_allocation(site, allocation, hosts.get(allocation.get("compute_host_id")), flavors)
    devices = site.keyed("blazar.devices", "id")
    for allocation in site.rows("blazar.device_allocations"):
        device_allocation(site, allocation, devices.get(allocation.get("device_id")))


def host_allocation(site: Site, allocation: Row, host: Row | None, flavors: dict[Any, Row]) -> None:
    reservation = site.reservations.get(allocation.get("reservation_id"))
    name = None if host is None else text(host.get("hypervisor_hostname"))
    flavor = flavors.get(allocation.get("reservation_id"))
    is_flavor = reservation is not None and reservation.get("resource_type") == "flavor:instance"
    resources: Resources = {}
    marks: set[str] = set()
    if host is not None and not is_flavor:
        resources = site.reservable_resources[host["id"]]
        marks = unknown(resources)
    elif host is not None and flavor is not None:
        host_vcpus = site.reservable_resources[host["id"]]["vcpus"]
        resources = flavor_resources(flavor, flavor.get("disk_gb"), host_vcpus)
        marks = set() if host_vcpus is not None else {"unknown_capacity"}
    is_complete = host is not None and not (is_flavor and flavor is None)
    keyed = None not in (text(allocation.get("compute_host_id")), text(allocation.get("reservation_id")))
    keyed = keyed and (host is None or name is not None)
    allocation_span(site, "computehost_allocations", "host", allocation, name, keyed, is_complete, resources, marks)


def device_allocation(site: Site, allocation: Row, device: Row | None) -> None:
    name = text(allocation.get("device_id"))
    keyed = None not in (name, text(allocation.get("reservation_id")))
    resources: Resources = {"nodes": Fraction(1)}
    is_complete = device is not None
    allocation_span(site, "device_allocations", "device", allocation, name, keyed, is_complete, resources, set())


def allocation_span(
    site: Site,
    table: str,
    kind: str,
    allocation: Row,
    name: str | None,
    keyed: bool,
    is_complete: bool,
    resources: Resources,
    marks: set[str],
) -> None:
    """SPEC 4: "Start = greatest of lease.start_date, lease.created_at, allocation.created_at; end = least of
    lease.end_date, lease.deleted_at, allocation.deleted_at; nulls ignored." "Clamped to reservable"."""
    reservation_id = text(allocation.get("reservation_id"))
    reservation = site.reservations.get(reservation_id)
    found_lease = None if reservation is None else site.leases.get(reservation.get("lease_id"))
    lease = found_lease or {}
    starts = (lease.get("start_date"), lease.get("created_at"), allocation.get("created_at"))
    ends = (lease.get("end_date"), lease.get("deleted_at"), allocation.get("deleted_at"))
    claim = (latest(starts), earliest(ends))
    # SPEC 5: orphan: "no overlapping parent, or a missing joined row"
    is_complete = is_complete and found_lease is not None
    parents = site.windows["reservable", kind, name] if is_complete else []
    found = outcomes(claim, keyed, parents)
    pieces = [Piece(claim, kept, action, resources, marks) for kept, action in found]
    owner = {
        "metric": "committed",
        "source_table": f"blazar.{table}",
        "source_id": str(allocation["id"]),
        "hypervisor_hostname": name,
        "project_id": lease.get("project_id"),
        "user_id": lease.get("user_id"),
        "lease_id": None if reservation is None else reservation.get("lease_id"),
        "reservation_id": reservation_id,
    }
    site.windows["committed", kind, reservation_id, name] += kept_of(pieces)
    site.write(owner, pieces)
