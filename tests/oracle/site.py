"""The tables of a site by key, and its audited spans so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from tests.oracle.intervals import FOREVER, is_empty, until
from tests.oracle.values import (
    RESOURCES,
    Claim,
    Interval,
    Resources,
    Row,
    Tables,
    dig,
    id_order,
    known,
    known_number,
    parsed,
    text,
)

CAPACITIES = {"vcpus": "vcpus", "memory_mb": "memory_mb", "disk_gb": "local_gb"}  # resource: column of a host
IRONIC_KEYS = {"vcpus": "cpus", "memory_mb": "memory_mb", "disk_gb": "local_gb"}  # resource: key of its properties
MARKS = ("unknown_host", "unknown_flavor", "bad_spec", "inferred_node", "unknown_capacity")
# SPEC 4: tables whose rows nova archives as nova.shadow_…, and what names a row of them.
ARCHIVED = {
    "compute_nodes": "id",
    "instances": "uuid",
    "instance_actions": "id",
    "instance_actions_events": "id",
    "instance_extra": "id",
    "migrations": "id",
}


@dataclass
class Piece:
    """One row of the audit, before it has a number."""

    claim: Claim
    kept: Interval | None
    action: str
    resources: Resources = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    own: Row = field(default_factory=dict)  # columns of the audit that differ within a row's pieces


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

    def ironic_properties(self) -> dict[str | None, Any]:
        """The JSON value of ironic.nodes.properties by node; of several rows of one that of the larger id."""
        rows = self.rows("ironic.nodes")
        in_order = sorted(rows, key=lambda row: (id_order(row.get("id")), str(row.get("properties"))))
        return {text(row.get("uuid")): parsed(row.get("properties")) for row in in_order}

    def lease_of(self, reservation_id: str | None) -> str | None:
        return self.reservations.get(reservation_id, {}).get("lease_id")

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


def kept_of(pieces: list[Piece]) -> list[Interval]:
    """What is valid of them."""
    return [piece.kept for piece in pieces if piece.kept is not None]


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
