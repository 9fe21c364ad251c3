"""Vega-Lite charts, built with Altair: for the page, where a script gives them data, and for files, which hold it."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import altair as alt

from loader.report.figures import AREAS, LINES, RATIOS, Buckets, ratio

# Okabe and Ito's colours, which the colour-blind can tell apart; lightness differs, too, for paper in grey.
COLOURS = {"reserved": "#0072B2", "ondemand": "#E69F00", "idle": "#56B4E9", "available": "#C8C8C8"}
SERIES_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#000000")
DASHES = {"total": [1, 0], "reservable": [5, 3]}
EVENT_COLOUR = "#A0463C"
Row = dict[str, Any]


@dataclass(frozen=True)
class Look:
    """What differs between a page, whose colours are the reader's, and a file."""

    ink: str = "#222222"
    paper: str | None = "white"
    width: int | str = 900
    has_legend: bool = True


FILE = Look()
PAGE = Look(ink="currentColor", paper=None, width="container", has_legend=False)


def milliseconds(instant: datetime) -> int:
    """Since 1970, as Vega wants an instant that is UTC."""
    return int(instant.replace(tzinfo=timezone.utc).timestamp() * 1000)


def stack_rows(buckets: Buckets) -> list[Row]:
    """A row a bucket: `t`, areas, lines and ratios; the last one again at the end, since a step holds until then."""
    columns: dict[str, list[float]] = {name: values for name in AREAS if (values := buckets.area(name)) is not None}
    columns |= {name: buckets.means[name] for name in LINES if name in buckets.means}
    rows = []
    for i, start in enumerate(buckets.starts):
        means = {metric: values[i] for metric, values in buckets.means.items()}
        ratios = {name: ratio(means, RATIOS[name]) for name in ("in_use", "reservation_use")}
        rows.append({"t": milliseconds(start), **{name: values[i] for name, values in columns.items()}, **ratios})
    return [*rows, {**rows[-1], "t": milliseconds(buckets.end)}] if rows else []


def _time(format_: str | None = None) -> alt.X:
    scale = alt.Scale(type="utc", domainMin=alt.ExprRef("from_ms"), domainMax=alt.ExprRef("to_ms"), nice=False)
    return alt.X("t:T", scale=scale, axis=alt.Axis(title=None, tickCount=8, labelOverlap=True, format=format_ or ""))


def _params(start: int, end: int) -> list[alt.Parameter]:
    return [alt.param(name="from_ms", value=start), alt.param(name="to_ms", value=end)]


def _legend(look: Look, title: str | None = None) -> alt.Legend | None:
    return alt.Legend(title=title, orient="bottom", columns=0, symbolLimit=0) if look.has_legend else None


def _labels(names: dict[str, str]) -> str:
    """A Vega expression that gives each value its label."""
    return f"{names!r}[datum.label] || datum.label"


def stack(areas: list[str], lines: list[str], unit: str, look: Look = FILE, height: int = 260) -> alt.LayerChart:
    """Step areas that add up to total, under lines of total and reservable. Data: `stack`, rows of stack_rows()."""
    base = alt.Chart(alt.NamedData("stack"))
    y = alt.Y("value:Q", stack="zero", axis=alt.Axis(title=unit, tickCount=5))
    legend = _legend(look)
    if legend is not None:
        legend.labelExpr = _labels({name: label for name, (label, _) in AREAS.items()} | LINES)
    layers: list[alt.Chart] = []
    if areas:
        layers.append(
            base.transform_fold(areas, as_=["area", "value"])
            .transform_filter("indexof(shown, datum.area) >= 0")
            .transform_calculate(rank=f"indexof({list(AREAS)!r}, datum.area)")
            .mark_area(interpolate="step-after", clip=True)
            .encode(
                x=_time(),
                y=y,
                order=alt.Order("rank:Q"),
                color=alt.Color("area:N", legend=legend).scale(domain=areas, range=[COLOURS[name] for name in areas]),
            )
        )
    if lines:
        layers.append(
            base.transform_fold(lines, as_=["line", "value"])
            .transform_filter("indexof(shown, datum.line) >= 0")
            .mark_line(interpolate="step-after", clip=True, stroke=look.ink, strokeWidth=1.4)
            .encode(
                x=_time(),
                y=alt.Y("value:Q", stack=None),
                strokeDash=alt.StrokeDash("line:N", legend=legend).scale(
                    domain=lines, range=[DASHES[name] for name in lines]
                ),
            )
        )
    pointed = alt.Chart(alt.Data(values=[{}])).transform_calculate(t="at || from_ms")
    layers.append(pointed.mark_rule(color=look.ink, strokeWidth=1, clip=True).encode(x=_time()))
    params = [alt.param(name="shown", value=[*areas, *lines]), alt.param(name="at", value=0)]
    return alt.layer(*layers).properties(width=look.width, height=height).add_params(*params)


def utilisation(look: Look = FILE, height: int = 90) -> alt.Chart:
    """In use, and use of reservations, in percent. Data: `stack`."""
    names = ["in_use", "reservation_use"]
    legend = _legend(look)
    if legend is not None:
        legend.labelExpr = _labels({name: RATIOS[name].label for name in names})
    return (
        alt.Chart(alt.NamedData("stack"))
        .transform_fold(names, as_=["ratio", "share"])
        .transform_filter("isValid(datum.share)")
        .mark_line(interpolate="step-after", clip=True, strokeWidth=1.4)
        .encode(
            x=_time(),
            y=alt.Y("share:Q", axis=alt.Axis(title="utilisation", format="%", tickCount=3)),
            color=alt.Color("ratio:N", legend=legend).scale(domain=names, range=["#D55E00", "#0072B2"]),
        )
        .properties(width=look.width, height=height)
    )


