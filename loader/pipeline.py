"""Extraction of one site: a dlt pipeline with one resource a table, whose destination puts whole files in place."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from logging import DEBUG
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pymysql.err import MySQLError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from loader import catalogue, history
from loader.catalogue import Table
from loader.columns import Copied
from loader.config import Site
from loader.console import Bars, say
from loader.earlier import Earlier
from loader.errors import Failure, Interrupted, stop_if_interrupted, uninterrupted
from loader.manifest import MARK, Extraction, Outcome
from loader.mysql import ABSENT, STALE, Server, parse_uri
from loader.placement import Placement, held
from loader.refused import explain

READS = 3  # of a table whose connection is lost in the middle


@dataclass
class Run:
    """An extraction of a site: what its steps share."""

    site: Site
    server: Server
    work: Path
    done: Callable[[Outcome], None]
    bars: Bars
    earlier: Earlier
    id: str
    outcomes: list[Outcome] = field(default_factory=list)

    def record(self, outcome: Outcome) -> None:
        self.bars.stop()
        outcome.has_earlier_file = outcome.status != "copied" and self.earlier.has_file(outcome.table)
        self.outcomes.append(outcome)
        self.done(outcome)

    def marks(self) -> dict[str, str]:
        """What a file says of its origin, in its metadata."""
        server = self.server
        facts = {"run_id": self.id, "snapshot_at": server.snapshot_at, "server": server.identity or ""}
        return {MARK + name: value for name, value in facts.items()}


def quiet_dlt(work: Path) -> Any:
    """The dlt module, set up by its environment: nothing of it leaves `work`, no telemetry, no user's config file."""
    os.environ.update(
        DLT_DATA_DIR=str(work),
        DLT_PROJECT_DIR=str(work),
        DLT_DISABLE_PLUGINS="true",
        RUNTIME__DLTHUB_TELEMETRY="false",
        RUNTIME__LOG_LEVEL="CRITICAL",
        RUNTIME__INTERCEPT_SIGNALS="false",  # it would finish its step first, or all, and forget the signal
        SCHEMA__NAMING="loader.naming",
        DATA_WRITER__DISABLE_COMPRESSION="true",
        LOAD__DELETE_COMPLETED_JOBS="true",
        LOAD__WORKERS="2",  # of uploads, each with parts in memory
    )
    import dlt
    from dlt.pipeline import trace

    trace.TRACKING_MODULES = []  # with telemetry off they still make a user's id, in the home folder or /var/dlt
    return dlt


def _is_stale(error: BaseException) -> bool:
    return isinstance(error, MySQLError) and error.args[0] in STALE


def _read(run: Run, table: Table, path: Path) -> tuple[pa.Schema, Copied]:
    """Read a table into a file; when the connection is lost it is made again, and the table read from its start."""
    retrying = Retrying(
        retry=retry_if_exception(_is_stale), stop=stop_after_attempt(READS), wait=wait_fixed(0.5), reraise=True
    )
    for attempt in retrying:
        with attempt:
            if attempt.retry_state.attempt_number > 1:
                run.server.close()
                run.bars.restart()
            run.server.ensure_open()
            schema = run.server.schema(table)
            return schema, run.server.copy(table, schema.with_metadata(run.marks()), path, run.bars.advance)
    raise AssertionError("tenacity returns or raises")


def _estimate(run: Run, table: Table) -> int | None:
    """About how many rows are to come, for a bar; a connection that is gone is made again only to read."""
    if not run.bars.are_shown:
        return None
    try:
        return run.server.estimate(table)
    except MySQLError:
        return None


def _copy(run: Run, table: Table) -> tuple[Outcome, Path]:
    """Copy a table and keep its history; says what became of it, also when that failed."""
    started = time.monotonic()
    path = run.work / f"{table.full_name}.parquet"
    about = _estimate(run, table)
    say(DEBUG, f"{table.full_name}: reading" + (f", about {about:,} rows" if about else ""), table=table.full_name)
    run.bars.start(table.full_name, about)
    try:
        schema, copied = _read(run, table, path)
        outcome = Outcome(table, "copied", copied.rows, zero_dates=copied.zero_dates, columns=schema.names)
        outcome.lacking = table.lacking(schema.names)
        run.earlier.add_to(outcome, path, run.server, run.server.key(schema), run.work / "spill")
        outcome.seconds, outcome.bytes = time.monotonic() - started, path.stat().st_size
        return outcome, path
    except (MySQLError, pa.ArrowInvalid, history.Unmergeable) as e:
        path.unlink(missing_ok=True)
        return _missed(table, e), path


def _missed(table: Table, error: Exception) -> Outcome:
    """A table that could not be copied, and why: not there or not granted, or failed."""
    code = error.args[0] if isinstance(error, MySQLError) and isinstance(error.args[0], int) else None
    return Outcome(table, "skipped" if code in ABSENT else "failed", code=code, reason=explain(error))


