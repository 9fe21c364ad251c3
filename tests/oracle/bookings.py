"""The reservation of an instance."""

from __future__ import annotations

from typing import Any

from tests.oracle.intervals import holds, until
from tests.oracle.site import Site
from tests.oracle.stays import Stay
from tests.oracle.values import NOT_JSON, Row, dig, flavor_reservation, id_order, named, parsed


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


def booking(
    site: Site, instance: Row, stays: list[Stay], commitments: dict[str, list[Row]]
) -> tuple[str | None, str, set[str]]:
    """SPEC 4, reservation: its id, the booking_source, and marks. "Of several request_specs rows of one instance
    the largest id counts." `commitments`: the valid committed spans by hypervisor."""
    rows = site.specs.get(instance["uuid"], [])
    spec = parsed(max(rows, key=lambda row: id_order(row["id"])).get("spec")) if rows else NOT_JSON
    marks = {"bad_spec"} if rows and spec is NOT_JSON else set()  # "whose spec is null or no JSON"
    reservation_id, source = spec_reservation(spec)
    if reservation_id is None:
        reservation_id = extra_reservation(site.extras.get(instance["uuid"], []))
        source = "none" if reservation_id is None else "extra"
    if reservation_id is None and spec is NOT_JSON:
        reservation_id, source = inferred(instance, stays, commitments)
    return reservation_id, source, marks  # "Otherwise on demand; so is a spec that is JSON but no object"


def inferred(instance: Row, stays: list[Stay], commitments: dict[str, list[Row]]) -> tuple[str | None, str]:
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
