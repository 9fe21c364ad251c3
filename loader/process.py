"""`process`: run the dbt project for one or more sites, in this process, and show what was published."""

import os
import re
from functools import partial
from logging import DEBUG, ERROR, INFO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loader import config as configuration
from loader import inputs, storage
from loader.builds import Dbt, Limits, Options, Published, forget
from loader.config import Site
from loader.console import Steps, is_json, say
from loader.errors import Failure, UsageError
from loader.instants import parse_window
from loader.machine import MEMORY, cores, jobs_within, share_of
from loader.parallel import run_all
from loader.work import work_folder

if TYPE_CHECKING:
    from loader.mysql import Address

DEFAULT_MEMORY = "3GB"
BUCKET = re.compile(r"[1-9]\d{0,5}(m|h|d|w|mo|y)")  # as macros/config.sql


def process_sites(
    config: Path | None,
    keys: tuple[str, ...],
    data_dir: str | None,
    output: str | None,
    start_date: str,
    end_date: str,
    memory_limit: str | None,
    threads: int | None,
    jobs: int | None,
    allow_failed: bool,
    resample: str | None,
    wide: bool,
    export_uri: str | None,
    force: bool,
) -> None:
    """Process each selected site, and export those that were published if there is a URI to export to.

    A site whose outputs are of the same inputs is left as it is, unless `force`. A site that fails doesn't stop the
    others; then raises Failure at the end.
    """
    start, end = parse_window(start_date, end_date)
    if resample and not BUCKET.fullmatch(resample):
        raise UsageError(f"--resample {resample!r} is not a length; write 15m, 1h, 1d, 7d, 1w, 1mo or 1y")
    limit = memory_limit or DEFAULT_MEMORY
    if not MEMORY.fullmatch(limit):
        raise UsageError(f"--memory-limit {memory_limit!r} is not a size; write 1GB or 800MB")
    target = _export_address(export_uri)
    sites = configuration.select(config, keys, data_dir)
    for site in sites:
        storage.check_place(site.data_dir, f"data_dir of {site.key}" if config and not data_dir else "--data-dir")
    outputs = {site.key: _output(site, output, config) for site in sites}
    options = Options(start, end, resample, wide or target is not None, allow_failed)
    results = {} if force else _unchanged(sites, outputs, options)
    with work_folder() as work:
        changed = [site for site in sites if site.key not in results]
        jobs = min(jobs or jobs_within(limit), len(changed)) or 1
        limits = Limits(share_of(limit, jobs), threads or max(1, cores() // jobs))
        results |= _build(changed, outputs, options, work, limits, jobs)
        if len(sites) == 1 and isinstance(failed := results[sites[0].key], Failure):
            raise failed
        _show({site.key: site.name for site in sites}, results, start, end)
        if target:
            _export({key: done for key, done in results.items() if isinstance(done, Published)}, target, work)
    forget()
    if lost := [key for key, result in results.items() if isinstance(result, Failure)]:
        raise Failure(f"{len(lost)} of {len(sites)} sites not processed, their files are as before: {', '.join(lost)}")


def _unchanged(sites: list[Site], outputs: dict[str, str], options: Options) -> dict[str, Published | Failure]:
    """The sites whose outputs were made of the same inputs, with the same options."""
    found: dict[str, Published | Failure] = {}
    for site in sites:
        variables = options.variables(site, outputs[site.key])
        try:
            files = inputs.made_before(site.data_dir, f"{outputs[site.key]}/{site.key}", variables)
        except Failure:
            continue  # processing says what is wrong
        if files:
            found[site.key] = Published(files, is_unchanged=True)
            where = f"{outputs[site.key]}/{site.key}"
            sentence = f"nothing to do, {where} is of the same extraction and options; --force makes it anew"
            say(INFO, f"{site.key}: {sentence}", site=site.key)
    return found


def _build(
    sites: list[Site], outputs: dict[str, str], options: Options, work: Path, limits: Limits, jobs: int
) -> dict[str, Published | Failure]:
    """Build these sites, several at once; what became of each."""
    results: dict[str, Published | Failure] = {}
    if not sites:
        return results
    dbt = Dbt(work, limits, options)
    runs = {site.key: partial(dbt.build, site, outputs[site.key]) for site in sites}
    with Steps().shown() as shown:

        def progress(key: str, done: int, of: int, what: str) -> None:
            say(DEBUG, f"{key}: {done} of {of}, {what}", site=key, step=done, steps=of, node=what)
            shown(key, done, of, what)

        for key, result in run_all(runs, jobs, progress):
            if isinstance(result, Failure) and len(sites) > 1:
                say(ERROR, f"{key}: {result}", site=key)
            results[key] = result
    return results


def _export_address(uri: str | None) -> "Address | None":
    """Where to export to: --export-uri, else $EXPORT_URI; None for nowhere."""
    origin = "--export-uri" if uri else "$EXPORT_URI"
    if not (uri := uri or os.environ.get("EXPORT_URI")):
        return None
    from loader.mysql import parse_uri

    return parse_uri(uri, origin)


def _export(published: dict[str, Published], target: "Address", work: Path) -> None:
    """Export the sites that were published."""
    from loader import export

    files = {key: file for key, done in published.items() for file in done.files if file.endswith(f"/{export.FILE}")}
    if files:
        count = export.export(files, target, work)
        say(INFO, f"exported {count:,} rows to {export.SCHEMA}.{export.TABLE} as {target}", rows=count)


def _became(result: Published | Failure) -> str:
    """What became of a site, in words."""
    if isinstance(result, Failure):
        return f"failed: {result}"
    return "unchanged" if result.is_unchanged else f"published, {len(result.files)} files"


def _show(names: dict[str, str], results: dict[str, Published | Failure], start: str, end: str) -> None:
    """What was published, in the order of the config, and of several sites what became of each."""
    from loader.tables import print_hours, print_quality, print_results

    done_or_not = [(key, results[key]) for key in names]
    published = {key: made for key, made in done_or_not if isinstance(made, Published) and not made.is_unchanged}
    if is_json():
        for key, done in published.items():
            hours = [{"metric": m, "resource": r, "hours": h} for (m, r), h in done.hours.items()]
            findings = [finding._asdict() for finding in done.quality]
            say(INFO, f"{key}: published", site=key, files=done.files, hours=hours, findings=findings)
        return
    for done in published.values():
        for file in done.files:
            click.echo(f"wrote {file}")
    if published:
        print_hours({names[key]: done.hours for key, done in published.items()}, start, end)
        for key, done in published.items():
            print_quality(names[key], done.quality)
    if len(names) > 1:
        print_results({names[key]: _became(results[key]) for key in names})


def _output(site: Site, output: str | None, config: Path | None) -> str:
    """Where a site's files go: --output, else what the config says."""
    place = output or site.output
    if not place:
        where = f" or `output` of {site.key} in {config}" if config else ""
        raise UsageError(f"missing output for {site.key}: give --output{where}")
    storage.check_place(place, "--output" if output else f"output of {site.key}")
    return configuration.trimmed(place)
