"""dbt-duckdb plugin: the files of a run wait in a part folder of their own and are published together.

macros/published.sql calls it as adapter.store_relation('publisher', none, [], FOLDER, ACTION, JOB); it answers in JOB.
"""

import difflib
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from loader import SCHEMA_VERSION, catalogue, inputs, manifest, storage
from loader.errors import Failure, uninterrupted
from loader.machine import share_of

PART = ".part-"
_parts: dict[tuple[str, str], Path] = {}  # of the runs of this process, by folder and run
_locks: dict[str, int] = {}  # descriptors by folder
NOTHING: Mapping[str, Any] = MappingProxyType(
    {"tables": {}, "failed": [], "zero_dates": [], "snapshot_at": None, "doubts": [], "inputs": None}
)  # unit tests have no data_dir
_lock = threading.Lock()  # dbt may build models in threads


def keep_memory(conn: Any) -> None:
    """Have DuckDB keep half of its memory between statements, rather than give it back: a tenth of the time is else for
    getting it again (benchmarks/README.md). Without, where half of the limit is more than the machine has."""
    (limit,) = conn.execute("select current_setting('memory_limit')").fetchone()
    with suppress(duckdb.InvalidInputException):
        conn.execute(f"set global block_allocator_memory = '{share_of(limit, 2)}'")


class Plugin(BasePlugin):
    """Actions: `vars` (which of the `given` are none); `connect` (see which tables there are, let DuckDB read s3://),
    which is told `data_dir`, `folder`, the `given` vars and `is_whole`; `tables` (tell again); `locate` and `stage`
    (make) the part folder; `publish`; `discard`. Before it was connected it says `is_unknown`."""

    facts: Mapping[str, Any] | None = None  # what `connect` was told, and what it saw

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:  # noqa: ARG002 (dbt-duckdb calls it so)
        """DuckDB's limits from the environment. As dbt `settings` they would be set on every cursor, and temp_directory
        can't be once it was used; insertion order need not be kept, since every output is sorted."""
        config.update(
            memory_limit=os.environ.get("CHAMELEON_USAGE_MEMORY_LIMIT", "3GB"),
            threads=os.environ.get("CHAMELEON_USAGE_THREADS", str(os.cpu_count())),
            temp_directory=os.environ.get("CHAMELEON_USAGE_TEMP", "target/spill"),
            preserve_insertion_order=False,
        )

    def configure_connection(self, conn: Any) -> None:
        """What a dbt setting would set again for every node."""
        conn.execute("set global TimeZone = 'UTC'")
        keep_memory(conn)
        self.connection = conn

    def store(self, target_config: Any) -> None:
        action, job = target_config.location.format, target_config.config
        if action == "vars":
            job["wrong"] = wrong_vars(job["given"])
            return
        if action == "connect":
            self.facts = job | (
                self._look(job["data_dir"], job["folder"], job["given"]) if job["data_dir"] else NOTHING
            )
        if self.facts is None:
            job["is_unknown"] = True
            return
        if action in ("connect", "tables"):
            job.update(self.facts)
            return
        folder = self.facts["folder"]
        with _lock:
            part = part_folder(folder, job["run"])
            job["part"] = str(part)
            if action == "stage" and not part.exists():
                _stage(part, folder)
        if action in ("publish", "discard"):
            try:
                if action == "publish":
                    self._refuse_change(self.facts["data_dir"])
                    with uninterrupted("publishing"):  # else files of two runs would lie side by side
                        job["published"] = publish(part, folder, job["files"], job["unwanted"])
            finally:
                abandon()

    def _look(self, data_dir: str, folder: str, given: dict[str, Any]) -> dict[str, Any]:
        """What lies in data_dir.

        `tables`: of each extracted table, its columns and what they hold; `failed`: those that the last extraction
        failed to copy; `zero_dates`: columns with dates that were none, and how many; `snapshot_at`: the instant that
        the files show, null if not known; `doubts`: why they may not be of one instant; `inputs`: their fingerprint;
        `schema_version`: of the outputs.
        """
        storage.check_place(data_dir, "data_dir")
        storage.check_place(folder, "output")
        filesystem = None
        if storage.is_remote(data_dir):
            filesystem = storage.s3_filesystem()
            storage.check_readable(filesystem, data_dir)
            self.connection.register_filesystem(filesystem)
        self.filesystem = filesystem
        schemas = storage.read_schemas(filesystem, data_dir, list(catalogue.load()))
        told = manifest.read(data_dir)
        self.runs = inputs.runs_of(schemas)
        return {
            "tables": {name: {c.name: storage.holds(c.type) for c in schema} for name, schema in schemas.items()},
            "failed": manifest.failed(told),
            "zero_dates": manifest.zero_dates(told),
            "snapshot_at": told.get("snapshot_at"),
            "doubts": manifest.doubts(told, self.runs),
            "schema_version": SCHEMA_VERSION,
            "inputs": inputs.fingerprint(told, self.runs, given),
        }

    def _refuse_change(self, data_dir: str) -> None:
        """Raise Failure if an extraction has replaced files while this run read them: it may have seen some of each."""
        schemas = storage.read_schemas(self.filesystem, data_dir, list(catalogue.load()))
        if inputs.runs_of(schemas) != self.runs:
            raise Failure(f"nothing published: {data_dir} was extracted anew while it was processed; process again")


