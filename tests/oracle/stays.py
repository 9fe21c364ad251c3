"""Where an instance was, of what size, and when it held that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tests.oracle.intervals import FOREVER, until
from tests.oracle.site import Site
from tests.oracle.values import Claim, Interval, Row, id_order, text

END_EVENTS = ("compute_terminate_instance", "compute_shelve_offload_instance", "compute_shelve_instance")
UNSHELVE = "compute_unshelve_instance"
MOVE_EVENTS = ("compute_finish_resize", "compute_post_live_migration_at_destination", "compute_rebuild_instance")
MOVED = ("finished", "confirmed", "completed", "done")


@dataclass
class Stay:
    """An instance on one node and of one size, whether it holds them or not (SPEC 4, node and size over time)."""

    interval: Interval
    node: str | None
    size: Row  # vcpus, memory_mb, root_gb
    marks: set[str]


def stays_of(site: Site, instance: Row, events: list[Row]) -> list[Stay]:
    """SPEC 4, node and size over time: "The row in `nova.instances` has only the last node and flavor." "Migrations
    are ordered by the instant of their change, then `created_at`, then id."

    From the last stay back in time, some of them empty; together they are all of time.
    """
    changes = []
    for migration in site.migrations.get(instance["uuid"], []):
        instant = change_instant(migration, events)
        if migration.get("status") in MOVED and instant is not None:
            order = (instant, migration.get("created_at") or datetime.min, id_order(migration["id"]))
            changes.append((order, migration))
    node = text(instance.get("node")) or event_node(site, events)
    size, marks, end = instance, set[str](), FOREVER
    backwards = []
    for (instant, *_), migration in sorted(changes, key=lambda change: change[0], reverse=True):
        backwards.append(Stay((instant, end), node, size, marks))
        # "before a migration the instance was on its `source_node`"; "a missing `source_node` leaves the node so"
        node = text(migration.get("source_node")) or node
        # "and, for a resize, had the flavor `old_instance_type_id`"; "an unknown old flavor leaves the size as it
        # is after the change and is marked"
        flavor_id = migration.get("old_instance_type_id")
        if migration.get("migration_type") == "resize" and flavor_id is not None:
            size = site.flavors.get(flavor_id, size)
            marks = set() if flavor_id in site.flavors else {"unknown_flavor"}
        end = instant
    backwards.append(Stay((datetime.min, end), node, size, marks))
    return backwards[::-1]


def event_node(site: Site, events: list[Row]) -> str | None:
    """SPEC 4, node: "the host of the latest successful `compute_*` event (of several at one instant the larger id;
    null hosts skipped) other than `compute_confirm_resize`. An event's host is a service host: match it to
    `compute_nodes.hypervisor_hostname`, else to `compute_nodes.host` where that host has one hypervisor only"."""
    telling = [
        event
        for event in events
        if event["event"].startswith("compute_")
        and event["event"] != "compute_confirm_resize"
        and text(event.get("host")) is not None
    ]
    if not telling:
        return None
    host = max(telling, key=lambda event: (event["start_time"], id_order(event["id"])))["host"]
    if host in site.nova_hosts:
        return host
    hypervisors = site.service_hypervisors.get(host, set())
    return next(iter(hypervisors)) if len(hypervisors) == 1 else None


def change_instant(migration: Row, events: list[Row]) -> datetime | None:
    """SPEC 4: "The change takes place at the first successful `compute_finish_resize`,
    `compute_post_live_migration_at_destination` or `compute_rebuild_instance` of that instance at or after the
    migration's `created_at` and not after its `updated_at`, else at its `updated_at`" (decision 18)."""
    created_at, updated_at = migration.get("created_at"), migration.get("updated_at")
    moves = [event["start_time"] for event in events if event["event"] in MOVE_EVENTS]
    if created_at is not None:
        between = [instant for instant in moves if created_at <= instant <= until(updated_at)]
        if between:
            return min(between)
    return created_at if updated_at is None else updated_at


def held_intervals(created_at: datetime | None, events: list[Row], cut: datetime) -> list[Claim]:
    """SPEC 4, held intervals: walk through the successful events in order.

    "an end event while it holds them ends an interval; the next `compute_unshelve_instance` strictly after opens a
    new one. All of it is cut at the least of `terminated_at` and `deleted_at`." Some may be empty.
    """
    if created_at is None:
        return [(None, cut)]
    # "from `created_at` on; at one instant an unshelve counts before an end event"
    relevant = [e for e in events if e["event"] in (UNSHELVE, *END_EVENTS) and e["start_time"] >= created_at]
    intervals: list[Claim] = []
    opened: datetime | None = created_at
    closed = created_at
    for event in sorted(relevant, key=lambda e: (e["start_time"], e["event"] != UNSHELVE)):
        instant = event["start_time"]
        if event["event"] in END_EVENTS and opened is not None:
            intervals.append((opened, instant))
            opened, closed = None, instant
        elif event["event"] == UNSHELVE and opened is None and instant > closed:
            opened = instant
    if opened is not None:
        intervals.append((opened, FOREVER))
    return [(begin, min(end, cut)) for begin, end in intervals]
