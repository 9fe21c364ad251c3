"""`extract`: copy the source tables of one or more sites and say what became of each."""

import tempfile
from pathlib import Path

import click

from loader import config as configuration
from loader import storage
from loader.config import Site
from loader.errors import Failure
from loader.mysql import parse_uri
from loader.pipeline import Extraction, Outcome, extract_site


def extract_sites(config: Path | None, keys: tuple[str, ...], data_dir: str | None, db_uri: str | None) -> None:
    """Extract each selected site. A site that fails doesn't stop the others; then raises Failure at the end."""
    sites = configuration.with_database(configuration.select(config, keys, data_dir, default_key="site"), db_uri)
    for site in sites:  # every mistake of use before any work
        storage.check_place(site.data_dir, f"data_dir of {site.key}" if config and not data_dir else "--data-dir")
        parse_uri(site.db_uri.get_secret_value(), site.db_uri_from)
    failed = [site.key for site in sites if not _extract(site, is_alone=len(sites) == 1)]
    if failed:
        raise Failure(f"not everything was extracted: {', '.join(failed)}")


def _extract(site: Site, is_alone: bool) -> bool:
    """Extract one site and report it; False when anything but an absent table went wrong."""
    with tempfile.TemporaryDirectory(prefix="chameleon-usage-", ignore_cleanup_errors=True) as work:
        try:
            extraction = extract_site(site, Path(work), lambda o: _report(site, o))
        except Failure as e:
            if is_alone:
                raise
            click.echo(f"Error: {site.key}: {e}", err=True)
            return False
    return _summarise(site, extraction)


def _report(site: Site, outcome: Outcome) -> None:
    name = outcome.table.full_name
    if outcome.status == "copied":
        click.echo(f"{name:<36} {outcome.rows:>12,} rows {outcome.seconds:>7.1f} s")
        for column, count in outcome.zero_dates.items():
            if count:
                click.echo(f"Warning: {name}.{column}: {count:,} zero dates are not dates; written as null", err=True)
        return
    stale = storage.exists(f"{site.data_dir}/{name}.parquet")
    kept = "; the file of an earlier extraction stays" if stale else ""
    if outcome.status == "skipped" and outcome.table.optional and not stale:
        click.echo(f"{name:<36}      skipped (optional): {outcome.reason}")
        return
    lost = f"; without it these metrics are incomplete: {', '.join(outcome.table.metrics)}"
    click.echo(f"Warning: {name} {outcome.status}: {outcome.reason}{lost}{kept}", err=True)


def _summarise(site: Site, extraction: Extraction) -> bool:
    copied, failed = extraction.having("copied"), extraction.having("failed")
    rows = sum(o.rows for o in copied)
    click.echo(
        f"{site.key}: {len(copied)} tables, {rows:,} rows in {site.data_dir} as of {extraction.snapshot_at[:19]} UTC; "
        f"{len(extraction.having('skipped'))} skipped, {len(failed)} failed"
    )
    if extraction.snapshots > 1:
        click.echo(
            f"Warning: {site.key}: the connection was lost; the tables come from {extraction.snapshots} snapshots",
            err=True,
        )
    return not failed
