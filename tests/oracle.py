"""An independent count of capacity and usage, straight from SPEC.md, sections 1 to 6: slow, plain, exact.

It shares nothing with the SQL models: it is what they are checked against. Every rule is a small function whose
docstring quotes the sentence that it follows. Amounts are `Fraction`, so nothing is rounded and two values are equal
or they are not. Input rows are dicts; a column that a row lacks reads as null.

Where SPEC leaves room, this file decides:

 1. An empty string in a key or a name (node, hypervisor_hostname, host, a reservation's id) is null.
 2. A row without `created_at` is nobody's host row: it cannot be placed in time.
 3. A capacity row's resources, where its own are unknown, and its ratio are looked up at the row's own start
    (`created_at`), one set for all of its pieces. An instance's host row is looked up at the start of the held piece
    (its claim), one size for all that clamping leaves of it.
 4. All pieces of a superseded row are `superseded`, whichever of the bounds was clamped.
 5. A held interval of no length (shelved at the instant of its creation or unshelve) or beyond the instance's end is
    none at all. Only an instance without any is `empty`, with one audit row.
 6. An instance on demand needs no parent, so one without a node is valid, its nodes unknown (`unknown_host`).
 7. null_key: a null in a row's own keys, or a host without `hypervisor_hostname`. A row that is named but missing
    (host, reservation, lease, the flavor's instance_reservations) makes an orphan, as does a null
    `reservations.lease_id`.
 8. A reservation of hosts that is not `flavor:instance` (another type, null) counts as `physical:host`.
 9. The host's vcpus for a `flavor:instance` allocation are those of its reservable span.
10. "Several allocations of one device count once" is about the devices that containers can have. As commitments
    they are separate spans, like several allocations of one host.
11. Of several reservations that could be an instance's, "the larger id" is the reservation's, as text.
12. Ids of digits are ordered as numbers, before all other ids, which are ordered as text (by code point).
13. Reservation ids in JSON are strings; anything else there (a number, a bare string in place of the hint's list)
    is no id. `NaN` and `Infinity` are no JSON.
14. A null vcpus of an instance or flavor makes `nodes` null without a mark: the host's capacity is not to blame.
15. The hypervisor of a container is null; so is that of an allocation whose host row is missing.
16. A floating point number counts as the shortest decimal that it stands for (SPEC 8 says so of a FLOAT): 0.1 and 0.2
    hours are 0.3, and 10 vcpus sold 1.1 times are 11.
17. An archived row counts if no live row has its primary key (instances: its uuid), or only one that has vanished. Of
    several archived rows of one instance the larger id counts. A metric is tracked by its live table.
18. A migration counts if its status is one of the four and it can be placed. No event: `updated_at`, else
    `created_at`. With a null `created_at` no event can be matched, with a null `updated_at` there is no upper bound,
    with neither it is ignored. The event may belong to any action of the instance, and to several migrations.
19. A stay is [change before, change). The instance's row is the last one. Before a change the node is its
    `source_node`, or where that is null what it is after the change. The size is that of the flavor
    `old_instance_type_id` where the migration is a `resize` that names one, all of it (a null of the flavor too). If
    that flavor isn't there, this stay and those before it, back to a resize whose flavor is, are `unknown_flavor`.
20. A claim is what a held interval and a stay have in common, also where a change altered neither node nor size; its
    host row is looked up at its own start. A row that can't count (hidden, never_launched, empty) is one claim over
    its whole life, on the node of the last stay.
21. Inference: the node at an instant is that of the stay that holds it. The only hypervisor of a known reservation,
    however that was found, is the node of every stay without one, and only these are `inferred_node`.
22. Booking sources in order: hint, flavor, extra, inferred, none. instance_extra is asked wherever the spec names no
    reservation: a readable one, one that is no object, a bad one, none. Rows of it whose flavor is null or no JSON are
    ignored; of the others the largest id alone decides.
23. ironic.nodes.properties: numbers, or texts that JSON would read as a number (blanks around it allowed). Anything
    else, and what as a double isn't finite and above 0, is unknown. Of several rows the larger id. It is no host row.
24. Without Blazar its tables are as if not extracted, but reservable and committed are tracked.
25. The node type of a hypervisor is one of its latest row (`created_at`, null first; then the larger id), even where
    only an earlier one has any: of the capability rows without `deleted_at` before the others (one that vanished has
    one), the latest `created_at` (null first), then the larger id. An empty value is null.
26. Legacy: a null date is ignored, a date with a time of day counts for its day. Tracked where the table has any row.
27. By project: every resource tracked for the metric, also where the project's own spans don't know it (zero). A span
    touches the window where they overlap by more than an instant. A derived metric has no projects.
28. Resampling: `min` and `max` are of the values that hold for some time in the bucket.
"""

from __future__ import annotations

import json
import math
import re
from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]
Resources = dict[str, Fraction | None]
Interval = tuple[datetime, datetime]  # half-open; FOREVER is "still so"
Claim = tuple[datetime | None, datetime]  # as an interval, but the source may lack the start
Outcome = tuple[Interval | None, str]  # what is left of a claim, and the action
Points = list[tuple[datetime, Fraction]]  # a timeline
Series = tuple[str, str, str]  # collector_type, metric, resource

