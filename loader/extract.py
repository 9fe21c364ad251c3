"""`extract`: copy the source tables of one or more sites and say what became of each."""

from collections import Counter
from dataclasses import replace
from logging import ERROR, INFO, WARNING
from pathlib import Path

from rich.filesize import decimal

from loader import catalogue, storage
from loader import config as configuration
from loader.config import Site
from loader.console import is_json, say
from loader.errors import Failure, UsageError, stop_if_interrupted
from loader.manifest import Extraction, Outcome
from loader.mysql import parse_uri
from loader.pipeline import extract_site
from loader.work import work_folder

MB = 1_000_000


def extract_sites(
    config: Path | None,
    keys: tuple[str, ...],
    data_dir: str | None,
    db_uri: str | None,
    history: bool | None,
    accept_server: bool,
    schemas: tuple[str, ...],
) -> None:
    """Extract each selected site. A site that fails doesn't stop the others; then raises Failure at the end."""
    sites = configuration.with_database(configuration.select(config, keys, data_dir, default_key="site"), db_uri)
    # `history: false` in a config is only "not": what is kept is dropped by the flag alone
    sites = [replace(site, history=site.history or None) for site in sites]
    if history is not None:
        sites = [replace(site, history=history) for site in sites]
    if schemas:
        sites = [replace(site, schemas=schemas) for site in sites]
    for site in sites:  # every mistake of use before any work
        storage.check_place(site.data_dir, f"data_dir of {site.key}" if config and not data_dir else "--data-dir")
        parse_uri(site.uri, site.db_uri_from)
        try:
            catalogue.choose(site.schemas)
        except UsageError as e:
            raise UsageError(f"{'--schema' if schemas else f'{config}: schemas of {site.key}'}: {e}") from None
    failed = [site.key for site in sites if not _extract(site, accept_server, is_alone=len(sites) == 1)]
    if failed:
        raise Failure(f"not everything was extracted: {', '.join(failed)} (see the warnings above)")


def _extract(site: Site, accept_server: bool, is_alone: bool) -> bool:
    """Extract one site and report it; False when anything but an optional table is missing."""
    stop_if_interrupted()
    with work_folder() as work:
        try:
            extraction = extract_site(site, work, lambda o: _report(site, o), accept_server)
        except Failure as e:
            if is_alone:
                raise
            say(ERROR, f"{site.key}: {e}", site=site.key)
            return False
    _summarise(site, extraction)
    stop_if_interrupted()  # by a signal that came while files were put in place, or removed
    return not any(outcome.is_loss for outcome in extraction.outcomes)


def _report(site: Site, outcome: Outcome) -> None:
    """A line about a table; optional tables that are missing are told all at once, at the end."""
    name = outcome.table.full_name
    facts = {"event": "table", "site": site.key, "table": name, **outcome.record()}
    if outcome.status == "copied":
        line = f"{name:<36} {outcome.rows:>12,} rows {decimal(outcome.bytes):>9} {outcome.seconds:>7.1f} s"
        say(INFO, line, **facts)
        for column, count in outcome.zero_dates.items():
            if count:
                words = f"{name}.{column}: {count:,} zero dates are not dates; written as null"
                say(WARNING, words, **{**facts, "event": "zero_dates", "column": column, "count": count})
        if outcome.lacking:
            words = f"{name} lacks {', '.join(outcome.lacking)}, which every release has (see print-grant-sql)"
            say(WARNING, f"{words}{_incomplete(outcome)}", **{**facts, "event": "lacking"})
        if outcome.remark:
            say(WARNING, f"{name}: {outcome.remark}", **{**facts, "event": "remark"})
        _report_fall(site, outcome)
        return
    if outcome.status == "skipped" and outcome.table.optional and not outcome.has_earlier_file:
        return
    granted = "" if outcome.code is None or outcome.status == "failed" else " (see print-grant-sql)"
    lost = f"{granted}{_incomplete(outcome)}"
    kept = "; the file of an earlier extraction stays" if outcome.has_earlier_file else ""
    say(WARNING, f"{name} {outcome.status}: {outcome.reason}{lost}{kept}", **facts)


def _incomplete(outcome: Outcome) -> str:
    metrics = ", ".join(outcome.table.metrics)
    return f"; without it these metrics are incomplete: {metrics}" if metrics else ""


def _report_fall(site: Site, outcome: Outcome) -> None:
    """What has vanished from the database since the last extraction."""
    name, facts = outcome.table.full_name, {"event": "fall", "site": site.key, "table": outcome.table.full_name}
    if outcome.dropped:
        say(WARNING, f"{name}: {outcome.dropped:,} rows that had vanished are kept no longer (--no-history)", **facts)
    if not outcome.fall:
        return
    if outcome.vanished:
        words = f"{name}: {outcome.fall:,} rows have vanished from the database since, and are kept"
        say(INFO if outcome.rows else WARNING, words + ("" if outcome.rows else "; no row is left"), **facts)
        return
    say(
        WARNING,
        f"{name}: {outcome.fall:,} rows fewer than in the last extraction, {outcome.rows:,} now: what the cloud has "
        "purged is lost from here on; `history: true` keeps it",
        **facts,
    )


def _summarise(site: Site, extraction: Extraction) -> None:
    """The closing table, what is missing, and one line for all."""
    copied, failed, skipped = (extraction.having(s) for s in ("copied", "failed", "skipped"))
    rows = sum(o.rows for o in copied)
    optional = [o.table.full_name for o in skipped if o.table.optional]
    if not is_json():
        _print_table(extraction)
    if optional:
        words = f"optional tables that are not there: {_abridged(optional)}"
        say(INFO, words, event="optional", site=site.key, tables=optional)
    say(
        INFO,
        f"{site.key}: {len(copied)} tables, {rows:,} rows in {site.data_dir} as of {extraction.snapshot_at[:19]} UTC; "
        f"{len(skipped)} skipped, {len(failed)} failed",
        event="summary",
        site=site.key,
        run_id=extraction.run_id,
        snapshot_at=extraction.snapshot_at,
        rows=rows,
        bytes=sum(o.bytes for o in copied),
        **{status: len(extraction.having(status)) for status in ("copied", "skipped", "failed")},
    )
    if extraction.snapshots > 1:
        say(
            WARNING,
            f"{site.key}: the connection was lost; the tables come from {extraction.snapshots} snapshots",
            event="snapshots",
            site=site.key,
            snapshots=extraction.snapshots,
        )


def _abridged(names: list[str]) -> str:
    """How many tables, by database; its name alone stands for all of its: `ironic, keystone, nova (2)`."""
    missing = Counter(name.split(".")[0] for name in names)
    is_whole = {schema: count == len(catalogue.choose((schema,))) for schema, count in missing.items()}
    parts = sorted((s if is_whole[s] else f"{s} ({n})" for s, n in missing.items()), key=lambda part: "(" in part)
    return ", ".join(parts)


def _print_table(extraction: Extraction) -> None:
    """What became of the tables that are there, or should be."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("table", overflow="fold")
    for head in ("rows", "gone", "kept", "size", "time"):
        table.add_column(head, justify="right", no_wrap=True)
    for outcome in extraction.outcomes:
        name = outcome.table.full_name
        if outcome.status == "copied":
            gone, kept = (f"{n:,}" if n else "" for n in (outcome.fall, outcome.vanished))
            size, seconds = decimal(outcome.bytes), f"{outcome.seconds:.1f} s"
            table.add_row(name, f"{outcome.rows:,}", gone, kept, size, seconds)
        elif outcome.is_loss:
            table.add_row(name, outcome.status, "", "", "", "")
    Console(highlight=False).print(table)
