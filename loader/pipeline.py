"""Extraction of one site: a dlt pipeline with one resource a table, whose destination puts whole files in place."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from tenacity import RetryError, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from loader import __version__, catalogue, storage
from loader.catalogue import Table
from loader.config import Site
from loader.errors import Failure, stop_if_interrupted
from loader.mysql import ABSENT, AWAY, STALE, Copied, MySQLError, Server, explain, parse_uri

ATTEMPTS = 6  # within half a minute: a restart of the server takes less
MANIFEST = "_manifest.json"


@dataclass
class Outcome:
    """What became of one table: status `copied`, `skipped` (not there or not granted) or `failed`, and why."""

    table: Table
    status: str
    rows: int = 0
    seconds: float = 0.0
    zero_dates: dict[str, int] = field(default_factory=dict)
    reason: str | None = None
    columns: list[str] = field(default_factory=list)

    def record(self) -> dict:
        """The table's entry in the manifest."""
        entry = {"status": self.status, "rows": self.rows, "columns": self.columns, "zero_dates": self.zero_dates}
        return entry if self.status == "copied" else {"status": self.status, "reason": self.reason}


@dataclass
class Extraction:
    """What became of a site's tables, and the instant (UTC) of the snapshot that they show."""

    outcomes: list[Outcome]
    snapshot_at: str
    snapshots: int

    def having(self, status: str) -> list[Outcome]:
        return [o for o in self.outcomes if o.status == status]


def _quiet_dlt(work: Path) -> None:
    """dlt reads its settings from the environment: nothing of it leaves `work`, no telemetry, no user's config file."""
    os.environ.update(
        DLT_DATA_DIR=str(work),
        DLT_PROJECT_DIR=str(work),
        DLT_DISABLE_PLUGINS="true",
        RUNTIME__DLTHUB_TELEMETRY="false",
        RUNTIME__LOG_LEVEL="CRITICAL",
        SCHEMA__NAMING="direct",
        DATA_WRITER__DISABLE_COMPRESSION="true",
        LOAD__DELETE_COMPLETED_JOBS="true",
    )


def _is_stale(error: BaseException) -> bool:
    return isinstance(error, MySQLError) and error.args[0] in STALE | AWAY


def _copy(server: Server, table: Table, path: Path) -> tuple[Outcome, pa.Schema | None]:
    """Copy a table, reconnecting with backoff when the connection is lost. Never raises for the table's own errors."""
    started = time.monotonic()
    if server.is_gone:
        return Outcome(table, "failed", reason="the database server is gone"), None
    try:
        retrying = Retrying(
            retry=retry_if_exception(_is_stale),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(min=1, max=20),
        )
        for attempt in retrying:
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    server.open()
                schema = server.schema(table)
                copied: Copied = server.copy(table, schema, path)
        outcome = Outcome(table, "copied", copied.rows, time.monotonic() - started, copied.zero_dates)
        outcome.columns = schema.names
        return outcome, schema
    except (MySQLError, RetryError, pa.ArrowInvalid) as e:
        cause = e.last_attempt.exception() if isinstance(e, RetryError) else e
        absent = isinstance(cause, MySQLError) and cause.args[0] in ABSENT
        server.is_gone = isinstance(cause, MySQLError) and cause.args[0] in AWAY
        path.unlink(missing_ok=True)
        return Outcome(table, "skipped" if absent else "failed", reason=explain(cause)), None


def _find(server: Server, done: Callable[[Outcome], None]) -> dict[Table, pa.Schema]:
    """The tables of the catalogue that this database has, with their columns; the others are reported to `done`."""
    found = {}
    for table in catalogue.load().values():
        try:
            found[table] = server.schema(table)
        except MySQLError as e:
            done(Outcome(table, "skipped" if e.args[0] in ABSENT else "failed", reason=explain(e)))
    return found


def _site_source(dlt, server: Server, tables: dict[Table, pa.Schema], work: Path, done: Callable[[Outcome], None]):
    """The dlt source of a site. A table's resource writes its whole file and hands it to dlt by name."""

    def rows(table: Table):
        path = work / f"{table.full_name}.parquet"
        outcome, schema = _copy(server, table, path)
        done(outcome)
        if schema is not None:
            yield dlt.mark.with_file_import(str(path), "parquet", outcome.rows, schema.empty_table())

    @dlt.source(name="site")
    def site():
        for table, schema in tables.items():
            # dlt labels naive timestamps as UTC unless told not to
            naive = {
                f.name: {"data_type": "timestamp", "timezone": False} for f in schema if pa.types.is_timestamp(f.type)
            }
            # its names can't hold a dot, so the file's name travels in a hint
            resource = dlt.resource(rows, name=table.full_name.replace(".", "__"), columns=naive)(table)
            resource.apply_hints(additional_table_hints={"x-file": table.full_name})
            yield resource

    return site()


