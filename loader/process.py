"""`process`: run the dbt project for one or more sites, in this process, and show what was published."""

import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from functools import partial
from logging import DEBUG, ERROR, INFO, WARNING
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from loader import __version__, catalogue, storage
from loader import config as configuration
from loader.catalogue import project_dir
from loader.config import Site
from loader.console import Steps, is_json, say
from loader.errors import Failure, UsageError, stop_if_interrupted
from loader.instants import parse_window
from loader.parallel import Progress, run_all
from loader.work import work_folder

if TYPE_CHECKING:
    from loader.mysql import Address

DEFAULT_MEMORY = "3GB"
MEMORY_EACH = 1.0  # GB: with less, a site of a million instances fails (benchmarks/README.md)
SUMMARY = "chameleon_usage_summary "
BUCKET = re.compile(r"[1-9]\d{0,5}(m|h|d|w|mo|y)")  # as macros/config.sql
MEMORY = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?B)", re.IGNORECASE)


class Finding(NamedTuple):
    """A row of quality.parquet, without its site."""

    check: str
    metric: str | None
    resource: str | None
    action: str | None
    rows: float | None
    hours: float | None
    worst_at: str | None
    worst_value: float | None
    detail: str | None


@dataclass
class Published:
    """What a run of a site put in place: file names, its resource-hours by (metric, resource), its quality findings."""

    files: list[str] = field(default_factory=list)
    hours: dict[tuple[str, str], float] = field(default_factory=dict)
    quality: list[Finding] = field(default_factory=list)


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
) -> None:
    """Process each selected site, and export those that were published if there is a URI to export to.

    A site that fails doesn't stop the others; then raises Failure at the end.
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
    jobs = min(jobs or jobs_within(limit), len(sites))
    results: dict[str, Published | Failure] = {}
    with work_folder() as work:
        dbt = Dbt(work, limit, threads, jobs, allow_failed, resample, wide or target is not None)
        runs = {site.key: partial(dbt.build, site, outputs[site.key], start, end) for site in sites}
        with Steps().shown() as shown:

            def progress(key: str, done: int, of: int, what: str) -> None:
                say(DEBUG, f"{key}: {done} of {of}, {what}", site=key, step=done, steps=of, node=what)
                shown(key, done, of, what)

            for key, result in run_all(runs, jobs, progress):
                if isinstance(result, Failure):
                    if len(sites) == 1:
                        raise result
                    say(ERROR, f"{key}: {result}", site=key)
                results[key] = result
        _show({site.key: site.name for site in sites}, results, start, end)
        if target:
            _export({key: done for key, done in results.items() if isinstance(done, Published)}, target, work)
    dbt.forget()
    if failed := [key for key, result in results.items() if isinstance(result, Failure)]:
        raise Failure(
            f"{len(failed)} of {len(sites)} sites not processed, their files are as before: {', '.join(failed)}"
        )


def _export_address(uri: str | None) -> "Address | None":
    """Where to export to: --export-uri, else $EXPORT_URI; None for nowhere."""
    from loader.mysql import parse_uri

    origin = "--export-uri" if uri else "$EXPORT_URI"
    uri = uri or os.environ.get("EXPORT_URI")
    return parse_uri(uri, origin) if uri else None


def _export(published: dict[str, Published], target: "Address", work: Path) -> None:
    """Export the sites that were published."""
    from loader import export

    files = {key: file for key, done in published.items() for file in done.files if file.endswith(f"/{export.FILE}")}
    if files:
        count = export.export(files, target, work)
        say(INFO, f"exported {count:,} rows to {export.SCHEMA}.{export.TABLE} as {target}", rows=count)


def _show(names: dict[str, str], results: dict[str, Published | Failure], start: str, end: str) -> None:
    """What was published, in the order of the config, and of several sites what became of each."""
    from loader.tables import print_hours, print_quality, print_results

    published = {key: results[key] for key in names if isinstance(results[key], Published)}
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
        print_results({names[key]: results[key] for key in names})


def jobs_within(memory_limit: str) -> int:
    """How many sites at once: a core each, and at least MEMORY_EACH of memory."""
    number, unit = re.fullmatch(r"([\d.]+)\s*(\w)i?B", memory_limit, re.IGNORECASE).groups()
    gigabytes = float(number) * {"k": 1e-6, "m": 1e-3, "g": 1, "t": 1e3}[unit.lower()]
    return max(1, min(cores(), int(gigabytes / MEMORY_EACH)))


def share_of(memory_limit: str, jobs: int) -> str:
    """A job's part of the memory."""
    number, unit = re.fullmatch(r"([\d.]+)\s*(\w+)", memory_limit).groups()
    return f"{float(number) / jobs:.6g}{unit}"


