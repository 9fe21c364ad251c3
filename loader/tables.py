"""Numbers on the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# The utilisation stack as a reader sees it.
STACK = {
    "total": "total",
    "reservable": "├─ reservable",
    "committed": "│  ├─ committed",
    "occupied_reservation": "│  │  ├─ occupied_reservation",
    "idle": "│  │  └─ idle",
    "available_reservable": "│  └─ available_reservable",
    "ondemand_capacity": "└─ ondemand_capacity",
    "occupied_ondemand": "   ├─ occupied_ondemand",
    "available_ondemand": "   └─ available_ondemand",
}
VALID = ("none", "clipped", "superseded")  # actions of rows that count
SITES_ABREAST = 4  # fit 80 columns


def counted(number: float, thing: str) -> str:
    """1 row, 2 rows."""
    return f"{number:,.0f} {thing}{'' if number == 1 else 's'}"


def _short(instant: str) -> str:
    return instant.removesuffix("T00:00:00")


def print_hours(hours: dict[str, dict[tuple[str, str], float]], start: str, end: str) -> None:
    """A table of node-hours: a line a metric, a column a site; – where a metric is not tracked."""
    console = Console(highlight=False)
    names = list(hours)
    for first in range(0, len(names), SITES_ABREAST):
        console.print(f"node-hours from {_short(start)} to {_short(end)} (UTC)", soft_wrap=True)
        table = Table(box=None, pad_edge=False)
        table.add_column("", no_wrap=True)
        for name in names[first : first + SITES_ABREAST]:
            table.add_column(Text(name), justify="right", overflow="fold")
        for metric, label in STACK.items():
            values = [hours[name].get((metric, "nodes")) for name in names[first : first + SITES_ABREAST]]
            table.add_row(label, *("–" if v is None else f"{v:,.1f}" for v in values))
        console.print(table)


def _lost(findings: list[Any], metric: str) -> str | None:
    """Which rows of a metric don't count, and the hours that they claim."""
    rows = {f.action: f for f in findings if f.check == "rows" and f.metric == metric}
    lost = [f for action, f in rows.items() if action is not None and action not in VALID]
    if not lost:
        return None
    kinds = ", ".join(f"{f.rows:,.0f} {f.action}" for f in sorted(lost, key=lambda f: -f.rows))
    count, all_rows, hours = sum(f.rows for f in lost), rows[None].rows, sum(f.hours for f in lost)
    return f"{count:,.0f} of {all_rows:,.0f} rows don't count ({kinds}): {hours:,.1f} h"


def _lines(findings: list[Any]) -> list[tuple[str, str]]:
    """What a reader of the numbers should know, as (metric, sentence)."""
    lines = []
    for metric in STACK:
        if lost := _lost(findings, metric):
            lines.append((metric, lost))
        for f in findings:
            if f.metric != metric:
                continue
            if f.check == "cut_off" and f.hours:
                lines.append((metric, f"{f.hours:,.1f} h of {f.rows:,.0f} rows were cut off ({f.action})"))
            if f.check == "note":
                lines.append((metric, f"{f.detail}: {f.rows:,.0f} rows, {f.hours:,.1f} h"))
            if f.check == "negative" and f.detail == "current":
                worst = f"down to {f.worst_value:,.2f} at {f.worst_at}"
                lines.append((metric, f"negative {f.resource} for {f.hours:,.1f} h, {worst}"))
    dates = [f"{f.detail} {f.rows:,.0f}" for f in findings if f.check == "zero_dates"]
    if dates:
        lines.append(("zero dates", ", ".join(dates)))
    for check, word in (("missing_table", "tables not there"), ("missing_column", "columns not there")):
        missing = [f.detail for f in findings if f.check == check]
        if missing:
            lines.append((word, ", ".join(missing)))
    return lines


def print_quality(name: str, findings: list[Any]) -> None:
    """What the numbers of a site don't say, in short; quality.parquet has it all."""
    console = Console(highlight=False)
    console.print(
        f"what {name} lacks, in short (quality.parquet has all; h: hours of time in the window)", markup=False
    )
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for metric, sentence in _lines(findings):
        table.add_row(f" {metric}", Text(sentence))
    console.print(table)


def print_results(results: dict[str, str]) -> None:
    """What became of each of several sites, in words."""
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, became in results.items():
        table.add_row(Text(name), Text(became))
    console.print(table)