FOREVER = datetime.max
RESOURCES = ("nodes", "vcpus", "vcpus_overcommit", "memory_mb", "disk_gb")
CAPACITIES = {"vcpus": "vcpus", "memory_mb": "memory_mb", "disk_gb": "local_gb"}  # resource: column of a host
IRONIC_KEYS = {"vcpus": "cpus", "memory_mb": "memory_mb", "disk_gb": "local_gb"}  # resource: key of its properties
MARKS = ("unknown_host", "unknown_flavor", "bad_spec", "inferred_node", "unknown_capacity")
END_EVENTS = ("compute_terminate_instance", "compute_shelve_offload_instance", "compute_shelve_instance")
UNSHELVE = "compute_unshelve_instance"
MOVE_EVENTS = ("compute_finish_resize", "compute_post_live_migration_at_destination", "compute_rebuild_instance")
MOVED = ("finished", "confirmed", "completed", "done")
TERMINAL = ("Deleted", "Error", "Stopped")
RESERVATION_KEY = "zun.openstack.org/reservation_id"
FLAVOR_PREFIX = "reservation:"
JSON_NUMBER = re.compile(r"[ \t\r\n]*-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?[ \t\r\n]*")
NODE_TYPE = "node_type"
DEVICE_TABLES = ("blazar.devices", "blazar.device_allocations")
NOT_JSON = object()

# SPEC 4: tables whose rows nova archives as nova.shadow_…, and what names a row of them.
ARCHIVED = {
    "compute_nodes": "id",
    "instances": "uuid",
    "instance_actions": "id",
    "instance_actions_events": "id",
    "instance_extra": "id",
    "migrations": "id",
}

# SPEC 3: a metric is tracked where its source tables were extracted.
SOURCES = {
    "total": ("nova.compute_nodes", "blazar.devices"),
    "reservable": ("blazar.computehosts", "blazar.devices"),
    "committed": ("blazar.computehost_allocations", "blazar.device_allocations"),
    "occupied_reservation": ("nova.instances", "zun.container"),
    "occupied_ondemand": ("nova.instances",),
}
# SPEC 3: every metric as a signed sum of the metrics that have spans.
FORMULAS: dict[str, dict[str, int]] = {
    **{metric: {metric: 1} for metric in SOURCES},
    "ondemand_capacity": {"total": 1, "reservable": -1},
    "available_reservable": {"reservable": 1, "committed": -1},
    "idle": {"committed": 1, "occupied_reservation": -1},
    "available_ondemand": {"total": 1, "reservable": -1, "occupied_ondemand": -1},
}
# SPEC 4, legacy: every metric as a signed sum of the columns of chameleon_usage.node_usage_report_cache.
LEGACY_FORMULAS: dict[str, dict[str, int]] = {
    "total": {"total_hours": 1},
    "reservable": {"total_hours": 1, "maint_hours": -1},
    "committed": {"reserved_hours": 1, "used_hours": 1},
    "occupied_reservation": {"used_hours": 1},
    "idle": {"reserved_hours": 1},
    "available_reservable": {"total_hours": 1, "maint_hours": -1, "reserved_hours": -1, "used_hours": -1},
}
PROJECT_METRICS = ("committed", "occupied_reservation", "occupied_ondemand")


@dataclass
class Result:
    spans: list[Row] = field(default_factory=list)
    usage: dict[Series, Points] = field(default_factory=dict)
    by_project: dict[tuple[str, str | None, str], Points] = field(default_factory=dict)  # metric, project, resource


@dataclass
class Piece:
    """One row of the audit, before it has a number."""

    claim: Claim
    kept: Interval | None
    action: str
    resources: Resources = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    own: Row = field(default_factory=dict)  # columns of the audit that differ within a row's pieces


@dataclass
class Stay:
    """An instance on one node and of one size, whether it holds them or not (SPEC 4, node and size over time)."""

    interval: Interval
    node: str | None
    size: Row  # vcpus, memory_mb, root_gb
    marks: set[str]


def count(
    tables: Tables, start: datetime, end: datetime, has_blazar: bool = True, default_ratio: float | Fraction = 1
) -> Result:
    """The audited spans of a site (all of time), and its usage in the window [start, end)."""
    if not has_blazar:
        tables = without_blazar(tables)
    spans = Site(tables, exact(default_ratio)).audit()
    tracked = tracked_resources(tables, spans)
    series = usage(tracked, spans, start, end) | legacy(tables, start, end)
    return Result(spans=spans, usage=series, by_project=by_project(tracked, spans, start, end))


def without_blazar(tables: Tables) -> Tables:
    """SPEC 3: "blazar's files are then not read, reservable and committed are tracked and zero"."""
    others = {name: rows for name, rows in tables.items() if not name.startswith("blazar.")}
    return others | {"blazar.computehosts": [], "blazar.computehost_allocations": []}


# ---------------------------------------------------------------------------------------------------------------------
# Values, ids, JSON


def exact(value: Any) -> Fraction:
    """SPEC 8: a FLOAT "counts as the shortest decimal number that it stands for" (decision 16)."""
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


def amount(value: Any) -> Fraction | None:
    """SPEC 4: "0 is unknown for capacities of hosts only: an instance's root_gb of 0 is 0"."""
    return None if value is None else exact(value)


def known(value: Any) -> Fraction | None:
    """SPEC 2: "A capacity of 0 or null is unknown"."""
    return None if value is None or value == 0 else exact(value)


def known_number(value: Any) -> Fraction | None:
    """A capacity in ironic.nodes.properties (decision 23)."""
    if isinstance(value, str):
        value = float(value) if JSON_NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return exact(value) if math.isfinite(float(value)) and float(value) > 0 else None
    except OverflowError:  # an integer beyond all doubles
        return None


def text(value: Any) -> str | None:
    """A key or a name; the empty string is none (decision 1)."""
    return None if value is None or value == "" else str(value)


def id_order(value: Any) -> tuple[int, int, str]:
    """SPEC 4: "the larger id is the later, ids of digits as numbers" (decision 12)."""
    name = str(value)
    return (0, int(name), name) if name.isascii() and name.isdigit() else (1, 0, name)


