"""SPEC 3 and 5: the timelines of a window."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from fractions import Fraction

from tests.oracle.intervals import until
from tests.oracle.values import RESOURCES, Points, Row, Series, Tables, amount

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