def _output(site: Site, output: str | None, config: Path | None) -> str:
    """Where a site's files go: --output, else what the config says."""
    place = output or site.output
    if not place:
        where = f" or `output` of {site.key} in {config}" if config else ""
        raise UsageError(f"missing output for {site.key}: give --output{where}")
    storage.check_place(place, "--output" if output else f"output of {site.key}")
    return configuration.trimmed(place)


def project_flags(target: Path, logs: Path) -> list[str]:
    """Flags with which dbt runs our project: it writes to `target` and `logs` alone, and says nothing itself."""
    project = str(project_dir())
    return [
        *("--project-dir", project, "--profiles-dir", project, "--target-path", str(target)),
        *("--log-level", "none", "--log-level-file", "none", "--log-path", str(logs), "--no-version-check"),
    ]


def dbt_runner(command: str):
    """dbt's runner, without telemetry and with a database in memory; UsageError if the extra is missing."""
    try:
        from dbt.cli.main import dbtRunner
    except ImportError:
        raise UsageError(f"{command} needs an extra: pip install 'chameleon-usage[pipeline]'") from None
    os.environ.update(
        DO_NOT_TRACK="1",
        PYTHONWARNINGS="ignore:resource_tracker",  # of dbt's semaphores, when a run is interrupted
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
        CHAMELEON_USAGE_DATABASE=":memory:",
    )
    return dbtRunner


