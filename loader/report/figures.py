"""The numbers that the report and the plots show: sums and groups of what the published files say, no more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from loader import check
from loader.errors import Failure
from loader.outputs import RESOURCES, Published, base_metrics

# From the bottom of the stack up: the areas, each a sum of metrics; they add up to `total`.
AREAS = {
    "reserved": ("occupied in reservations", ("occupied_reservation",)),
    "ondemand": ("occupied on demand", ("occupied_ondemand",)),
    "idle": ("idle in reservations", ("idle",)),
    "available": ("available", ("available_reservable", "available_ondemand")),
}
LINES = {"total": "total", "reservable": "reservable"}
UNITS = {
    "nodes": "nodes",
    "vcpus": "vCPUs",
    "vcpus_overcommit": "vCPUs with overcommit",
    "memory_mb": "memory (MB)",
    "disk_gb": "disk (GB)",
}


class Ratio(NamedTuple):
    """A utilisation: hours of some metrics in hours of others. Those that are not tracked are left out of a sum."""

    label: str
    of: tuple[str, ...]
    in_: tuple[str, ...]
    meaning: str


BY_PROJECT = ("committed", "occupied_reservation", "occupied_ondemand")  # the metrics that a project has
RATIOS = {
    "in_use": Ratio(
        "in use",
        ("occupied_reservation", "occupied_ondemand"),
        ("total",),
        "Hours that instances or containers held, of all hours there were.",
    ),
    "taken": Ratio(
        "taken",
        ("committed", "occupied_ondemand"),
        ("total",),
        "Hours that were reserved or held on demand, so that nobody else could have them, of all hours there were.",
    ),
    "committed": Ratio(
        "reserved", ("committed",), ("reservable",), "Hours in reservations, of the hours that could be reserved."
    ),
    "reservation_use": Ratio(
        "use of reservations",
        ("occupied_reservation",),
        ("committed",),
        "Hours that instances or containers held inside reservations, of the hours reserved. The rest is idle.",
    ),
    "ondemand_use": Ratio(
        "use on demand",
        ("occupied_ondemand",),
        ("ondemand_capacity",),
        "Hours held without a reservation, of the hours of machines that can't be reserved.",
    ),
}
Hours = dict[str, float]  # metric: resource-hours


def ratio(hours: Hours, of: Ratio) -> float | None:
    """The ratio of hours; None where none of its metrics is tracked, or there is nothing to divide by."""
    held = [hours[metric] for metric in of.of if metric in hours]
    base = sum(hours[metric] for metric in of.in_ if metric in hours)
    return sum(held) / base if held and base else None


@dataclass(frozen=True)
class Buckets:
    """The mean of each metric a bucket, for one resource of one site and collector."""

    starts: list[datetime]
    end: datetime
    means: dict[str, list[float]]

    def area(self, name: str) -> list[float] | None:
        """The sum of an area's metrics; None where none of them is tracked."""
        found = [self.means[metric] for metric in AREAS[name][1] if metric in self.means]
        return [sum(values) for values in zip(*found, strict=True)] if found else None


@dataclass(frozen=True)
class Month:
    """Hours of each metric in the buckets that begin in a calendar month, UTC."""

    month: datetime
    hours: Hours


@dataclass(frozen=True)
class Held:
    """Node-hours of a project, or of the rest of them."""

    project_id: str | None
    project_name: str | None
    hours: Hours
    others: int = 0  # how many projects this is the sum of


@dataclass(frozen=True)
class NodeType:
    """Machines of a type, and what they were used for; `None` is unknown."""

    name: str | None
    machines: int
    hours: Hours


@dataclass(frozen=True)
class Figures:
    """All of one site. `buckets`, `months` and `hours` are by (collector, resource)."""

    key: str
    name: str
    marks: dict[str, str]
    window: tuple[datetime, datetime]
    buckets: dict[tuple[str, str], Buckets]
    months: dict[tuple[str, str], list[Month]]
    hours: dict[tuple[str, str], Hours]
    projects: list[Held]
    node_types: list[NodeType]
    findings: list[check.Found]

    @property
    def resources(self) -> list[str]:
        """Those that are tracked, in their usual order."""
        return [r for r in RESOURCES if ("current", r) in self.buckets]

    @property
    def has_legacy(self) -> bool:
        return ("legacy", "nodes") in self.buckets


