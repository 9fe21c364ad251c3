"""Plots as PNG and SVG files, and the resampled data that they show as parquet, CSV and JSON, long and wide."""

import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from loader.outputs import Published, operands
from loader.report import charts
from loader.report.charts import FILE, milliseconds
from loader.report.events import Event
from loader.report.figures import AREAS, LINES, RATIOS, UNITS, Figures, ratio
from loader.report.written import put

IMAGES = ("png", "svg")
TABLES = ("parquet", "csv", "json")
SCALE = 2  # pixels a point, for screens and paper
OPERATIONS, USERS, AVAILABLE = "operations", "user projects", "available"
Row = dict[str, Any]
Window = tuple[datetime, datetime]


def draw(
    chart: alt.TopLevelMixin, window: Window, title: str, file: Path, images: Iterable[str], **data: list[Row]
) -> list[Path]:
    """Write a chart over a window to `file` with each image's suffix; returns the files."""
    content = charts.with_data(charts.specification(chart, *window, FILE, title), **data)
    written = []
    for image in images:
        target = file.with_suffix(f".{image}")
        put(target, _rendered(content, image))
        written.append(target)
    return written


def _rendered(content: Row, image: str) -> str | bytes:
    if image == "svg":
        return vl_convert.vegalite_to_svg(content)
    return vl_convert.vegalite_to_png(content, scale=SCALE)


def stacks(site: Figures, folder: Path, images: Iterable[str] = IMAGES) -> Iterator[Path]:
    """A plot a resource: the stack, and utilisation beneath."""
    for resource in site.resources:
        buckets = site.buckets["current", resource]
        areas = [name for name in AREAS if buckets.area(name) is not None]
        lines = [name for name in LINES if name in buckets.means]
        chart = alt.vconcat(charts.stack(areas, lines, UNITS[resource]), charts.utilisation())
        chart = chart.resolve_scale(color="independent").resolve_legend(color="independent", strokeDash="independent")
        title = f"{site.name}: {UNITS[resource]}"
        yield from draw(
            chart, site.window, title, folder / f"stack_{resource}", images, stack=charts.stack_rows(buckets)
        )


def comparison(
    sites: list[Figures], folder: Path, events: Iterable[Event] = (), images: Iterable[str] = IMAGES
) -> Iterator[Path]:
    """Nodes in use of all sites in one plot, with the events of any of them."""
    window = min(site.window[0] for site in sites), max(site.window[1] for site in sites)
    names = {site.key: site.name for site in sites}
    rows = []
    for site in sites:
        if ("current", "nodes") in site.buckets:
            shares = [(row["t"], row["in_use"]) for row in charts.stack_rows(site.buckets["current", "nodes"])]
            rows += [{"t": t, "site": site.name, "share": share} for t, share in shares if share is not None]
    shown = [
        {"t": milliseconds(e.at), "text": f"{names[e.site]}: {e.text}" if e.site else e.text}
        for e in events
        if e.site is None or e.site in names
    ]
    chart = charts.comparison(list(names.values()), has_events=bool(shown))
    yield from draw(chart, window, "Nodes in use", folder / "comparison", images, sites=rows, events=shown)


def collectors(site: Figures, folder: Path, images: Iterable[str] = IMAGES) -> Iterator[Path]:
    """The legacy collector against this one, a panel a metric, with the difference (current − legacy)."""
    if not site.has_legacy:
        return
    legacy, current = (site.buckets[collector, "nodes"] for collector in ("legacy", "current"))
    metrics = [m for m in operands() if m in legacy.means and m in current.means]
    rows: list[Row] = []
    for metric in metrics:
        pairs = zip(current.starts, legacy.means[metric], current.means[metric], strict=True)
        each = [
            {"t": milliseconds(t), "metric": metric, "legacy": old, "current": new, "difference": new - old}
            for t, old, new in pairs
        ]
        rows += [*each, {**each[-1], "t": milliseconds(current.end)}]
    chart = charts.collectors(metrics)
    yield from draw(chart, site.window, f"{site.name}: collectors", folder / "collectors", images, collectors=rows)


def devices(
    site: Figures, published: Published, operations: Iterable[str], folder: Path, images: Iterable[str] = IMAGES
) -> Iterator[Path]:
    """Nodes or devices that operations projects reserved, that user projects reserved, and the rest that could be."""
    if "available_reservable" not in site.hours.get(("current", "nodes"), {}):
        return
    rows = device_rows(site, published, operations)
    chart = charts.parts([OPERATIONS, USERS, AVAILABLE], UNITS["nodes"])
    title = f"{site.name}: reserved by operations and by user projects, under the line of all"
    stack = charts.stack_rows(site.buckets["current", "nodes"])
    yield from draw(chart, site.window, title, folder / "devices", images, parts=rows, stack=stack)


def device_rows(site: Figures, published: Published, operations: Iterable[str]) -> list[Row]:
    """A row a bucket and part: `t`, `part`, `rank`, `value`; projects of operations are named by id or name."""
    ours = published.rows(
        """select timestamp,
          sum(mean) filter (list_contains($projects, project_id) or list_contains($projects, project_name)) as held
        from usage_by_project_resampled
        where metric = 'committed' and resource = 'nodes'
        group by timestamp""",
        projects=list(operations),
    )
    held = {row["timestamp"]: row["held"] or 0.0 for row in ours}
    buckets = site.buckets["current", "nodes"]
    rows: list[Row] = []
    for i, start in enumerate(buckets.starts):
        mine = held.get(start, 0.0)
        users = buckets.means["committed"][i] - mine
        values = {OPERATIONS: mine, USERS: users, AVAILABLE: buckets.means["available_reservable"][i]}
        parts = enumerate(values.items())
        rows += [
            {"t": milliseconds(start), "part": part, "rank": rank, "value": value} for rank, (part, value) in parts
        ]
    return rows + [{**row, "t": milliseconds(buckets.end)} for row in rows[-len(values) :]]


def utilisations(site: Figures) -> dict[str, float | None]:
    """Each utilisation of nodes in the whole window."""
    nodes = site.hours.get(("current", "nodes"), {})
    return {name: ratio(nodes, of) for name, of in RATIOS.items()}


def tables(published: Published, folder: Path) -> Iterator[Path]:
    """The resampled timeline: long as published, and wide, a column a metric with its mean; null is not tracked."""
    columns = ", ".join(f"max(mean) filter (metric = '{metric}') as {metric}" for metric in operands())
    shapes = {
        "usage_long": "from usage_resampled order by site, collector_type, metric, resource, timestamp",
        "usage_wide": f"""select timestamp, site, collector_type, resource, {columns}
          from usage_resampled group by all order by site, collector_type, resource, timestamp""",
    }
    options = {
        "parquet": "format parquet, compression zstd",
        "csv": "format csv, header",
        "json": "format json, array true",
    }
    with tempfile.TemporaryDirectory(prefix="chameleon-usage-") as work:
        for name, query in shapes.items():
            for table in TABLES:
                part = Path(work) / f"{name}.{table}"
                published.connection.execute(
                    f"copy ({query}) to '{str(part).replace(chr(39), chr(39) * 2)}' ({options[table]})"
                )
                put(folder / part.name, part.read_bytes())
                yield folder / part.name
