"""dbt builds of our project, in this process: a site each."""

import gc
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from logging import DEBUG, WARNING
from pathlib import Path
from typing import Any, NamedTuple

from loader import catalogue, manifest, parsed, storage
from loader.config import Site
from loader.console import say
from loader.errors import Failure, Interrupted, UsageError, stop_if_interrupted
from loader.machine import gigabytes
from loader.parallel import Progress
from loader.parsed import project_flags
from loader.reasons import UNREADABLE, why

SUMMARY = "chameleon_usage_summary "
OUR_EVENT = "JinjaLogDebug"  # what our macros log
SMALL = (
    50_000_000  # bytes of extracted files: nearly all the time is dbt's, whose second thread goes on while DuckDB works
)
GROWTH = (
    10  # a build may hold so many times the extracted bytes; tables that don't fit are faster in a file than spilled
)
DATABASE = "memory.duckdb"  # a file of the name that dbt gives a database in memory, as the project was parsed with one


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


def dbt_runner(command: str) -> Any:
    """dbt's runner, without telemetry and with a database in memory; UsageError if the extra is missing."""
    gc.disable()  # dbt makes millions of small objects that all live to the end
    try:
        from mashumaro.config import BaseConfig

        BaseConfig.lazy_compilation = True  # of what dbt imports; its own classes ask for it themselves
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
    """Leave out dbt's debug events, of which nobody hears: to make them is a fifth of a small build."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager

    def is_heard(event: BaseEvent) -> bool:
        return type(event).__name__ == OUR_EVENT or event.level_tag() != EventLevel.DEBUG

    class Few(EventManager):
        def fire_event(self, e: BaseEvent, level: EventLevel | None = None, *more: Any, **named: Any) -> None:
            if is_heard(e) and (level != EventLevel.DEBUG or type(e).__name__ == OUR_EVENT):
                super().fire_event(e, level, *more, **named)

    make = BaseEvent.__init__

    def made(event: BaseEvent, *facts: Any, **named: Any) -> None:
        if is_heard(event):
            make(event, *facts, **named)

    BaseEvent.__init__ = made
    ctx_set_event_manager(Few())


class Dbt:
    """dbt's runner with our project: parsed once, then run a site."""

    def __init__(self, work: Path, limits: Limits, options: Options):
        self.runner = dbt_runner("process")
        os.environ.update(CHAMELEON_USAGE_MEMORY_LIMIT=limits.memory, CHAMELEON_USAGE_THREADS=str(limits.threads))
        self.work, self.limits, self.options = work, limits, options
        self.manifest = parsed.manifest(self.runner, work)
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
        size = _bytes(site.data_dir)
        os.environ["CHAMELEON_USAGE_DATABASE"] = self._database(site.key, size, folder)
        variables = self.options.variables(site, output)
        flags = [
            *("--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure"),
            *self._unasked(variables),
            "--no-write-json",
            "--no-populate-cache",
            *("--threads", "2" if self.limits.threads > 1 and size is not None and size < SMALL else "1"),
            *project_flags(folder / "target", self.work),
        ]
        try:
            ran = self.runner(manifest=self.manifest, callbacks=[_listener(site.key, progress, published)]).invoke(
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

    def _database(self, key: str, size: int | None, folder: Path) -> str:
        """Where DuckDB keeps the tables of a site: in memory, or in a file where they would not fit."""
        if (size or 0) * GROWTH <= gigabytes(self.limits.memory) * 1e9:
            return ":memory:"
        folder.mkdir(exist_ok=True)
        file = folder / DATABASE
        say(DEBUG, f"{key}: more than --memory-limit {self.limits.memory} can hold, its tables go to {file}", site=key)
        return str(file)

    def _unasked(self, variables: dict[str, Any]) -> list[str]:
        """Flags that leave out the models of files that were not asked for, and their tests."""
        models = [node for node in self.manifest.nodes.values() if node.resource_type == "model"]
        unasked = [m.name for m in models if m.config.meta.get("if") and not variables[m.config.meta["if"]]]
        return ["--exclude", *(f"{name}+" for name in unasked)] if unasked else []


def _listener(key: str, progress: Progress, published: Published) -> Callable[[Any], None]:
    """What hears dbt's events: it tells the progress of a site, says warnings, and notes what was published."""

    def listen(event: Any) -> None:
        message = getattr(event.data, "msg", "")
        if event.info.name == "LogStartLine":
            progress(event.data.index, event.data.total, event.data.node_info.node_name)
        if event.info.name == "JinjaLogWarning":
            say(WARNING, f"{key}: {message}", site=key)
        if message.startswith(SUMMARY):
            facts = json.loads(message.removeprefix(SUMMARY))
            published.files = facts["files"]
            published.hours = {(metric, resource): hours for metric, resource, hours in facts["hours"]}
            published.quality = [Finding(*row) for row in facts["quality"]]

    return listen


def _bytes(data_dir: str) -> int | None:
    """The size of the extracted files; None if nobody knows: of object storage only the manifest tells."""
    if not storage.is_remote(data_dir):
        return sum(f.stat().st_size for f in Path(data_dir).glob("*.parquet") if f.is_file())
    try:
        tables = manifest.read(data_dir).get("tables", {})
    except Failure:  # the build says what is wrong
        return None
    return sum(entry.get("bytes", 0) for entry in tables.values()) or None


def forget() -> None:
    """Let the program exit without walking through dbt's objects once more."""
    gc.freeze()
    gc.disable()
