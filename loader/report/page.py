"""The report: one HTML page that needs nothing else, built from the resampled files of some sites."""

import json
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import vl_convert
from jinja2 import Environment
from markupsafe import Markup, escape

from loader import __version__
from loader.outputs import RESOURCES, base_metrics, operands
from loader.report import charts
from loader.report.figures import AREAS, LINES, RATIOS, UNITS, Figures, Hours, ratio, taken

FEW_MONTHS = 24
DIGITS = 7
Row = dict[str, Any]


def page(sites: list[Figures], title: str) -> str:
    """The page of these sites, which must not be empty."""
    template = _environment().from_string(_asset("page.html.j2"))
    resources = {r: UNITS[r] for r in RESOURCES if any(r in site.resources for site in sites)}
    start, end = min(s.window[0] for s in sites), max(s.window[1] for s in sites)
    compared = _comparison(sites, start, end) if len(sites) > 1 else None
    labels = {name: label for name, (label, _) in AREAS.items()} | LINES
    content = {
        "specs": _specifications(sites, start, end),
        "sites": {site.key: _series(site) for site in sites},
        "metrics": list(labels),
        "labels": labels | UNITS,
        "comparison": compared,
    }
    return template.render(
        title=title,
        version=__version__,
        schema_version=sites[0].marks.get("schema_version", "unknown"),
        made_at=_instant(datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)),
        start=_instant(start),
        end=_instant(end),
        first_day=start.date().isoformat(),
        last_day=(end - timedelta(microseconds=1)).date().isoformat(),
        bucket=_bucket(sites),
        sites=[_site(site, i) for i, site in enumerate(sites)],
        ratios=RATIOS,
        resources=resources,
        series=[(name, label, charts.COLOURS.get(name, "")) for name, label in labels.items()],
        comparison=compared,
        payload=Markup(_script_json(content)),  # noqa: S704 (nothing in it ends a script)
        css=Markup(_asset("page.css")),  # noqa: S704
        js=Markup(_asset("page.js")),  # noqa: S704
        bundle=Markup(_bundle()),  # noqa: S704
    )


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed, which Altair's charts need."""
    script: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its types lack the default
    return script.replace("</script", "<\\/script")


def _asset(name: str) -> str:
    return (files("loader.report") / name).read_text(encoding="utf-8")