def parsed(document: Any) -> Any:
    """The JSON value of a text, or NOT_JSON (a null is no JSON; the literal `null` is)."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return json.loads(document, parse_constant=refuse)
    except (TypeError, ValueError, RecursionError):
        return NOT_JSON


def dig(value: Any, *keys: str) -> Any:
    """value[key][key]…, or None where an object or a key on the way is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def named(value: Any) -> str | None:
    """An id from a JSON document (decision 13)."""
    return value if isinstance(value, str) and value else None


def flavor_reservation(name: Any) -> str | None:
    """SPEC 4: the id in "the flavor name `reservation:<id>`"."""
    return named(name.removeprefix(FLAVOR_PREFIX)) if isinstance(name, str) and name.startswith(FLAVOR_PREFIX) else None


# ---------------------------------------------------------------------------------------------------------------------
# Intervals


def until(end: datetime | None) -> datetime:
    """SPEC 1: "`end_at` null means 'still so'"."""
    return FOREVER if end is None else end


def earliest(instants: Iterable[datetime | None]) -> datetime:
    """The least of several ends, "nulls ignored"; without any it is open."""
    return min((instant for instant in instants if instant is not None), default=FOREVER)


def latest(instants: Iterable[datetime | None]) -> datetime | None:
    """The greatest of several starts, "nulls ignored"."""
    return max((instant for instant in instants if instant is not None), default=None)


def is_empty(claim: Claim) -> bool:
    """SPEC 4: "A claim whose start is null, or not before its end, is `empty`"."""
    return claim[0] is None or claim[0] >= claim[1]


def holds(interval: Interval, instant: datetime) -> bool:
    return interval[0] <= instant < interval[1]


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals in time order that do not overlap: those that touch become one."""
    result: list[Interval] = []
    for begin, end in intervals:
        if result and result[-1][1] == begin:
            result[-1] = (result[-1][0], end)
        else:
            result.append((begin, end))
    return result


def clamp(claim: Interval, parents: list[Interval]) -> list[Interval]:
    """SPEC 5: "Parents are merged into disjoint windows per key before a child is clamped"; "a child that overlaps n
    disjoint windows yields n pieces".

    Cut the claim at every end of a parent, keep what at least one parent covers, join what touches.
    """
    near = [parent for parent in parents if parent[0] < claim[1] and claim[0] < parent[1]]
    inside = {instant for parent in near for instant in parent if claim[0] < instant < claim[1]}
    elementary = pairwise(sorted({*claim, *inside}))
    return joined((a, b) for a, b in elementary if any(parent[0] <= a and b <= parent[1] for parent in near))


def outcomes(
    claim: Claim, keyed: bool, parents: list[Interval] | None, shortened_to: datetime | None = None
) -> list[Outcome]:
    """SPEC 5: what is left of a claim: "of several that apply the first of this list counts: hidden, never_launched,
    empty, null_key, orphan, superseded, clipped, none" (the first two are for the caller to know).

    `parents` None: the metric has no parent. `shortened_to`: where a later row supersedes it.
    """
    rest = claim if shortened_to is None else (claim[0], shortened_to)
    if is_empty(claim) or is_empty(rest):
        return [(None, "empty")]
    if not keyed:
        return [(None, "null_key")]
    pieces = [rest] if parents is None else clamp(rest, parents)
    if not pieces:
        return [(None, "orphan")]
    action = "superseded" if rest != claim else "none" if pieces == [claim] else "clipped"
    return [(piece, action) for piece in pieces]


# ---------------------------------------------------------------------------------------------------------------------
# Rows of hosts


def lifetime(row: Row) -> Claim:
    return row.get("created_at"), until(row.get("deleted_at"))


def birth(row: Row) -> tuple[datetime, tuple[int, int, str]]:
    """The order of the rows of one hypervisor: by created_at, "on a tie the larger id is the later"."""
    return row["created_at"], id_order(row["id"])


def superseded_at(row: Row, siblings: list[Row]) -> datetime:
    """SPEC 4: "the later-created row supersedes the earlier from its own `created_at`"; "an `empty` row supersedes
    nothing". The end of a row that is not empty, given all rows of its hypervisor."""
    later = [s["created_at"] for s in siblings if not is_empty(lifetime(s)) and birth(s) > birth(row)]
    return min([lifetime(row)[1], *later])


def row_at(rows: list[Row], instant: datetime | None) -> Row | None:
    """SPEC 4, host row of a node at t: the row "latest created at or before t, else its earliest; of several created
    at the same instant the larger id"."""
    dated = [row for row in rows if row.get("created_at") is not None]
    before = [row for row in dated if instant is not None and row["created_at"] <= instant]
    if not before:
        first = min((row["created_at"] for row in dated), default=None)
        before = [row for row in dated if row["created_at"] == first]
    return max(before, key=birth, default=None)


# ---------------------------------------------------------------------------------------------------------------------
# Instances


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


def spec_reservation(spec: Any) -> tuple[str | None, str]:
    """SPEC 4, reservation: "`spec` → `nova_object.data` → `scheduler_hints.reservation[0]`, else the flavor name
    `reservation:<id>` there". Returns the id and its booking_source."""
    hints = dig(spec, "nova_object.data", "scheduler_hints", "reservation")
    hint = named(hints[0]) if isinstance(hints, list) and hints else None
    if hint:
        return hint, "hint"
    flavor = flavor_reservation(dig(spec, "nova_object.data", "flavor", "nova_object.data", "name"))
    return (flavor, "flavor") if flavor else (None, "none")


def extra_reservation(rows: list[Row]) -> str | None:
    """SPEC 4: "else that name in `instance_extra.flavor` (`cur` → `nova_object.data` → `name`; of several rows the
    largest id; bad JSON ignored)"."""
    readable = [row for row in rows if parsed(row.get("flavor")) is not NOT_JSON]
    if not readable:
        return None
    flavor = parsed(max(readable, key=lambda row: id_order(row["id"]))["flavor"])
    return flavor_reservation(dig(flavor, "cur", "nova_object.data", "name"))


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