def wrong_vars(given: list[str]) -> list[str]:
    """A sentence for each of these names that is no var of the project."""
    known = inputs.known_vars()
    wrong = []
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            advice = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            wrong.append(f"unknown --vars {name}; {advice}")
    return wrong


def part_folder(folder: str, run: str) -> Path:
    """Beside local outputs, so that publishing is a rename on one disk; for S3 a temporary one of our own."""
    if not storage.is_remote(folder):
        return _parts.setdefault((folder, run), Path(folder) / f"{PART}{run}")
    if (folder, run) not in _parts:
        spill = os.environ.get("CHAMELEON_USAGE_TEMP")
        if spill:  # in the work folder, which is removed even if this process is killed
            Path(spill).parent.mkdir(parents=True, exist_ok=True)
        beside = Path(spill).parent if spill else None
        _parts[folder, run] = Path(tempfile.mkdtemp(prefix="chameleon-usage-part-", dir=beside))
    return _parts[folder, run]


def _stage(part: Path, folder: str) -> None:
    """Make the part folder of this run, alone in its folder: a second run into the same one is refused."""
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _locks[folder] = storage.lock(part.parent)
        for left in part.parent.glob(f"{PART}*"):  # of killed runs
            shutil.rmtree(left, ignore_errors=True)
        part.mkdir()
    except OSError as e:
        raise Failure(f"cannot write to {part.parent}: {storage.reason(e)}") from None


def publish(part: Path, folder: str, files: list[str], unwanted: list[str]) -> list[str]:
    """Move the finished files in place, all of them, and remove those that this run does not make: all are of one run.

    Raises Failure, naming what was moved before a move failed.
    """
    missing = [f for f in files if not (part / f).is_file()]
    if missing:
        raise Failure(f"nothing published: {missing[0]} was not written")
    done: list[str] = []
    try:
        for file in files:
            target = f"{folder}/{file}"
            if storage.is_remote(folder):
                storage.put(part / file, target)
            else:
                (part / file).replace(target)
            done.append(target)
        for file in unwanted:
            storage.remove(f"{folder}/{file}")
    except (Failure, OSError) as e:
        mixed = (
            f"; {', '.join(done)} are already of this run (see run_id in their metadata): process again" if done else ""
        )
        raise Failure(f"cannot publish {target}: {storage.reason(e)}{mixed}") from e
    return done


def abandon() -> None:
    """Remove the part folders of this process and give its locks back; after a run that ended anyhow."""
    while _parts:
        shutil.rmtree(_parts.popitem()[1], ignore_errors=True)
    while _locks:
        os.close(_locks.popitem()[1])
