"""What the commands that look at outputs do: `explain`, `check` and `status`."""

from datetime import datetime, timezone
from pathlib import Path

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loader import explained
from loader.check import COLUMNS, Found, failing, findings
from loader.config import Place
from loader.errors import Failure, UsageError
from loader.explain import SPAN_COLUMNS, explain, stack
from loader.instants import parse_instant
from loader.outputs import RESOURCES, Published, opened, places
from loader.status import Status, age, status
from loader.story import story
from loader.tables import counted


def explain_site(
    config: Path | None,
    keys: tuple[str, ...],
    data_dir: str | None,
    output: str | None,
    at: str | None,
    metric: str | None,
    resource: str | None,
    project: str | None,
    span: str | None,
    form: str,
    limit: int,
) -> None:
    """Print a site's stack at an instant, the spans behind one of its values, or the story of a source row."""
    if (at is None) == (span is None):
        raise UsageError("explain needs --at T (a value) or --span TABLE/KEY (a source row), one of the two")
    if span and (metric or resource or project):
        raise UsageError("--span tells all of a row; --metric, --resource and --project go with --at")
    selected = places(config, keys, data_dir, output)
    if len(selected) > 1:
        raise UsageError(f"explain is about one site; choose with --site: {', '.join(p.key for p in selected)}")
    place = selected[0]
    with opened(place.output, place.key) as published:
        if span:
            _tell_row(published, span, form, limit)
        else:
            _tell_instant(published, place, parse_instant(at or "", "--at"), metric, resource, project, form, limit)


def _tell_row(published: Published, span: str, form: str, limit: int) -> None:
    """The story of a source row."""
    levels = story(published, span)
    if form == "json":
        told = [{"metric": level.metric, "is_own": level.is_own, "spans": level.spans} for level in levels]
        click.echo(explained.as_json({**explained.facts(published, None), "span": span, "levels": told}))
    elif form == "csv":
        click.echo(explained.csv_of_story(levels))
    else:
        explained.print_story(span, levels, limit)


def _tell_instant(
    published: Published,
    place: Place,
    instant: datetime,
    metric: str | None,
    resource: str | None,
    project: str | None,
    form: str,
    limit: int,
) -> None:
    """The stack at an instant, and the spans behind the value of `metric`."""
    values = stack(published, instant, project)
    known = list(dict.fromkeys(row["resource"] for row in values))
    if not metric and resource in RESOURCES and resource not in known:
        raise Failure(f"{resource} is not tracked at {place.key}; it has {', '.join(known)}")
    found = explain(published, instant, metric, resource or "nodes", project) if metric else None
    if form == "json":
        content = {**explained.facts(published, instant), "project": project, "stack": values}
        if found:
            content |= {"metric": metric, "resource": found.resource, "value": found.value, "spans": found.spans}
            content |= {"sum": found.total}
        click.echo(explained.as_json(content))
    elif form == "csv":
        columns = SPAN_COLUMNS if found else explained.STACK_COLUMNS
        click.echo(explained.as_csv(found.spans if found else values, columns))
    else:
        explained.print_stack(place.name, values, instant, resource, project)
        if found:
            explained.print_sum(found, limit)


def check_sites(
    config: Path | None,
    keys: tuple[str, ...],
    data_dir: str | None,
    output: str | None,
    fail_on: tuple[str, ...],
    min_hours: float,
    form: str,
) -> None:
    """Print the findings of each site; Failure if one is of a kind that --fail-on names."""
    records, lines = [], []
    for place in places(config, keys, data_dir, output):
        with opened(place.output, place.key) as published:
            found = findings(published, place.schemas)
            window = published.window
        bad = failing(found, fail_on, min_hours)
        if bad:
            kinds = ", ".join(dict.fromkeys(f.kind for f in bad))
            lines.append(f"{place.key}: {counted(len(bad), 'finding')} that --fail-on names: {kinds}")
        found = [f for f in found if f.hours is None or f.hours >= min_hours]
        if form == "text":
            _print_findings(place.name, window, found)
        records += [f.record(place.key) for f in found]
    if form == "json":
        click.echo(explained.as_json({"findings": records}))
    elif form == "csv":
        click.echo(explained.as_csv(records, COLUMNS))
    if lines:
        raise Failure("\n".join(lines))


def _print_findings(name: str, window: tuple[datetime, datetime], found: list[Found]) -> None:
    """The findings in their order; what a kind means is said once, and what is missing in one list."""
    console = Console(highlight=False)
    console.print(
        f"{name}, {window[0]} to {window[1]} (UTC): {counted(len(found), 'finding')}", soft_wrap=True, markup=False
    )
    said = set()
    for f in found:
        if f.kind in said and f.kind.startswith("missing"):
            continue
        subjects = [g.subject for g in found if g.kind == f.kind] if f.kind.startswith("missing") else [f.subject]
        console.print(Padding(Text(f"{f.kind}: {', '.join(subjects)}{_facts(f)}"), (0, 0, 0, 2), expand=False))
        if f.kind not in said:
            console.print(Padding(Text(f"{f.meaning.what}\n→ {f.meaning.do}"), (0, 0, 0, 6), expand=False))
            said.add(f.kind)


def _facts(f: Found) -> str:
    hours = "" if f.hours is None else f"{f.hours:,.1f} h"
    rows = "" if f.rows is None else counted(f.rows, "row")
    worst = "" if f.worst_at is None else f"down to {f.worst_value:,.2f} at {f.worst_at}"
    facts = ", ".join(fact for fact in (hours, rows, worst) if fact)
    return facts and f": {facts}"


def show_status(
    config: Path | None, keys: tuple[str, ...], data_dir: str | None, output: str | None, form: str
) -> None:
    """Print how fresh each site's extraction and outputs are; Failure if one could not be read."""
    found = [status(p.key, p.name, p.data_dir, p.output) for p in places(config, keys, data_dir, output)]
    for s in found:
        if config is None and not (s.problem or s.processed_at or s.snapshot_at or s.has_tables):
            s.problem = "neither tables nor outputs are there; is its key right?"
    if form == "json":
        click.echo(explained.as_json({"sites": [s.record() for s in found]}))
    else:
        _print_status(found)
    if problems := [f"{s.site}: {s.problem}" for s in found if s.problem]:
        raise Failure("\n".join(problems))


def _print_status(found: list[Status]) -> None:
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("site", "extracted", "processed", "window (UTC)"):
        table.add_column(heading, overflow="fold")
    for s in found:
        window = "–" if s.start_date is None else f"{s.start_date} to {s.end_date}".replace(" 00:00:00", "")
        extracted = "unknown" if s.snapshot_at is None and s.has_tables else age(s.snapshot_at, now)
        table.add_row(Text(s.name), extracted, age(s.processed_at, now), window)
    console.print(table)
    for s in found:
        for sentence in _remarks(s):
            console.print(Text(f"{s.name}: {sentence}"))


def _remarks(s: Status) -> list[str]:
    said = []
    if s.has_tables and s.snapshot_at is None:
        said.append("its tables have no manifest (_manifest.json): nobody knows of which instant they are")
    if s.failed:
        said.append(f"the last extraction failed to copy {', '.join(s.failed)}")
    if s.missing:
        said.append(f"not in the database, or not granted: {', '.join(s.missing)}")
    if s.is_outdated:
        said.append(
            f"extracted anew ({s.snapshot_at}) since it was processed (of {s.processed_snapshot_at}); process again"
        )
    return said
