"""SPEC 4, occupied: the spans of instances."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from tests.oracle.bookings import booking
from tests.oracle.hosts import flavor_resources, unknown, whole_host
from tests.oracle.intervals import FOREVER, earliest, is_empty, outcomes
from tests.oracle.site import Piece, Site, row_at
from tests.oracle.stays import Stay, held_intervals, stays_of
from tests.oracle.values import Interval, Resources, Row


def occupied_by_instances(site: Site) -> None:
    """SPEC 4: "from `nova.instances` with `launched_at` not null and not `hidden`"."""
    commitments: dict[str, list[Row]] = defaultdict(list)  # by hypervisor
    homes: dict[str, set[str]] = defaultdict(set)  # hypervisors by reservation
    for span in site.spans:
        if span["source_table"] == "blazar.computehost_allocations" and span["is_valid"]:
            commitments[span["hypervisor_hostname"]].append(span)
            homes[span["reservation_id"]].add(span["hypervisor_hostname"])
    for instance in site.rows("nova.instances"):
        instance_spans(site, instance, commitments, homes)


def instance_spans(site: Site, instance: Row, commitments: dict[str, list[Row]], homes: dict[str, set[str]]) -> None:
    events = site.events.get(instance["uuid"], [])
    stays = stays_of(site, instance, events)
    reservation_id, source, marks = booking(site, instance, stays, commitments)
    home = homes.get(reservation_id, set()) if reservation_id is not None else set()
    if len(home) == 1:
        # "the only hypervisor that has valid committed spans of that reservation, marked `inferred_node`"
        for stay in stays:
            if stay.node is None:
                (stay.node,) = home
                stay.marks = stay.marks | {"inferred_node"}
    owner = {
        "metric": "occupied_ondemand" if reservation_id is None else "occupied_reservation",
        "source_table": "nova.instances",
        "source_id": str(instance["uuid"]),
        "project_id": instance.get("project_id"),
        "user_id": instance.get("user_id"),
        "lease_id": site.lease_of(reservation_id),
        "reservation_id": reservation_id,
        "booking_source": source,
    }
    site.write(owner, instance_pieces(site, instance, events, stays, reservation_id, marks))


def instance_pieces(
    site: Site, instance: Row, events: list[Row], stays: list[Stay], reservation_id: str | None, marks: set[str]
) -> list[Piece]:
    """SPEC 5: "an instance has one claim a held piece"; hidden, never launched or empty: one row of the audit."""
    cut = earliest([instance.get("terminated_at"), instance.get("deleted_at")])
    intervals = held_intervals(instance.get("created_at"), events, cut)
    held = [interval for interval in intervals if not is_empty(interval)]
    reason = "hidden" if instance.get("hidden") else "never_launched" if not instance.get("launched_at") else None
    if reason is not None or not held:
        # an instance that never held anything has no length, whatever came later
        ends = [held[-1][1]] if held else [t for t in (instance.get("created_at"), cut) if t is not None]
        whole = (instance.get("created_at"), min(ends, default=FOREVER))
        own = {"hypervisor_hostname": stays[-1].node}
        return [Piece(whole, None, reason or "empty", {}, marks | stays[-1].marks, own)]
    # "Held intervals are cut at those instants; pieces of one instance never overlap."
    claims = [
        ((max(interval[0], stay.interval[0]), min(interval[1], stay.interval[1])), stay)
        for interval in held
        for stay in stays
    ]
    pieces = []
    for claim, stay in claims:
        if not is_empty(claim):
            pieces += stay_pieces(site, claim, stay, reservation_id, marks)
    return pieces


def stay_pieces(site: Site, claim: Interval, stay: Stay, reservation_id: str | None, marks: set[str]) -> list[Piece]:
    """SPEC 4: "occupied_reservation is clamped to committed by (reservation, hypervisor); occupied_ondemand has no
    parent span"."""
    is_reserved = reservation_id is not None
    parents = site.windows["committed", "host", reservation_id, stay.node] if is_reserved else None
    pieces = []
    for kept, action in outcomes(claim, stay.node is not None or not is_reserved, parents):
        resources, more = instance_resources(site, stay, claim[0]) if kept else ({}, set())
        own = {"hypervisor_hostname": stay.node}
        pieces.append(Piece(claim, kept, action, resources, marks | stay.marks | more, own))
    return pieces


def instance_resources(site: Site, stay: Stay, instant: datetime) -> tuple[Resources, set[str]]:
    """SPEC 4, resources: "`ironic`: an instance holds the whole node: nodes 1 and the node's resources. `QEMU` (and
    anything else): nodes = vcpus ÷ host vcpus; the instance's vcpus (also as vcpus_overcommit), memory_mb, disk_gb
    = root_gb. No host row: nodes is unknown (null, `unknown_host`)"."""
    size, disk_gb = stay.size, stay.size.get("root_gb")
    host_row = None if stay.node is None else row_at(site.nova_hosts.get(stay.node, []), instant)
    if host_row is None:
        return flavor_resources(size, disk_gb, None), {"unknown_host"}
    capacity = site.capacity(stay.node, instant)
    if host_row.get("hypervisor_type") == "ironic":
        return whole_host(site, capacity, host_row), unknown(capacity)
    marks = set() if capacity["vcpus"] is not None else {"unknown_capacity"}
    return flavor_resources(size, disk_gb, capacity["vcpus"]), marks