def comparison(sites: list[str], has_events: bool, look: Look = FILE, height: int = 220) -> alt.LayerChart:
    """Nodes in use, a line a site, and events. Data: `sites` (t, site, share) and, if there are, `events` (t, text)."""
    dashes = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
    lines = (
        alt.Chart(alt.NamedData("sites"))
        .mark_line(interpolate="step-after", clip=True, strokeWidth=2)
        .encode(
            x=_time(),
            y=alt.Y("share:Q", axis=alt.Axis(title="nodes in use", format="%", tickCount=5)),
            color=alt.Color("site:N", legend=_legend(look)).scale(
                domain=sites, range=[SERIES_COLOURS[i % len(SERIES_COLOURS)] for i in range(len(sites))]
            ),
            strokeDash=alt.StrokeDash("site:N", legend=_legend(look)).scale(
                domain=sites, range=[dashes[i % len(dashes)] for i in range(len(sites))]
            ),
        )
    )
    layers: list[alt.Chart] = [lines]
    if has_events:
        events = alt.Chart(alt.NamedData("events"))
        rule = events.mark_rule(color=EVENT_COLOUR, strokeDash=[2, 2], clip=True)
        text = events.mark_text(
            color=EVENT_COLOUR, angle=270, align="right", baseline="bottom", dx=-3, dy=-2, fontSize=10
        )
        layers += [rule.encode(x=_time()), text.encode(x=_time(), y=alt.value(0), text="text:N")]
    return alt.layer(*layers).properties(width=look.width, height=height)


def collectors(metrics: list[str], look: Look = FILE, height: int = 110) -> alt.VConcatChart:
    """Legacy, current, difference, a panel a metric. Data: `collectors` (t, metric and a column each)."""
    names = ["legacy", "current", "difference"]
    each = []
    for metric in metrics:
        each.append(
            alt.Chart(alt.NamedData("collectors"))
            .transform_filter(f"datum.metric == '{metric}'")
            .transform_fold(names, as_=["collector", "value"])
            .mark_line(interpolate="step-after", clip=True, strokeWidth=1.5)
            .encode(
                x=_time(),
                y=alt.Y("value:Q", axis=alt.Axis(title=["nodes", metric.replace("_", " ")], tickCount=4)),
                color=alt.Color("collector:N", legend=_legend(look)).scale(
                    domain=names, range=["#999999", "#0072B2", "#D55E00"]
                ),
                strokeDash=alt.StrokeDash("collector:N", legend=_legend(look)).scale(
                    domain=names, range=[[4, 2], [1, 0], [1, 1]]
                ),
            )
            .properties(width=look.width, height=height)
        )
    return alt.vconcat(*each)


def parts(names: list[str], unit: str, look: Look = FILE, height: int = 260) -> alt.LayerChart:
    """A stack of named parts under a line of the total. Data: `parts` (t, part, rank, value), `stack` (t, total)."""
    areas = (
        alt.Chart(alt.NamedData("parts"))
        .mark_area(interpolate="step-after", clip=True)
        .encode(
            x=_time(),
            y=alt.Y("value:Q", stack="zero", axis=alt.Axis(title=unit, tickCount=5)),
            order=alt.Order("rank:Q"),
            color=alt.Color("part:N", legend=_legend(look)).scale(
                domain=names, range=["#0072B2", "#E69F00", "#C8C8C8"]
            ),
        )
    )
    line = (
        alt.Chart(alt.NamedData("stack"))
        .mark_line(interpolate="step-after", clip=True, stroke=look.ink, strokeWidth=1.4)
        .encode(x=_time(), y=alt.Y("total:Q", stack=None))
    )
    return alt.layer(areas, line).properties(width=look.width, height=height)


def specification(
    chart: alt.TopLevelMixin, start: datetime, end: datetime, look: Look, title: str | None = None
) -> Row:
    """A chart as Vega-Lite JSON, its time axis from start to end, in the reader's colours or a file's."""
    chart = chart.add_params(*_params(milliseconds(start), milliseconds(end)))
    if title:
        chart = chart.properties(title=title)
    axis = {
        "labelColor": look.ink,
        "titleColor": look.ink,
        "tickColor": look.ink,
        "domainColor": look.ink,
        "gridColor": look.ink,
        "gridOpacity": 0.15,
        "titleFontWeight": "normal",
    }
    chart = (
        chart.configure(background=look.paper or "transparent", font="sans-serif", aria=look is FILE)
        .configure_axis(**axis)
        .configure_view(stroke=None)
        .configure_legend(labelColor=look.ink, titleColor=look.ink, labelLimit=0)
        .configure_title(color=look.ink, anchor="start", fontSize=14)
    )
    return chart.to_dict()


def with_data(specification: Row, **data: list[Row]) -> Row:
    """The JSON with its data in it."""
    return {**specification, "datasets": data}


def drawable(specification: Row, **data: list[Row]) -> alt.TopLevelMixin:
    """The JSON with its data as Altair's chart again, for a notebook."""
    return alt.Chart.from_dict(with_data(specification, **data))