def _script_json(content: Any) -> str:
    """JSON that may stand inside a script element, whatever names are in it."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _environment() -> Environment:
    environment = Environment(autoescape=True, trim_blocks=True)
    environment.filters |= {"hours": _hours, "percent": _percent, "words": lambda name: name.replace("_", " ")}
    environment.globals["scroll"] = _scroll
    return environment


def _scroll(what: str, of: str) -> Markup:
    """A wide table scrolls in a region that the keyboard reaches; to be closed with </div>."""
    label = " ".join((what, of)).strip()
    return Markup('<div class="scroll" tabindex="0" role="region" aria-label="{}">').format(escape(label))


def _hours(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:,.2f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _instant(value: datetime) -> str:
    return str(value).removesuffix(" 00:00:00")


def _bucket(sites: list[Figures]) -> str:
    """How long a bucket is, in words."""
    starts = max((b.starts for site in sites for b in site.buckets.values()), key=len)
    if len(starts) < 2:
        return "the whole window"
    length = starts[1] - starts[0]
    names = {timedelta(hours=1): "hour", timedelta(days=1): "day", timedelta(days=7): "week"}
    return names.get(length) or ("month" if timedelta(days=28) <= length <= timedelta(days=31) else str(length))


def _drawn(site: Figures, resource: str) -> dict[str, list[float]]:
    """The areas and lines of a chart."""
    buckets = site.buckets["current", resource]
    found = {name: values for name in AREAS if (values := buckets.area(name)) is not None}
    return found | {name: buckets.means[name] for name in LINES if name in buckets.means}


def _specifications(sites: list[Figures], start: datetime, end: datetime) -> dict[str, Row]:
    """A chart for each set of areas and lines; the script gives it data and the name of its axis."""
    found = {}
    for site in sites:
        for resource in site.resources:
            names = list(_drawn(site, resource))
            areas, lines = [n for n in names if n in AREAS], [n for n in names if n in LINES]
            chart = charts.stack(areas, lines, "", charts.PAGE)
            found[",".join(names)] = charts.specification(chart, start, end, charts.PAGE)
    return found


def _series(site: Figures) -> Row:
    """What the charts show: a value that equals the one before it is null."""
    resources = {r: {name: _compact(values) for name, values in _drawn(site, r).items()} for r in site.resources}
    starts = [charts.milliseconds(t) for t in next(iter(site.buckets.values())).starts]
    return {"starts": starts, "end": charts.milliseconds(site.window[1]), "resources": resources}


def _compact(values: list[float]) -> list[float | None]:
    found: list[float | None] = []
    last = None
    for value in values:
        short = float(f"{value:.{DIGITS}g}")
        found.append(None if short == last else int(short) if short == int(short) else short)
        last = short
    return found


def _comparison(sites: list[Figures], start: datetime, end: datetime) -> Row:
    """Nodes in use by month, a line a site."""
    rows = []
    for site in sites:
        months = site.months.get(("current", "nodes"), [])
        known = [(max(m.month, site.window[0]), ratio(m.hours, RATIOS["in_use"])) for m in months]
        if known:
            known.append((site.window[1], known[-1][1]))
        rows += [{"t": charts.milliseconds(t), "site": site.name, "share": share} for t, share in known]
    chart = charts.comparison([site.name for site in sites], has_events=False, look=charts.PAGE)
    return charts.with_data(charts.specification(chart, start, end, charts.PAGE), sites=rows)


def _site(site: Figures, index: int) -> Row:
    """What the template says of a site."""
    nodes = site.hours.get(("current", "nodes"), {})
    start, end = site.window
    months = {r: _months(site, r) for r in site.resources}
    metrics = [m for m in base_metrics() if any(m in t.hours for t in site.node_types)]
    return {
        "id": f"site-{index}",
        "key": site.key,
        "name": site.name,
        "colour": charts.SERIES_COLOURS[index % len(charts.SERIES_COLOURS)],
        "ratios": [ratio(nodes, of) for of in RATIOS.values()],
        "total": nodes.get("total"),
        "snapshot_at": (site.marks.get("snapshot_at") or "").split(".")[0].replace("T", " "),
        "run_id": site.marks["run_id"],
        "start": _instant(start),
        "end": _instant(end),
        "findings_line": _findings_line(site),
        "months": months,
        "months_are_few": all(len(m["rows"]) <= FEW_MONTHS for m in months.values()),
        "legacy": _legacy(site),
        "projects": _projects(site, nodes),
        "node_types": [
            {
                "name": t.name or "unknown",
                "machines": t.machines,
                "hours": [t.hours.get(m) for m in metrics],
                "in_use": ratio(t.hours, RATIOS["in_use"]),
            }
            for t in site.node_types
        ],
        "node_metrics": metrics,
        "findings": _findings(site),
    }


def _findings_line(site: Figures) -> str:
    count = len(site.findings)
    return "1 finding, below." if count == 1 else f"{count} findings, below." if count else "No findings."


def _findings(site: Figures) -> list[Row]:
    """Each finding; what is missing in one row a kind, as `check` prints it."""
    rows: dict[object, Row] = {}
    for i, f in enumerate(site.findings):
        row = rows.setdefault(f.kind if f.kind.startswith("missing") else i, {"subjects": []})
        row["subjects"].append(f.subject)
        row |= {"kind": f.kind, "rows": f.rows, "hours": f.hours, "meaning": f.meaning}
    return [{**row, "subject": ", ".join(row["subjects"])} for row in rows.values()]


def _in_one_month(start: datetime, end: datetime) -> bool:
    last = end - timedelta(microseconds=1)
    return (start.year, start.month) == (last.year, last.month)


def _months(site: Figures, resource: str) -> Row:
    months, hours = site.months["current", resource], site.hours["current", resource]
    metrics = [m for m in operands() if m in hours]
    starts = site.buckets["current", resource].starts
    return {
        "label": UNITS[resource],
        "metrics": metrics,
        "rows": [
            {
                "month": f"{m.month:%Y-%m}",
                "hours": [m.hours.get(name) for name in metrics],
                "in_use": ratio(m.hours, RATIOS["in_use"]),
            }
            for m in months
        ],
        "sum": [hours[m] for m in metrics],
        "in_use": ratio(hours, RATIOS["in_use"]),
        "whole": all(_in_one_month(t, later) for t, later in pairwise([*starts, site.window[1]])),
    }


def _legacy(site: Figures) -> list[Row]:
    """Node-hours of both collectors, for the metrics that legacy has."""
    if not site.has_legacy:
        return []
    legacy, current = (site.hours.get((collector, "nodes"), {}) for collector in ("legacy", "current"))
    return [
        {"metric": m, "legacy": legacy[m], "current": current[m], "difference": current[m] - legacy[m]}
        for m in operands()
        if m in legacy and m in current
    ]


def _projects(site: Figures, nodes: Hours) -> list[Row]:
    everything = taken(nodes, nodes)
    return [
        {
            "label": f"{p.others} others" if p.others else p.project_name or p.project_id or "none recorded",
            "id": p.project_id if p.project_name else None,
            "hours": [p.hours.get(m) for m in ("committed", "occupied_reservation", "occupied_ondemand")],
            "share": taken(p.hours, nodes) / everything if everything else None,
        }
        for p in site.projects
    ]