def extract_site(site: Site, work: Path, done: Callable[[Outcome], None] = lambda _: None) -> Extraction:
    """Copy every table of the catalogue that the site's database has to `data_dir`; `done` is told of each table.

    Files appear only after all tables were read, each whole, the manifest last; a table that failed keeps its earlier
    file. Raises Failure when the database can't be reached, nothing could be copied, or a file can't be put in place;
    then local files are all as before, and in object storage those that were replaced are named.
    """
    server = Server(parse_uri(site.db_uri.get_secret_value(), site.db_uri_from))
    try:
        with _held(site.data_dir):
            return _extract(server, site, work, done)
    finally:
        server.close()


@contextmanager
def _held(data_dir: str) -> Iterator[None]:
    """Alone in a local data_dir, less the parts of killed runs."""
    if storage.is_remote(data_dir):
        yield
        return
    try:
        Path(data_dir).mkdir(parents=True, exist_ok=True)
        descriptor = storage.lock(Path(data_dir))
    except OSError as e:
        raise Failure(f"cannot write to {data_dir}: {storage.reason(e)}") from None
    try:
        for part in Path(data_dir).glob(".*.parquet.part-*"):
            part.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def _root(error: BaseException) -> BaseException:
    """What began it: dlt wraps errors in its own."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return error


class Placement:
    """The destination's side: files that wait beside their local targets, or that lie in object storage already."""

    def __init__(self, data_dir: str):
        self.data_dir = data_dir
        self.waiting: dict[str, Path] = {}
        self.done: list[str] = []
        self.refused: list[Failure] = []

    def take(self, source: Path, name: str) -> None:
        """Take a finished file; raises Failure when its place can't be written."""
        target = f"{self.data_dir}/{name}.parquet"
        if not storage.is_remote(target):
            self.waiting[target] = storage.prepare(source, target)
            return
        if not self.done:
            storage.remove(f"{self.data_dir}/{MANIFEST}")  # from here on it would not be true
        storage.put(source, target)
        self.done.append(target)

    def finish(self) -> None:
        """Put all local files in place: renames, after everything that can fail."""
        if self.waiting:
            storage.remove(f"{self.data_dir}/{MANIFEST}")
        while self.waiting:
            target, part = self.waiting.popitem()
            part.replace(target)

    def abandon(self) -> None:
        for part in self.waiting.values():
            part.unlink(missing_ok=True)

    def failure(self, error: Exception) -> Failure:
        """What to tell of a run that failed."""
        if not self.refused:
            return Failure(f"extraction failed: {storage.reason(_root(error))}")
        mixed = f"; already of this snapshot: {', '.join(self.done)}" if self.done else ""
        return Failure(f"{self.refused[0]}{mixed}")


def _extract(server: Server, site: Site, work: Path, done: Callable[[Outcome], None]) -> Extraction:
    _quiet_dlt(work)
    import dlt
    from dlt.common.destination.exceptions import DestinationTerminalException

    outcomes: list[Outcome] = []
    placement = Placement(site.data_dir)

    @dlt.destination(batch_size=0, loader_file_format="parquet", name="data_dir", naming_convention="direct")
    def data_dir(path: str, table: dict) -> None:
        try:
            placement.take(Path(path), table["x-file"])
        except Failure as e:
            placement.refused.append(e)
            raise DestinationTerminalException(str(e)) from None

    def record(outcome: Outcome) -> None:
        outcomes.append(outcome)
        done(outcome)

    pipeline = dlt.pipeline("extract", destination=data_dir, pipelines_dir=str(work / "pipelines"))
    pipeline.drop()  # a pending package of a failed run would be loaded instead of the new data
    try:
        tables = _find(server, record)
        if tables:
            pipeline.run(_site_source(dlt, server, tables, work, record))
        placement.finish()
    except Exception as e:
        stop_if_interrupted()
        raise placement.failure(e) from e
    finally:
        placement.abandon()
    extraction = Extraction(outcomes, server.snapshot_at, server.snapshots)
    if not extraction.having("copied"):
        first = outcomes[0]
        advice = "see `chameleon-usage print-grant-sql`"
        raise Failure(f"nothing could be copied; {first.table.full_name}: {first.reason}; {advice}")
    _write_manifest(site, extraction, server.version, work)
    return extraction


def _write_manifest(site: Site, extraction: Extraction, version: str, work: Path) -> None:
    manifest = {
        "format": 1,
        "written_by": f"chameleon-usage {__version__}",
        "server": version,
        "snapshot_at": extraction.snapshot_at,
        "snapshots": extraction.snapshots,
        "tables": {o.table.full_name: o.record() for o in extraction.outcomes},
    }
    path = work / MANIFEST
    path.write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    storage.put(path, f"{site.data_dir}/{MANIFEST}")