def read(published: Published, key: str, name: str, schemas: tuple[str, ...] = (), top: int = 20) -> Figures:
    """Everything that the report says of a site, of the files that `process --resample` wrote."""
    hours = {
        (row["collector_type"], row["resource"]): dict(zip(row["metrics"], row["hours"], strict=True))
        for row in published.rows(
            """select collector_type, resource, list(metric) as metrics, list(hours) as hours
            from (
              select collector_type, resource, metric, sum(hours) as hours
              from usage_resampled group by all order by all
            ) group by all"""
        )
    }
    if not any(collector == "current" for collector, _ in hours):
        raise Failure(f"{key}: no metric is tracked, so there is nothing to show; were its tables extracted?")
    tracked = hours.get(("current", "nodes"), {})
    return Figures(
        key=key,
        name=name,
        marks=published.marks,
        window=published.window,
        buckets=_buckets(published),
        months=_months(published),
        hours=hours,
        projects=_projects(published, top, tracked),
        node_types=_node_types(published, tracked),
        findings=check.findings(published, schemas),
    )


def _buckets(published: Published) -> dict[tuple[str, str], Buckets]:
    (every,) = published.rows("select list(distinct timestamp order by timestamp) as starts from usage_resampled")
    found: dict[tuple[str, str], Buckets] = {}
    for row in published.rows(
        """select collector_type, resource, metric, list(mean order by timestamp) as means
        from usage_resampled group by all order by all"""
    ):
        series = (row["collector_type"], row["resource"])
        found.setdefault(series, Buckets(every["starts"], published.window[1], {}))
        found[series].means[row["metric"]] = row["means"]
    return found


def _months(published: Published) -> dict[tuple[str, str], list[Month]]:
    found: dict[tuple[str, str], list[Month]] = {}
    for row in published.rows(
        """select collector_type, resource, month, list(metric) as metrics, list(hours) as hours from (
          select
            collector_type, resource, date_trunc('month', timestamp)::timestamp as month, metric, sum(hours) as hours
          from usage_resampled group by all order by all
        ) group by all order by month"""
    ):
        hours = dict(zip(row["metrics"], row["hours"], strict=True))
        found.setdefault((row["collector_type"], row["resource"]), []).append(Month(row["month"], hours))
    return found


def _projects(published: Published, top: int, tracked: Iterable[str]) -> list[Held]:
    """Those with the most node-hours taken (reserved, or held on demand); the last is the sum of the rest."""
    rows = published.rows(
        """select project_id, max(project_name) as project_name,
          map_from_entries(list((metric, hours) order by metric)) as hours
        from (
          select project_id, max(project_name) as project_name, metric, sum(hours) as hours
          from usage_by_project_resampled
          where collector_type = 'current' and resource = 'nodes'
          group by project_id, metric
        ) group by project_id"""
    )
    zeros = {metric: 0.0 for metric in BY_PROJECT if metric in tracked}
    held = [Held(row["project_id"], row["project_name"], zeros | row["hours"]) for row in rows]
    held.sort(key=lambda h: (-taken(h.hours, tracked), h.project_id or ""))
    rest = held[top:]
    return held[:top] + ([Held(None, None, _summed(h.hours for h in rest), len(rest))] if rest else [])


def taken(hours: Hours, tracked: Iterable[str]) -> float:
    """Reserved or held on demand; held in reservations at a site that doesn't track (its metrics) what is reserved."""
    reserved = "committed" if "committed" in tracked else "occupied_reservation"
    return hours.get(reserved, 0.0) + hours.get("occupied_ondemand", 0.0)


def _summed(each: Iterable[Hours]) -> Hours:
    total: Hours = {}
    for hours in each:
        for metric, value in hours.items():
            total[metric] = total.get(metric, 0.0) + value
    return total


def _node_types(published: Published, tracked: Iterable[str]) -> list[NodeType]:
    """Node-hours in the window by node type, of the spans that count; they add up to those of the timeline."""
    start, end = published.window
    rows = published.rows(
        """select node_type, max(machines) as machines, map_from_entries(list((metric, hours) order by metric)) as hours
        from (
          select node_type, metric, count(distinct hypervisor_hostname) as machines,
            sum(nodes * epoch_us(least(coalesce(end_at, $end), $end) - greatest(start_at, $start)) / 3600e6) as hours
          from spans
          where is_valid and start_at < $end and coalesce(end_at, $end) > $start and nodes is not null
          group by all
        ) group by node_type""",
        start=start,
        end=end,
    )
    zeros = {metric: 0.0 for metric in base_metrics() if metric in tracked}
    found = [NodeType(row["node_type"], row["machines"], zeros | row["hours"]) for row in rows]
    return sorted(found, key=lambda t: (-t.hours.get("total", 0.0), t.name or ""))