class Dbt:
    """dbt's runner with our project: parsed once, without any var so that partial parsing holds, then run a site."""

    def __init__(
        self,
        work: Path,
        memory_limit: str,
        threads: int | None,
        jobs: int,
        allow_failed: bool,
        resample: str | None,
        wide: bool,
    ):
        self.runner = dbt_runner("process")
        import gc

        gc.set_threshold(200_000, 50, 50)  # dbt makes millions of small objects that all live to the end
        os.environ.update(
            CHAMELEON_USAGE_MEMORY_LIMIT=share_of(memory_limit, jobs),
            CHAMELEON_USAGE_THREADS=str(threads or max(1, cores() // jobs)),
        )
        self.work = work
        self.allow_failed, self.resample, self.wide = allow_failed, resample, wide
        cache = parse_cache(work)
        parsed = self.runner().invoke(["parse", "--no-write-json", *project_flags(cache, work)])
        stop_if_interrupted()
        if not parsed.success:
            raise Failure(f"dbt cannot read its own project: {storage.reason(parsed.exception)}")
        self.manifest = parsed.result
        gc.freeze()  # what is there now stays

    def build(self, site: Site, output: str, start: str, end: str, progress: Progress) -> Published:
        """Build, check and publish one site; raises Failure, its files unchanged, if anything fails."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        from loader.publisher import abandon

        published = Published()
        folder = self.work / site.key
        os.environ["CHAMELEON_USAGE_TEMP"] = str(folder / "spill")

        def listen(event) -> None:
            message = getattr(event.data, "msg", "")
            if event.info.name == "LogStartLine":
                progress(event.data.index, event.data.total, event.data.node_info.node_name)
            if event.info.name == "JinjaLogWarning":
                say(WARNING, f"{site.key}: {message}", site=site.key)
            if message.startswith(SUMMARY):
                facts = json.loads(message.removeprefix(SUMMARY))
                published.files = facts["files"]
                published.hours = {(metric, resource): hours for metric, resource, hours in facts["hours"]}
                published.quality = [Finding(*row) for row in facts["quality"]]

        variables = {
            "site": site.key,
            "data_dir": site.data_dir,
            "output": output,
            "start_date": start,
            "end_date": end,
            "allow_failed": self.allow_failed,
            "resample": self.resample,
            "wide": self.wide,
            "has_blazar": site.blazar,
        }
        flags = [
            *("--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure"),
            "--no-write-json",
            "--no-populate-cache",
            *project_flags(folder / "target", self.work),
        ]
        try:
            ran = self.runner(manifest=self.manifest, callbacks=[listen]).invoke(
                ["build", "--vars", json.dumps(variables, ensure_ascii=False), *flags]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()
            abandon()
        stop_if_interrupted()
        if not ran.success or not published.files:
            reason = why(ran)
            if UNREADABLE.search(reason):  # DuckDB doesn't say which file
                remote = storage.s3_filesystem() if storage.is_remote(site.data_dir) else None
                storage.check_pages(remote, site.data_dir, list(catalogue.load()))
            raise Failure(reason)
        return published

    def forget(self) -> None:
        """Exit without walking through dbt's objects once more."""
        import gc

        gc.freeze()
        gc.disable()


def cores() -> int:
    """Cores that this process may use; of the machine where the system doesn't tell (macOS)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_cache(work: Path) -> Path:
    """Where dbt keeps the parsed project between runs: the user's cache folder, or one for this run."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = base / "chameleon-usage" / f"{__version__}-{re.sub(r'[^A-Za-z0-9]+', '-', str(project_dir()))[-80:]}"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # no home, or none that we may write to
        return work / "cache"


def why(ran) -> str:
    """The first thing that went wrong in a dbt run, in one line."""
    results = getattr(ran.result, "results", None) or []
    for result in results:
        if result.status in ("error", "fail", "runtime error"):
            name = result.node.name
            if result.node.resource_type == "test":
                return f"check {name} failed: {plain(result.message)}; nothing was published"
            return plain(result.message)
    if ran.exception is not None:
        return plain(str(ran.exception))
    skipped = [r.node.name for r in results if r.status == "skipped"]
    return f"dbt did not run {skipped[0]}" if skipped else "dbt published nothing"


NOISE = re.compile(r"^\s*(>.*|compiled code at.*|(Compilation|Database|Runtime) Error( in .*)?)$")
UNREADABLE = re.compile(
    r"No magic bytes|don't know what type|[Dd]ecompress|[Ss]nappy|TProtocolException|[Pp]arquet|ZSTD|[Cc]orrupt"
)
WRITING = re.compile(r"""Could not write file \\*"(?P<file>.+?)\\*": (?P<why>[^"\\]+)""")
HINTS = {
    r"Out of Memory": "raise --memory-limit, or free disk space for temporary files",
    r"No space left on device": "free disk space; temporary files go to $TMPDIR",
}


def plain(message: str | None) -> str:
    """dbt's message without its frame: what a user can act on, with a hint where we know one."""
    text = re.sub(r"\n\s*LINE \d+:.*(\n.*\^)?", "", message or "")  # DuckDB shows the SQL: of no use here
    text = "; ".join(line.strip() for line in text.splitlines() if line.strip() and not NOISE.match(line))
    if written := WRITING.search(text):
        hint = " (free disk space)" if "No space" in written["why"] else ""
        return f"cannot write {re.sub(r'/[.]part-[^/]+', '', written['file'])}: {written['why']}{hint}"
    text = text.removeprefix("Invalid Input Error: ").removeprefix("IO Error: ") or "no message"
    for pattern, hint in HINTS.items():
        if re.search(pattern, text):
            return f"{text} ({hint})"
    return text