def container_reservation(container: Row) -> str | None:
    """SPEC 4: "reservation = the key `zun.openstack.org/reservation_id` of the JSON in `annotations`"."""
    return named(dig(parsed(container.get("annotations")), RESERVATION_KEY))


# ---------------------------------------------------------------------------------------------------------------------
# A site


class Site:
    """The tables of a site by key, and its audited spans so far."""

    def __init__(self, tables: Tables, default_ratio: Fraction) -> None:
        self.tables = {name: [self.with_end(row) for row in rows] for name, rows in tables.items()}
        for name, key in ARCHIVED.items():
            self.tables[f"nova.{name}"] = self.with_archived(f"nova.{name}", f"nova.shadow_{name}", key)
        self.default_ratio = default_ratio
        self.spans: list[Row] = []
        # SPEC 5: the valid spans that clamp children: (metric, kind, key…) → intervals
        self.windows: dict[tuple[str | None, ...], list[Interval]] = defaultdict(list)
        self.reservable_resources: dict[str, Resources] = {}
        self.nova_hosts = self.grouped("nova.compute_nodes", lambda row: text(row.get("hypervisor_hostname")))
        self.blazar_hosts = self.grouped("blazar.computehosts", lambda row: text(row.get("hypervisor_hostname")))
        self.service_hypervisors: dict[str | None, set[str]] = defaultdict(set)
        for name, rows in self.nova_hosts.items():
            for row in rows:
                if name is not None:  # "null names not counted"
                    self.service_hypervisors[text(row.get("host"))].add(name)
        self.reservations = self.keyed("blazar.reservations", "id")
        self.leases = self.keyed("blazar.leases", "id")
        self.specs = self.grouped("nova_api.request_specs", lambda row: row.get("instance_uuid"))
        self.extras = self.grouped("nova.instance_extra", lambda row: row.get("instance_uuid"))
        self.migrations = self.grouped("nova.migrations", lambda row: row.get("instance_uuid"))
        self.flavors = self.keyed("nova_api.flavors", "id")
        self.properties = self.ironic_properties()
        self.events = self.successful_events()

    def audit(self) -> list[Row]:
        self.total()
        self.reservable()
        self.committed()
        self.occupied_by_instances()
        self.occupied_by_containers()
        types: dict[tuple[bool, str | None], str | None] = {(True, None): None, (False, None): None}
        for span in self.spans:
            key = (span["source_table"] in DEVICE_TABLES, span["hypervisor_hostname"])
            if key not in types:
                types[key] = self.node_type(*key)
            span["node_type"] = types[key]
        return self.spans

    # Reading

    def rows(self, table: str) -> list[Row]:
        return self.tables.get(table, [])

    @staticmethod
    def with_end(row: Row) -> Row:
        """SPEC 6: "a source's end is then `coalesce(deleted_at, _vanished_at)`"."""
        vanished = row.get("_vanished_at")
        return row | {"deleted_at": vanished} if vanished and row.get("deleted_at") is None else row

    def with_archived(self, table: str, shadow: str, key: str) -> list[Row]:
        """SPEC 4: archived rows "are read together with the live table, one row a primary key (instances: a uuid), the
        live one first"; SPEC 8: one that has vanished from the live table "gives way to its archived row"."""
        chosen: dict[Any, Row] = {row[key]: row for row in self.rows(table) if row.get("_vanished_at")}
        for row in sorted(self.rows(shadow), key=lambda row: id_order(row.get("id"))):
            chosen[row[key]] = row  # the larger id last
        return list((chosen | {row[key]: row for row in self.rows(table) if not row.get("_vanished_at")}).values())

    def keyed(self, table: str, column: str) -> dict[Any, Row]:
        return {row[column]: row for row in self.rows(table)}

    def grouped(self, table: str, key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
        groups: dict[Any, list[Row]] = defaultdict(list)
        for row in self.rows(table):
            groups[key(row)].append(row)
        return groups

    def successful_events(self) -> dict[str, list[Row]]:
        """SPEC 4: "`instance_actions` joined to `instance_actions_events`, `result = 'Success'`", by instance."""
        actions = self.keyed("nova.instance_actions", "id")
        events: dict[str, list[Row]] = defaultdict(list)
        for event in self.rows("nova.instance_actions_events"):
            action = actions.get(event.get("action_id"))
            complete = event.get("start_time") is not None and event.get("event") is not None
            if action is not None and event.get("result") == "Success" and complete:
                events[action.get("instance_uuid")].append(event)
        return events

    # Writing

    def write(self, owner: Row, pieces: list[Piece]) -> None:
        """The audit rows of one source row: "`piece` numbers all pieces of a row in time"."""
        in_time = sorted(pieces, key=lambda p: (p.claim[0] or datetime.min, p.kept[0] if p.kept else datetime.min))
        for number, piece in enumerate(in_time):
            begin, end = piece.kept or (None, None)
            self.spans.append(
                {
                    "project_id": None,
                    "user_id": None,
                    "lease_id": None,
                    "reservation_id": None,
                    "booking_source": None,
                    **owner,
                    **piece.own,
                    "piece": number,
                    "original_start_at": piece.claim[0],
                    "original_end_at": None if piece.claim[1] == FOREVER else piece.claim[1],
                    "start_at": begin,
                    "end_at": None if end == FOREVER else end,
                    "is_valid": piece.kept is not None,
                    "action": piece.action,
                    "note": ", ".join(mark for mark in MARKS if mark in piece.marks) or None,
                    **{resource: piece.resources.get(resource) for resource in RESOURCES},
                }
            )

    def valid(self, pieces: list[Piece]) -> list[Interval]:
        return [piece.kept for piece in pieces if piece.kept is not None]

    # Capacities

    def capacity(self, name: str | None, instant: datetime | None, own: Row | None = None) -> Resources:
        """SPEC 2: "take, resource by resource, the first known of the span's own row, the host row of
        nova.compute_nodes, that of blazar.computehosts (found in the same way), ironic.nodes.properties (`cpus`,
        `memory_mb`, `local_gb`; optional table, `uuid` = hypervisor_hostname)"."""
        candidates = [own]
        if name is not None:
            candidates += [row_at(self.nova_hosts.get(name, []), instant)]
            candidates += [row_at(self.blazar_hosts.get(name, []), instant)]
        values: Resources = {}
        for resource, column in CAPACITIES.items():
            found = [known(row.get(column)) for row in candidates if row is not None]
            found += [None if name is None else known_number(dig(self.properties.get(name), IRONIC_KEYS[resource]))]
            values[resource] = next((value for value in found if value is not None), None)
        return values

    def ironic_properties(self) -> dict[str | None, Any]:
        """The JSON value of ironic.nodes.properties by node; of several rows of one that of the larger id."""
        rows = self.rows("ironic.nodes")
        in_order = sorted(rows, key=lambda row: (id_order(row.get("id")), str(row.get("properties"))))
        return {text(row.get("uuid")): parsed(row.get("properties")) for row in in_order}

    def whole_host(self, capacity: Resources, ratio_row: Row | None) -> Resources:
        """SPEC 4: "nodes 1; vcpus; vcpus_overcommit = vcpus × cpu_allocation_ratio (null or 0 means 1, or the var
        `default_cpu_allocation_ratio`)"."""
        ratio = known(ratio_row.get("cpu_allocation_ratio")) if ratio_row is not None else None
        vcpus = capacity["vcpus"]
        overcommit = None if vcpus is None else vcpus * (self.default_ratio if ratio is None else ratio)
        return {"nodes": Fraction(1), "vcpus_overcommit": overcommit, **capacity}

    def unknown(self, resources: Resources) -> set[str]:
        return {"unknown_capacity"} if any(resources[resource] is None for resource in CAPACITIES) else set()

    # Node types

    def node_type(self, is_device: bool, name: str) -> str | None:
        """SPEC 6: "`node_type` is that of the hypervisor's latest blazar row (devices: `hypervisor_hostname` is the
        device's id)" (decision 25)."""
        if is_device:
            return self.capability("blazar.device_extra_capabilities", "device_id", name)
        hosts = self.blazar_hosts.get(name, [])
        if not hosts:
            return None
        newest = max(hosts, key=lambda row: (row.get("created_at") or datetime.min, id_order(row["id"])))
        return self.capability("blazar.computehost_extra_capabilities", "computehost_id", newest["id"])

    def capability(self, table: str, column: str, owner: str) -> str | None:
        """The node_type of a host or device, "of several capability rows those without deleted_at first, then the
        latest created_at (null first), then the larger id"."""
        named_so = [p["id"] for p in self.rows("blazar.resource_properties") if p.get("property_name") == NODE_TYPE]

        def tells(row: Row) -> bool:
            kind = text(row.get("property_id")) or text(row.get("capability_id"))
            return row.get("capability_name") == NODE_TYPE or kind in named_so

        def order(row: Row) -> tuple[bool, datetime, tuple[int, int, str]]:
            return row.get("deleted_at") is None, row.get("created_at") or datetime.min, id_order(row["id"])

        telling = [row for row in self.rows(table) if row.get(column) == owner and tells(row)]
        return text(max(telling, key=order, default={}).get("capability_value"))

    # total and reservable

    def total(self) -> None:
        """SPEC 4, total: "one span a row of `nova.compute_nodes`, `[created_at, deleted_at)`, entity
        `hypervisor_hostname`"; CHI@Edge: "`blazar.devices` rows are spans of total"."""
        for name, siblings in self.nova_hosts.items():
            for row in siblings:
                resources = self.whole_host(self.capacity(name, row.get("created_at"), row), row)
                self.host_span("total", "nova.compute_nodes", row, name, siblings, None, resources)
        for device in self.rows("blazar.devices"):
            self.device_span("total", device, None)

    def reservable(self) -> None:
        """SPEC 4, reservable: "one span a row of `blazar.computehosts`; resources as total's, the ratio from the host
        row at its start. Superseded within a hypervisor as above. Clamped to total, by hypervisor."; devices "where
        `reservable = 1` (clamped to total by device)"."""
        for name, siblings in self.blazar_hosts.items():
            for row in siblings:
                host_row = None if name is None else row_at(self.nova_hosts.get(name, []), row.get("created_at"))
                resources = self.whole_host(self.capacity(name, row.get("created_at"), row), host_row)
                self.reservable_resources[row["id"]] = resources
                parents = self.windows["total", "host", name]
                self.host_span("reservable", "blazar.computehosts", row, name, siblings, parents, resources)
        for device in self.rows("blazar.devices"):
            if device.get("reservable") == 1:
                self.device_span("reservable", device, self.windows["total", "device", device["id"]])

    def host_span(
        self,
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
        marks = self.unknown(resources)
        found = outcomes(claim, name is not None, parents, cut)
        pieces = [Piece(claim, kept, action, resources, marks) for kept, action in found]
        self.windows[metric, "host", name] += self.valid(pieces)
        owner = {"metric": metric, "source_table": table, "source_id": str(row["id"]), "hypervisor_hostname": name}
        self.write(owner, pieces)

    def device_span(self, metric: str, device: Row, parents: list[Interval] | None) -> None:
        """SPEC 4, CHI@Edge: "only `nodes`, 1 a device"."""
        name, claim = device["id"], lifetime(device)
        found = outcomes(claim, True, parents)
        pieces = [Piece(claim, kept, action, {"nodes": Fraction(1)}) for kept, action in found]
        self.windows[metric, "device", name] += self.valid(pieces)
        owner = {"metric": metric, "source_table": "blazar.devices", "source_id": name, "hypervisor_hostname": name}
        self.write(owner, pieces)

    # committed

    def committed(self) -> None:
        """SPEC 4, committed: "one span a row of `blazar.computehost_allocations`, joined to its host, reservation,
        lease (and `instance_reservations` for `flavor:instance`)"; devices likewise."""
        hosts = self.keyed("blazar.computehosts", "id")
        flavors = self.keyed("blazar.instance_reservations", "reservation_id")
        for allocation in self.rows("blazar.computehost_allocations"):
            self.host_allocation(allocation, hosts.get(allocation.get("compute_host_id")), flavors)
        devices = self.keyed("blazar.devices", "id")
        for allocation in self.rows("blazar.device_allocations"):
            self.device_allocation(allocation, devices.get(allocation.get("device_id")))

    def host_allocation(self, allocation: Row, host: Row | None, flavors: dict[Any, Row]) -> None:
        reservation = self.reservations.get(allocation.get("reservation_id"))
        name = None if host is None else text(host.get("hypervisor_hostname"))
        flavor = flavors.get(allocation.get("reservation_id"))
        is_flavor = reservation is not None and reservation.get("resource_type") == "flavor:instance"
        resources: Resources = {}
        marks: set[str] = set()
        if host is not None and not is_flavor:
            resources = self.reservable_resources[host["id"]]
            marks = self.unknown(resources)
        elif host is not None and flavor is not None:
            host_vcpus = self.reservable_resources[host["id"]]["vcpus"]
            resources = self.flavor_resources(flavor, flavor.get("disk_gb"), host_vcpus)
            marks = set() if host_vcpus is not None else {"unknown_capacity"}
        is_complete = host is not None and not (is_flavor and flavor is None)
        keyed = None not in (text(allocation.get("compute_host_id")), text(allocation.get("reservation_id")))
        keyed = keyed and (host is None or name is not None)
        self.allocation_span("computehost_allocations", "host", allocation, name, keyed, is_complete, resources, marks)

    def flavor_resources(self, flavor: Row, disk_gb: Any, host_vcpus: Fraction | None) -> Resources:
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

    def device_allocation(self, allocation: Row, device: Row | None) -> None:
        name = text(allocation.get("device_id"))
        keyed = None not in (name, text(allocation.get("reservation_id")))
        resources: Resources = {"nodes": Fraction(1)}
        is_complete = device is not None
        self.allocation_span("device_allocations", "device", allocation, name, keyed, is_complete, resources, set())

    def allocation_span(
        self,
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
        reservation = self.reservations.get(reservation_id)
        found_lease = None if reservation is None else self.leases.get(reservation.get("lease_id"))
        lease = found_lease or {}
        starts = (lease.get("start_date"), lease.get("created_at"), allocation.get("created_at"))
        ends = (lease.get("end_date"), lease.get("deleted_at"), allocation.get("deleted_at"))
        claim = (latest(starts), earliest(ends))
        # SPEC 5: orphan: "no overlapping parent, or a missing joined row"
        is_complete = is_complete and found_lease is not None
        parents = self.windows["reservable", kind, name] if is_complete else []
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
        self.windows["committed", kind, reservation_id, name] += self.valid(pieces)
        self.write(owner, pieces)

    # occupied: instances

    def occupied_by_instances(self) -> None:
        """SPEC 4: "from `nova.instances` with `launched_at` not null and not `hidden`"."""
        commitments: dict[str, list[Row]] = defaultdict(list)  # by hypervisor
        homes: dict[str, set[str]] = defaultdict(set)  # hypervisors by reservation
        for span in self.spans:
            if span["source_table"] == "blazar.computehost_allocations" and span["is_valid"]:
                commitments[span["hypervisor_hostname"]].append(span)
                homes[span["reservation_id"]].add(span["hypervisor_hostname"])
        for instance in self.rows("nova.instances"):
            self.instance(instance, commitments, homes)

    def instance(self, instance: Row, commitments: dict[str, list[Row]], homes: dict[str, set[str]]) -> None:
        events = self.events.get(instance["uuid"], [])
        stays = self.stays(instance, events)
        reservation_id, source, marks = self.booking(instance, stays, commitments)
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
            "lease_id": self.lease_of(reservation_id),
            "reservation_id": reservation_id,
            "booking_source": source,
        }
        self.write(owner, self.instance_pieces(instance, events, stays, reservation_id, marks))

    def stays(self, instance: Row, events: list[Row]) -> list[Stay]:
        """SPEC 4, node and size over time: "The row in `nova.instances` has only the last node and flavor." "Migrations
        are ordered by the instant of their change, then `created_at`, then id."

        From the last stay back in time, some of them empty; together they are all of time.
        """
        changes = []
        for migration in self.migrations.get(instance["uuid"], []):
            instant = change_instant(migration, events)
            if migration.get("status") in MOVED and instant is not None:
                order = (instant, migration.get("created_at") or datetime.min, id_order(migration["id"]))
                changes.append((order, migration))
        node = text(instance.get("node")) or self.event_node(events)
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
                size = self.flavors.get(flavor_id, size)
                marks = set() if flavor_id in self.flavors else {"unknown_flavor"}
            end = instant
        backwards.append(Stay((datetime.min, end), node, size, marks))
        return backwards[::-1]

    def instance_pieces(
        self, instance: Row, events: list[Row], stays: list[Stay], reservation_id: str | None, marks: set[str]
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
                pieces += self.stay_pieces(claim, stay, reservation_id, marks)
        return pieces

    def stay_pieces(self, claim: Interval, stay: Stay, reservation_id: str | None, marks: set[str]) -> list[Piece]:
        """SPEC 4: "occupied_reservation is clamped to committed by (reservation, hypervisor); occupied_ondemand has no
        parent span"."""
        is_reserved = reservation_id is not None
        parents = self.windows["committed", "host", reservation_id, stay.node] if is_reserved else None
        pieces = []
        for kept, action in outcomes(claim, stay.node is not None or not is_reserved, parents):
            resources, more = self.instance_resources(stay, claim[0]) if kept else ({}, set())
            own = {"hypervisor_hostname": stay.node}
            pieces.append(Piece(claim, kept, action, resources, marks | stay.marks | more, own))
        return pieces

    def event_node(self, events: list[Row]) -> str | None:
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
        if host in self.nova_hosts:
            return host
        hypervisors = self.service_hypervisors.get(host, set())
        return next(iter(hypervisors)) if len(hypervisors) == 1 else None

    def booking(
        self, instance: Row, stays: list[Stay], commitments: dict[str, list[Row]]
    ) -> tuple[str | None, str, set[str]]:
        """SPEC 4, reservation: its id, the booking_source, and marks. "Of several request_specs rows of one instance
        the largest id counts." `commitments`: the valid committed spans by hypervisor."""
        rows = self.specs.get(instance["uuid"], [])
        spec = parsed(max(rows, key=lambda row: id_order(row["id"])).get("spec")) if rows else NOT_JSON
        marks = {"bad_spec"} if rows and spec is NOT_JSON else set()  # "whose spec is null or no JSON"
        reservation_id, source = spec_reservation(spec)
        if reservation_id is None:
            reservation_id = extra_reservation(self.extras.get(instance["uuid"], []))
            source = "none" if reservation_id is None else "extra"
        if reservation_id is None and spec is NOT_JSON:
            reservation_id, source = self.inferred(instance, stays, commitments)
        return reservation_id, source, marks  # "Otherwise on demand; so is a spec that is JSON but no object"

    def inferred(self, instance: Row, stays: list[Stay], commitments: dict[str, list[Row]]) -> tuple[str | None, str]:
        """SPEC 4: "the reservation whose valid committed span holds, for the instance's project (a null project matches
        none), the node on which the instance was at its `created_at`; else the same at `launched_at` (of several the
        latest `start_at` of the committed span, then the larger id)"."""
        project = instance.get("project_id")
        for instant in (instance.get("created_at"), instance.get("launched_at")):
            if instant is None or project is None:
                continue
            (node,) = [stay.node for stay in stays if holds(stay.interval, instant)]
            there = [
                span
                for span in (commitments.get(node, []) if node is not None else [])
                if span["project_id"] == project and holds((span["start_at"], until(span["end_at"])), instant)
            ]
            if there:
                best = max(there, key=lambda span: (span["start_at"], span["reservation_id"]))
                return best["reservation_id"], "inferred"
        return None, "none"

    def lease_of(self, reservation_id: str | None) -> str | None:
        return self.reservations.get(reservation_id, {}).get("lease_id")

    def instance_resources(self, stay: Stay, instant: datetime) -> tuple[Resources, set[str]]:
        """SPEC 4, resources: "`ironic`: an instance holds the whole node: nodes 1 and the node's resources. `QEMU` (and
        anything else): nodes = vcpus ÷ host vcpus; the instance's vcpus (also as vcpus_overcommit), memory_mb, disk_gb
        = root_gb. No host row: nodes is unknown (null, `unknown_host`)"."""
        size, disk_gb = stay.size, stay.size.get("root_gb")
        host_row = None if stay.node is None else row_at(self.nova_hosts.get(stay.node, []), instant)
        if host_row is None:
            return self.flavor_resources(size, disk_gb, None), {"unknown_host"}
        capacity = self.capacity(stay.node, instant)
        if host_row.get("hypervisor_type") == "ironic":
            return self.whole_host(capacity, host_row), self.unknown(capacity)
        marks = set() if capacity["vcpus"] is not None else {"unknown_capacity"}
        return self.flavor_resources(size, disk_gb, capacity["vcpus"]), marks

    # occupied: containers

    def occupied_by_containers(self) -> None:
        """SPEC 4, CHI@Edge: `zun.container`, reservation by reservation."""
        groups: dict[str | None, list[Row]] = defaultdict(list)
        for container in self.rows("zun.container"):
            groups[container_reservation(container)].append(container)
        devices: dict[str, list[tuple[str, Interval]]] = defaultdict(list)
        for (metric, kind, *key), intervals in self.windows.items():
            if (metric, kind) == ("committed", "device"):
                reservation_id, device_id = key
                devices[reservation_id] += [(device_id, interval) for interval in intervals]
        for reservation_id, containers in groups.items():
            got = share_devices(containers, devices.get(reservation_id, []) if reservation_id else [])
            for container in containers:
                self.container(container, reservation_id, got.get(container["id"], []))

    def container(self, container: Row, reservation_id: str | None, got: list[Interval]) -> None:
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
            "lease_id": self.lease_of(reservation_id),
            "reservation_id": reservation_id,
        }
        self.write(owner, [Piece(claim, kept, action, {"nodes": Fraction(1)}) for kept, action in found])


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


# ---------------------------------------------------------------------------------------------------------------------
# Usage


def tracked_resources(tables: Tables, spans: list[Row]) -> dict[str, set[str]]:
    """SPEC 3: "A metric is tracked where its source tables were extracted"; SPEC 2: "a resource that is null in all
    spans of a metric is not tracked for that metric"; SPEC 3: "a tracked metric without any valid span is a series of
    zero for every resource that total tracks (`nodes` where total has no valid span either)"."""
    result: dict[str, set[str]] = {}
    for metric, sources in SOURCES.items():  # total is the first
        if not any(source in tables for source in sources):
            continue
        valid = [span for span in spans if span["metric"] == metric and span["is_valid"]]
        if valid:
            result[metric] = {r for r in RESOURCES if any(span[r] is not None for span in valid)}
        else:
            result[metric] = set(result.get("total", {"nodes"}))
    return result


def usage(tracked: dict[str, set[str]], spans: list[Row], start: datetime, end: datetime) -> dict[Series, Points]:
    """SPEC 3: "A derived metric exists for a resource only where both its operands are tracked for it"."""
    result = {}
    for metric, operands in FORMULAS.items():
        for resource in RESOURCES:
            if all(resource in tracked.get(operand, set()) for operand in operands):
                result["current", metric, resource] = timeline(spans, operands, resource, start, end)
    return result


def legacy(tables: Tables, start: datetime, end: datetime) -> dict[Series, Points]:
    """SPEC 4, legacy: "one step a day (rows of one day summed, null hours 0), hours ÷ 24, zero on a day without a row;
    tracked when the table has a row"."""
    rows = tables.get("chameleon_usage.node_usage_report_cache", [])
    days = []
    for row in rows:
        date = row.get("date")
        if date is None:
            continue
        day = datetime(date.year, date.month, date.day)
        span = {"is_valid": True, "start_at": day, "end_at": day + timedelta(days=1)}
        for column in ("total_hours", "maint_hours", "reserved_hours", "used_hours"):
            days.append(span | {"metric": column, "nodes": (amount(row.get(column)) or Fraction(0)) / 24})
    formulas = LEGACY_FORMULAS if rows else {}
    return {("legacy", m, "nodes"): timeline(days, columns, "nodes", start, end) for m, columns in formulas.items()}


def by_project(
    tracked: dict[str, set[str]], spans: list[Row], start: datetime, end: datetime
) -> dict[tuple[str, str | None, str], Points]:
    """SPEC 6: "as usage, for committed, occupied_reservation and occupied_ondemand, with `project_id` in the series:
    one for each (metric, project) with a valid span that touches the window, a null project being one"."""
    groups: dict[tuple[str, str | None], list[Row]] = defaultdict(list)
    for span in spans:
        if span["metric"] in PROJECT_METRICS and span["is_valid"]:
            groups[span["metric"], span["project_id"]].append(span)
    result = {}
    for (metric, project), own in groups.items():
        if any(max(span["start_at"], start) < min(until(span["end_at"]), end) for span in own):
            for resource in tracked.get(metric, set()):
                result[metric, project, resource] = timeline(own, {metric: 1}, resource, start, end)
    return result


def timeline(spans: list[Row], signs: dict[str, int], resource: str, start: datetime, end: datetime) -> Points:
    """SPEC 6: "inside the window only: one row at `start_date` for every series, then a row for every change".

    What begins is added, what ends is taken off; fractions are exact, so this is the sum of what holds.
    """
    if start >= end:
        return []
    changes: dict[datetime, Fraction] = defaultdict(Fraction)
    for span in spans:
        if span["metric"] not in signs or not span["is_valid"] or span[resource] is None:
            continue
        value = signs[span["metric"]] * span[resource]
        changes[max(span["start_at"], start)] += value
        changes[max(until(span["end_at"]), start)] -= value
    value = changes[start]
    points = [(start, value)]
    for instant in sorted(changes):
        if start < instant < end and changes[instant] != 0:
            value += changes[instant]
            points.append((instant, value))
    return points


# ---------------------------------------------------------------------------------------------------------------------
# Resampling


def bucket_starts(start: datetime, end: datetime, step: str) -> list[datetime]:
    """SPEC 6: buckets are "stepping from `start_date`": the n-th starts at start + n × step, with months counted from
    the start's day and clamped to the month's end. `15m`, `1h`, `7d`, `1w`, `1mo`, `1y`."""
    match = re.fullmatch(r"([1-9][0-9]*)(m|h|d|w|mo|y)", step)
    if match is None:
        raise ValueError(f"no step: {step!r}")
    size, unit = int(match[1]), match[2]
    lengths = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
    found: list[datetime] = []
    begin = start
    while begin < end:
        found.append(begin)
        units = len(found) * size
        begin = start + units * lengths[unit] if unit in lengths else later(start, units * (12 if unit == "y" else 1))
    return found


def later(start: datetime, months: int) -> datetime:
    """Months later, on the same day of the month or its last one."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def resampled(
    points: Points, start: datetime, end: datetime, bucket_starts: list[datetime]
) -> list[tuple[datetime, Fraction, Fraction, Fraction, Fraction, Fraction]]:
    """SPEC 6: "one row a bucket and series: `timestamp` (the bucket's start), `value` (at the bucket's start), `mean`,
    `min`, `max`, and `hours` (the integral in resource-hours). The last bucket may be short; `mean` is over its real
    length." The points are a series of the window [start, end): the first of them is at `start`."""
    instants = [start, *(instant for instant, _ in points[1:]), end]
    steps = [(a, b, value) for (a, b), (_, value) in zip(pairwise(instants), points, strict=True)]
    result = []
    for first, last in pairwise([*bucket_starts, end]):
        inside = [(max(a, first), min(b, last), value) for a, b, value in steps if a < last and first < b]
        integral = sum((in_hours(b - a) * value for a, b, value in inside), Fraction(0))
        values = [value for _, _, value in inside]
        mean = integral / in_hours(last - first)
        result.append((first, values[0], mean, min(values), max(values), integral))
    return result


def in_hours(length: timedelta) -> Fraction:
    return Fraction(length // timedelta(microseconds=1), 3_600_000_000)
