"""What `explain` prints: text for people, JSON and CSV for machines. Times are UTC."""

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loader.explain import SPAN_COLUMNS, Sum
from loader.meanings import ACTIONS, NOTES
from loader.outputs import RESOURCES, Published, Row, operands
from loader.story import Level
from loader.tables import STACK, counted

STACK_COLUMNS = ("collector_type", "metric", "resource", "value")
BOOKINGS = {
    "hint": "reservation by the scheduler hint",
    "flavor": "reservation by the flavor's name",
    "extra": "reservation by the flavor in instance_extra",
    "inferred": "reservation inferred: committed to its project on its node",
    "none": "on demand",
}
HEADINGS = {"vcpus_overcommit": "vcpus\novercommit"}  # fits 80 columns


def as_json(content: dict[str, Any]) -> str:
    return json.dumps(
        content, default=lambda v: v.isoformat() if isinstance(v, datetime) else str(v), ensure_ascii=False
    )


def as_csv(rows: list[Row], columns: tuple[str, ...]) -> str:
    """A header and the rows, nulls empty, instants in ISO."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()})
    return out.getvalue().rstrip("\n")


def facts(published: Published, at: datetime | None) -> dict[str, Any]:
    """Where the numbers come from, for JSON."""
    start, end = published.window
    known = {"site": published.marks["site"], "run_id": published.marks["run_id"], "start_date": start, "end_date": end}
    return known | ({"at": at} if at else {})


def print_stack(name: str, rows: list[Row], at: datetime, resource: str | None, project: str | None) -> None:
    """The stack as a tree, a column a resource; – where a metric is not tracked. Numbers are never cut."""
    values = {(row["collector_type"], row["metric"], row["resource"]): row["value"] for row in rows}
    shown = [r for r in RESOURCES if resource in (None, r) and any(key[2] == r for key in values)]
    columns = [("current", r, HEADINGS.get(r, r)) for r in shown]
    if any(key[0] == "legacy" for key in values) and "nodes" in shown:
        columns.append(("legacy", "nodes", "nodes\nlegacy"))
    of = f", project {project}" if project is not None else ""
    Console(highlight=False).print(f"{name}{of} at {at} (UTC)", soft_wrap=True, markup=False)
    labels = STACK if project is None else {metric: metric for metric in STACK}  # of a project there is no tree
    lines = {m: label for m, label in labels.items() if any((c, m, r) in values for c, r, _ in columns)}
    room = Console().width - max(map(len, lines.values()), default=0)
    for abreast in _that_fit(columns, lines, values, room):
        table = Table(box=None, pad_edge=False)
        table.add_column("", no_wrap=True)
        for _, _, heading in abreast:
            table.add_column(heading, justify="right", no_wrap=True)
        for metric, label in lines.items():
            found = [values.get((collector, metric, r)) for collector, r, _ in abreast]
            if any(v is not None for v in found):
                table.add_row(label, *("–" if v is None else _amount(v) for v in found))
        Console(highlight=False, width=max(Console().width, 60)).print(table)


Column = tuple[str, str, str]  # collector, resource, heading


def _that_fit(
    columns: list[Column], metrics: Iterable[str], values: dict[tuple[Any, ...], Any], room: int
) -> list[list[Column]]:
    """The columns in groups, each of which fits beside the labels."""
    groups: list[list[Column]] = []
    left = 0
    for column in columns:
        collector, resource, heading = column
        cells = [_amount(v) for m in metrics if (v := values.get((collector, m, resource))) is not None]
        width = 2 + max(map(len, (*heading.split("\n"), *cells)))
        if not groups or width > left:
            groups.append([])
            left = room
        groups[-1].append(column)
        left -= width
    return groups


def print_sum(found: Sum, limit: int) -> None:
    """The largest spans behind a value, and the sum of all."""
    console = Console(highlight=False)
    of = f" of project {found.project}" if found.project is not None else ""
    signs = operands()[found.metric]
    if set(signs) != {found.metric}:
        formula = " ".join(f"{'−' if sign < 0 else '+'} {metric}" for metric, sign in signs.items()).removeprefix("+ ")
        console.print(f"\n{found.metric} = {formula}", markup=False, soft_wrap=True)
    heading = f"{found.metric}{of} in {found.resource}: {found.value:,.4f}, of {counted(len(found.spans), 'span')}"
    console.print(f"\n{heading}", markup=False, soft_wrap=True)
    for span in found.spans[:limit]:
        title = f"{_held(span['value'])} {span['source_table']}/{span['source_id']}"
        console.print(title, markup=False, soft_wrap=True)
        lines = [_times(span), _owner(span)]
        if span["metric"] != found.metric:
            lines.insert(0, span["metric"])
        for line in lines:
            console.print(Padding(Text(line), (0, 0, 0, 12), expand=False))
    if rest := found.spans[limit:]:
        more = sum(span["value"] for span in rest)
        console.print(f"{_held(more)} {counted(len(rest), 'more span')} (--limit {len(found.spans)} shows all)")
    console.print(f"{_held(found.total)} sum, as in {'usage_by_project' if of else 'usage'}.parquet")


def _held(value: float) -> str:
    """A value in a column of eleven, beside which the longest table and key fit 80 columns."""
    return f"{value:>11,.4f}" if abs(value) < 1e5 else f"{value:>11,.1f}"


def _instant(value: datetime | None, open_end: str = "still so") -> str:
    return open_end if value is None else str(value)


def _times(span: Row) -> str:
    """The counted time, and the claimed one where they differ."""
    counted = f"{_instant(span['start_at'], 'none')} to {_instant(span['end_at'])}"
    claimed = f"{_instant(span['original_start_at'], 'no start')} to {_instant(span['original_end_at'])}"
    if span["start_at"] is None:
        return f"{span['action']}; claimed {claimed}"
    return counted if counted == claimed else f"{counted}; {span['action']}, claimed {claimed}"


def _owner(span: Row) -> str:
    """Who held it, and where."""
    named = {
        "project": span["project_id"],
        "user": span["user_id"],
        "lease": span["lease_id"],
        "reservation": span["reservation_id"],
        "": BOOKINGS.get(span["booking_source"]),
        "on": span["hypervisor_hostname"],
        "type": span["node_type"],
        "marks": span["note"],
    }
    return ", ".join(f"{what} {value}".strip() for what, value in named.items() if value is not None)


def _amount(value: float) -> str:
    """With at most four decimals, and no zeros at the end."""
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def print_story(name: str, levels: list[Level], limit: int) -> None:
    """What became of a row, level by level, its own first."""
    console = Console(highlight=False)
    for level in levels:
        if level.is_own:
            console.print(f"\n{name} in {level.metric}", markup=False, soft_wrap=True)
        else:
            count = len(level.spans) or "nothing"
            console.print(f"\nabove it, {level.metric} of the same machine or reservation: {count}", markup=False)
        for span in level.spans[:limit]:
            _print_chapter(console, span, level.is_own)
        if len(level.spans) > limit:
            console.print(f"  … {len(level.spans) - limit:,} more (--limit {len(level.spans)} shows all)")


def _print_chapter(console: Console, span: Row, is_own: bool) -> None:
    sizes = ", ".join(f"{_amount(span[r])} {r}" for r in RESOURCES if span[r] is not None)
    title = f"{span['source_table']}/{span['source_id']}, piece {span['piece']}: {ACTIONS[span['action']]}"
    console.print(Padding(Text(title), (0, 0, 0, 2), expand=False))
    lines = [_times(span), sizes or "no known size", _owner(span)]
    if is_own and span["note"]:
        lines += [f"{mark}: {NOTES[mark].what}" for mark in span["note"].split(", ") if mark in NOTES]
    for line in lines:
        console.print(Padding(Text(line), (0, 0, 0, 4), expand=False))


def csv_of_story(levels: list[Level]) -> str:
    """A line a span, of every level."""
    rows = [{"level": level.metric, "is_own": level.is_own} | span for level in levels for span in level.spans]
    return as_csv(rows, ("level", "is_own", "is_valid", *(c for c in SPAN_COLUMNS if c != "value"), *RESOURCES))
