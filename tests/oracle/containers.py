"""SPEC 4, occupied: the spans of containers on CHI@Edge."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.oracle.intervals import holds, is_empty, joined, outcomes, until
from tests.oracle.site import Piece, Site
from tests.oracle.values import Claim, Interval, Outcome, Row, dig, id_order, named, parsed

TERMINAL = ("Deleted", "Error", "Stopped")
RESERVATION_KEY = "zun.openstack.org/reservation_id"


def occupied_by_containers(site: Site) -> None:
    """SPEC 4, CHI@Edge: `zun.container`, reservation by reservation."""
    groups: dict[str | None, list[Row]] = defaultdict(list)
    for container in site.rows("zun.container"):
        groups[container_reservation(container)].append(container)
    devices: dict[str, list[tuple[str, Interval]]] = defaultdict(list)
    for (metric, kind, *key), intervals in site.windows.items():
        if (metric, kind) == ("committed", "device"):
            reservation_id, device_id = key
            devices[reservation_id] += [(device_id, interval) for interval in intervals]
    for reservation_id, containers in groups.items():
        got = share_devices(containers, devices.get(reservation_id, []) if reservation_id else [])
        for container in containers:
            container_spans(site, container, reservation_id, got.get(container["id"], []))


def container_spans(site: Site, container: Row, reservation_id: str | None, got: list[Interval]) -> None:
    """SPEC 4: "A container is cut to the time when it has one (`clipped`; never: `orphan`); no reservation id:
    `null_key`; no `started_at`: `never_launched`"."""
    claim = running(container)
    if claim[0] is None:
        found: list[Outcome] = [(None, "never_launched")]
    else:
        found = outcomes(claim, reservation_id is not None, got)
    owner = {
        "metric": "occupied_reservation",
        "source_table": "zun.container",
        "source_id": str(container["id"]),
        "hypervisor_hostname": None,
        "project_id": container.get("project_id"),
        "user_id": container.get("user_id"),
        "lease_id": site.lease_of(reservation_id),
        "reservation_id": reservation_id,
    }
    site.write(owner, [Piece(claim, kept, action, {"nodes": Fraction(1)}) for kept, action in found])


def container_reservation(container: Row) -> str | None:
    """SPEC 4: "reservation = the key `zun.openstack.org/reservation_id` of the JSON in `annotations`"."""
    return named(dig(parsed(container.get("annotations")), RESERVATION_KEY))


def running(container: Row) -> Claim:
    """SPEC 4: "from `started_at` to `updated_at` where the status is terminal, else open"; zun deletes rows for good,
    so one that vanished was open until it was missed."""
    end = container.get("updated_at") if container.get("status") in TERMINAL else None
    return container.get("started_at"), until(end or container.get("deleted_at"))


def share_devices(containers: list[Row], devices: list[tuple[str, Interval]]) -> dict[Any, list[Interval]]:
    """SPEC 4: "per reservation and instant the occupied devices are the least of its running containers and its
    distinct devices with a valid committed span: the earliest-started running containers (then the smaller id) get
    them". The containers and device commitments of one reservation → the time each container has a device."""
    claims = {container["id"]: running(container) for container in containers}
    claims = {key: claim for key, claim in claims.items() if not is_empty(claim)}
    queue = sorted(claims, key=lambda key: (claims[key][0], id_order(key)))
    instants = sorted({t for claim in claims.values() for t in claim} | {t for _, span in devices for t in span})
    got: dict[Any, list[Interval]] = defaultdict(list)
    for begin, end in pairwise(instants):
        there = {device for device, interval in devices if holds(interval, begin)}
        up = [key for key in queue if holds(claims[key], begin)]
        for key in up[: len(there)]:
            got[key].append((begin, end))
    return {key: joined(intervals) for key, intervals in got.items()}