def _find(run: Run) -> list[Table]:
    """The tables of the catalogue that this database has; the others are recorded."""
    found = []
    for table in catalogue.choose(run.site.schemas):
        if table.schema == "blazar" and not run.site.blazar:
            continue
        try:
            run.server.ensure_open()
            run.server.schema(table)
            found.append(table)
        except MySQLError as e:
            run.record(_missed(table, e))
    return found


def _hints(dlt: Any, schema: pa.Schema) -> Any:
    """What dlt is to know of a file's columns: exactly what they are, else it would write the file anew."""
    from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns

    columns = py_arrow_to_table_schema_columns(schema)
    for column in columns.values():
        if column["data_type"] == "timestamp":
            column["timezone"] = False  # it labels naive ones as UTC unless told not to
    return dlt.mark.make_hints(columns=columns)


def _site_source(dlt: Any, run: Run, tables: list[Table]) -> Any:
    """The dlt source of a site. A table's resource writes its whole file and hands it to dlt by name."""

    def rows(table: Table) -> Iterator[Any]:
        outcome, path = _copy(run, table)
        run.record(outcome)
        if outcome.status == "copied":
            hints = _hints(dlt, pq.read_schema(path))
            yield dlt.mark.with_file_import(str(path), "parquet", outcome.rows, hints)

    @dlt.source(name="site")
    def site() -> Iterator[Any]:
        for table in tables:
            # its names can't hold a dot, so the file's name travels in a hint
            resource = dlt.resource(rows, name=table.full_name.replace(".", "__"))(table)
            resource.apply_hints(additional_table_hints={"x-file": table.full_name})
            yield resource

    return site()


def extract_site(
    site: Site, work: Path, done: Callable[[Outcome], None] = lambda _: None, accept_server: bool = False
) -> Extraction:
    """Copy every table of the catalogue that the site's database has to `data_dir`; `done` is told of each table.

    Files appear only after all tables were read, each whole, the manifest last; a table that failed keeps its earlier
    file. Raises Failure when the database can't be reached, nothing could be copied, kept history would be lost or
    mixed with another server's, or a file can't be put in place; then local files are all as before, and in object
    storage those that were replaced are named.
    """
    server = Server(parse_uri(site.uri, site.db_uri_from))
    run_id = uuid.uuid4().hex
    try:
        with held(site.data_dir, run_id):
            run = Run(site, server, work, done, Bars(), Earlier.look(site, accept_server), run_id)
            run.earlier.refuse_loss(catalogue.choose(site.schemas), server)
            with run.bars.shown():
                return _extract(run)
    finally:
        server.close()


def _extract(run: Run) -> Extraction:
    dlt = quiet_dlt(run.work)
    from dlt.common.destination.exceptions import DestinationTerminalException

    placement = Placement(run.site.data_dir)

    @dlt.destination(batch_size=0, loader_file_format="parquet", name="data_dir", naming_convention="loader.naming")
    def data_dir(path: str, table: dict[str, Any]) -> None:
        try:
            run.server.close()  # all is read: an idle snapshot would hold the database's old rows
            name = table["x-file"]
            if Path(path).stat().st_size != next(o.bytes for o in run.outcomes if o.table.full_name == name):
                raise Failure(f"{name}: dlt has written its file anew, which would change it")
            placement.take(Path(path), name)
        except Failure as e:
            raise DestinationTerminalException(str(e)) from None

    pipeline = dlt.pipeline("extract", destination=data_dir, pipelines_dir=str(run.work / "pipelines"))
    pipeline.drop()  # a pending package of a failed run would be loaded instead of the new data
    try:
        tables = _find(run)
        if tables:
            pipeline.run(_site_source(dlt, run, tables))
        extraction = _told(run)
        with uninterrupted("placing"):
            placement.finish()
            extraction.write(run.site.data_dir, run.work, run.earlier.told)
        return extraction
    except Failure:
        raise
    except Interrupted as e:
        placement.abandon()
        raise Interrupted(e.number, placement.mixed()) from None
    except Exception as e:
        stop_if_interrupted()
        raise placement.failure(e) from e
    finally:
        placement.abandon()


def _told(run: Run) -> Extraction:
    """What became of all tables; raises Failure if none was copied."""
    server = run.server
    extraction = Extraction(
        run.outcomes,
        run.id,
        server.snapshot_at,
        server.snapshots,
        server.version,
        server.identity,
        # what --no-history dropped is gone; without any word nothing was kept
        bool(run.site.history),
    )
    if not extraction.having("copied"):
        first = next((o for o in run.outcomes if o.is_loss), run.outcomes[0])
        advice = "see `chameleon-usage print-grant-sql`"
        raise Failure(f"nothing could be copied; {first.table.full_name}: {first.reason}; {advice}")
    return extraction
