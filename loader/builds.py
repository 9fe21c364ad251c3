"""dbt builds of our project, in this process: a site each."""

import gc
import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from logging import WARNING
from pathlib import Path
from typing import Any, NamedTuple

from loader import __version__, catalogue, storage
from loader.catalogue import project_dir
from loader.config import Site
from loader.console import say
from loader.errors import Failure, Interrupted, UsageError, stop_if_interrupted
from loader.parallel import Progress
from loader.reasons import UNREADABLE, why

SUMMARY = "chameleon_usage_summary "
OUR_EVENT = "JinjaLogDebug"  # what our macros log
UNUSED = tuple(  # macros of dbt for what our project has not; dbt hands every macro to every node, twice
    f"macros/{folder}/"
    for folder in (
        *("materializations/snapshots", "materializations/functions", "materializations/models/incremental"),
        *("materializations/models/clone", "materializations/incremental_strategy", "python_model", "utils"),
        *("relations/materialized_view", "unit_test_sql"),
    )
)
SMALL = 50_000_000  # bytes of extracted files: memory for two queries at once is no matter


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
    """What a run of a site put in place: file names, its resource-hours by (metric, resource), its quality findings.

    `is_unchanged`: the files were there before, of the same inputs, and nothing was done.
    """

    files: list[str] = field(default_factory=list)
    hours: dict[tuple[str, str], float] = field(default_factory=dict)
    quality: list[Finding] = field(default_factory=list)
    is_unchanged: bool = False


def project_flags(target: Path, logs: Path) -> list[str]:
    """Flags with which dbt runs our project: it writes to `target` and `logs` alone, and says nothing itself."""
    project = str(project_dir())
    return [
        *("--project-dir", project, "--profiles-dir", project, "--target-path", str(target)),
        *("--log-level", "none", "--log-level-file", "none", "--log-path", str(logs), "--no-version-check"),
    ]


@dataclass(frozen=True)
class Options:
    """What is asked for of every site alike: the window, ISO text in UTC, and the flags of `process`."""

    start: str
    end: str
    resample: str | None
    wide: bool
    allow_failed: bool

    def variables(self, site: Site, output: str) -> dict[str, Any]:
        """The vars of a site's build."""
        return {
            "site": site.key,
            "data_dir": site.data_dir,
            "output": output,
            "start_date": self.start,
            "end_date": self.end,
            "allow_failed": self.allow_failed,
            "resample": self.resample,
            "wide": self.wide,
            "has_blazar": site.blazar,
        }


class Limits(NamedTuple):
    """What DuckDB may use for a site."""

    memory: str
    threads: int


def dbt_runner(command: str):
    """dbt's runner, without telemetry and with a database in memory; UsageError if the extra is missing."""
    gc.disable()  # dbt makes millions of small objects that all live to the end
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
    _hear_less()
    return dbtRunner


def _hear_less() -> None:
    """Leave out dbt's debug events, of which nobody hears: making them into messages is an eighth of a small build."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager

    class Few(EventManager):
        def fire_event(self, e: BaseEvent, level: EventLevel | None = None, *more: Any, **named: Any) -> None:
            if type(e).__name__ == OUR_EVENT or (level or e.level_tag()) != EventLevel.DEBUG:
                super().fire_event(e, level, *more, **named)

    ctx_set_event_manager(Few())


class Dbt:
    """dbt's runner with our project: parsed once, without any var so that partial parsing holds, then run a site."""

    def __init__(self, work: Path, limits: Limits, options: Options):
        self.runner = dbt_runner("process")
        os.environ.update(CHAMELEON_USAGE_MEMORY_LIMIT=limits.memory, CHAMELEON_USAGE_THREADS=str(limits.threads))
        self.work, self.limits, self.options = work, limits, options
        cache = parse_cache(work)
        parsed = self.runner().invoke(["parse", "--no-write-json", *project_flags(cache, work)])
        stop_if_interrupted()
        if not parsed.success:
            raise Failure(f"dbt cannot read its own project: {storage.reason(parsed.exception)}")
        self.manifest = parsed.result
        macros = self.manifest.macros.items()
        self.manifest.macros = {key: m for key, m in macros if not m.original_file_path.startswith(UNUSED)}
        gc.freeze()  # what is there now stays
        gc.set_threshold(200_000, 50, 50)
        gc.enable()

    def build(self, site: Site, output: str, progress: Progress) -> Published:
        """Build, check and publish one site; raises Failure, its files unchanged, if anything fails."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        from loader.publisher import abandon

        gc.collect()  # what the site before left; frozen objects are not walked through
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

        variables = self.options.variables(site, output)
        flags = [
            *("--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure"),
            *self._unasked(variables),
            "--no-write-json",
            "--no-populate-cache",
            *("--threads", "2" if self.limits.threads > 1 and _is_small(site.data_dir) else "1"),
            *project_flags(folder / "target", self.work),
        ]
        try:
            ran = self.runner(manifest=self.manifest, callbacks=[listen]).invoke(
                ["build", "--vars", json.dumps(variables, ensure_ascii=False), *flags]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()
            abandon()
        try:
            stop_if_interrupted()
        except Interrupted as e:
            if published.files:
                raise Interrupted(e.number, f"; the files of {site.key} are those of this run") from None
            raise
        if not ran.success or not published.files:
            reason = why(ran)
            if UNREADABLE.search(reason):  # DuckDB doesn't say which file
                remote = storage.s3_filesystem() if storage.is_remote(site.data_dir) else None
                storage.check_pages(remote, site.data_dir, list(catalogue.load()))
            raise Failure(reason)
        return published

    def _unasked(self, variables: dict[str, Any]) -> list[str]:
        """Flags that leave out the models of files that were not asked for, and their tests."""
        models = [node for node in self.manifest.nodes.values() if node.resource_type == "model"]
        unasked = [m.name for m in models if m.config.meta.get("if") and not variables[m.config.meta["if"]]]
        return ["--exclude", *(f"{name}+" for name in unasked)] if unasked else []


def _is_small(data_dir: str) -> bool:
    """Is nearly all the time of a build dbt's own? Then one thread of it goes on while the other waits for DuckDB."""
    if storage.is_remote(data_dir):
        return False
    return sum(f.stat().st_size for f in Path(data_dir).glob("*.parquet") if f.is_file()) < SMALL


def forget() -> None:
    """Let the program exit without walking through dbt's objects once more."""
    gc.freeze()
    gc.disable()


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
