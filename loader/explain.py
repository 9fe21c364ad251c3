"""`explain`: every number of a site's stack at an instant, down to the source rows that it is the sum of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loader.errors import Failure, UsageError
from loader.outputs import RESOURCES, Published, Row, operands

TOLERANCE = 1e-6  # spans are doubles, usage is the exact sum of their decimals
SPAN_COLUMNS = (
    *("metric", "source_table", "source_id", "piece", "value", "action", "note"),
    *("original_start_at", "original_end_at", "start_at", "end_at"),
    *("project_id", "user_id", "lease_id", "reservation_id", "booking_source", "hypervisor_hostname", "node_type"),
)


@dataclass(frozen=True)
class Sum:
    """A value of usage.parquet, and the spans that add up to it; those of an operand that is taken off are negative."""

    metric: str
    resource: str
    project: str | None
    value: float
    spans: list[Row]

    @property
    def total(self) -> float:
        return sum(span["value"] for span in self.spans)


def stack(published: Published, at: datetime, project: str | None = None) -> list[Row]:
    """The value of every series at an instant: collector_type, metric, resource, value; of one project if given."""
    _check_instant(published, at)
    return sorted(_values(published, at, project), key=_place)


def _place(row: Row) -> tuple[Any, ...]:
    """The order of the stack, resource by resource."""
    return row["collector_type"], RESOURCES.index(row["resource"]), list(operands()).index(row["metric"])


def _values(published: Published, at: datetime, project: str | None) -> list[Row]:
    if project is None:
        return published.rows(
            """
            select collector_type::varchar as collector_type, metric::varchar as metric, resource::varchar as resource,
                arg_max(value, timestamp) as value
            from usage where timestamp <= $at group by all
            """,
            at=at,
        )
    return published.rows(
        """
        select 'current' as collector_type, metric::varchar as metric, resource::varchar as resource,
            arg_max(value, timestamp) as value
        from usage_by_project where timestamp <= $at and project_id is not distinct from $project group by all
        """,
        at=at,
        project=project_id(published, project),
    )


def explain(published: Published, at: datetime, metric: str, resource: str, project: str | None = None) -> Sum:
    """The value of a metric at an instant and the spans behind it; Failure if they don't add up to it.

    A metric without spans of its own (idle, …) has those of its operands.
    """
    if metric not in operands():
        raise UsageError(f"--metric {metric!r} is none; choose one of {', '.join(operands())}")
    if resource not in RESOURCES:
        raise UsageError(f"--resource {resource!r} is none; choose one of {', '.join(RESOURCES)}")
    values = {
        (row["metric"], row["resource"]): row["value"]
        for row in stack(published, at, project)
        if row["collector_type"] == "current"
    }
    if (metric, resource) not in values:
        raise Failure(_untracked(published, metric, resource, project, values))
    spans = [
        span
        for operand, sign in operands()[metric].items()
        for span in _spans(published, at, operand, resource, sign, project)
    ]
    found = Sum(metric, resource, project, values[metric, resource], spans)
    if abs(found.total - found.value) > TOLERANCE * max(1, abs(found.value)):
        raise Failure(
            f"{published.folder}: the spans of {metric} add up to {found.total:,.6f} {resource} at {at}, usage.parquet"
            f" says {found.value:,.6f}; please report it"
        )
    return found


def _spans(published: Published, at: datetime, metric: str, resource: str, sign: int, project: str | None) -> list[Row]:
    """The valid spans of a metric that hold some of a resource at an instant, the largest first."""
    columns = ", ".join(f"{sign} * {resource} as value" if c == "value" else c for c in SPAN_COLUMNS)
    of_project = "" if project is None else "and project_id is not distinct from $project"
    return published.rows(
        f"""
        select {columns} from spans
        where is_valid and metric = $metric and start_at <= $at and (end_at > $at or end_at is null)
            and {resource} is not null {of_project}
        order by abs({resource}) desc, start_at, source_table, source_id, piece
        """,
        at=at,
        metric=metric,
        **({} if project is None else {"project": project_id(published, project)}),
    )


def project_id(published: Published, given: str) -> str | None:
    """A project by its id, its name or `null` (rows that name none); Failure if none has it, or several do."""
    known = published.rows("select distinct project_id, project_name from usage_by_project")
    ids = {row["project_id"] for row in known}
    if given in ids:
        return given
    named = [row["project_id"] for row in known if row["project_name"] == given]
    if len(named) == 1:
        return named[0]
    if named:
        raise UsageError(f"--project {given!r}: several have that name; give an id: {', '.join(map(str, named))}")
    if given == "null" and None in ids:
        return None
    raise UsageError(
        f"--project {given!r}: no project with that id or name in {published.folder}/usage_by_project.parquet"
    )


def _check_instant(published: Published, at: datetime) -> None:
    start, end = published.window
    if not start <= at < end:
        raise UsageError(
            f"--at {at} is not in the window of {published.folder}: {start} to {end} (the end is not in it);"
            " process a window that holds it"
        )


def _untracked(
    published: Published, metric: str, resource: str, project: str | None, values: dict[tuple[str, str], float]
) -> str:
    """Why there is no such series."""
    counted = [
        row["metric"] for row in published.rows("select distinct metric::varchar as metric from usage_by_project")
    ]
    if project is not None and metric not in counted:
        return f"{metric} is not counted by project; by project there are {', '.join(sorted(counted))}"
    if project is not None:
        return f"project {project} has no {metric} in {resource} in this window"
    others = sorted({r for m, r in values if m == metric})
    if others:
        return f"{metric} is not tracked in {resource}, only in {', '.join(others)}: no span of it knows its {resource}"
    return f"{metric} is not tracked in {published.folder}: its source tables were not extracted (see quality.parquet)"
