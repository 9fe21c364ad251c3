"""dbt-duckdb plugin: the files of a run wait in a part folder of their own and are published together.

macros/published.sql calls it as adapter.store_relation('publisher', none, [], FOLDER, ACTION, JOB); it answers in JOB.
"""

import fcntl
import os
import shutil
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

from dbt.adapters.duckdb.plugins import BasePlugin

from loader import storage
from loader.errors import Failure

PART = ".part-"


class Plugin(BasePlugin):
    """Actions: `connect` (let DuckDB read s3://), `locate` and `stage` (make) the part folder, `publish`, `discard`."""

    def initialize(self, plugin_config: dict) -> None:  # noqa: ARG002 (dbt-duckdb calls it so)
        self.lock = threading.Lock()  # dbt builds models in threads
        self.held: dict[str, int] = {}

    def update_connection_config(self, creds, config: dict) -> None:  # noqa: ARG002
        """DuckDB's limits from the environment. As dbt `settings` they would be set on every cursor, and temp_directory
        can't be once it was used; insertion order need not be kept, since every output is sorted."""
        config.update(
            memory_limit=os.environ.get("CHAMELEON_USAGE_MEMORY_LIMIT", "3GB"),
            threads=os.environ.get("CHAMELEON_USAGE_THREADS", str(os.cpu_count())),
            temp_directory=os.environ.get("CHAMELEON_USAGE_TEMP", "target/spill"),
            preserve_insertion_order=False,
        )

    def configure_connection(self, conn) -> None:
        conn.execute("set global TimeZone = 'UTC'")  # a dbt setting would be set again for every node
        self.connection = conn

    def store(self, target_config) -> None:
        folder, action, job = target_config.location.path, target_config.location.format, target_config.config
        if action == "connect":
            self._connect(job["data_dir"], folder)
            return
        part = part_folder(folder, job["run"])
        job["part"] = str(part)
        if action == "locate":
            return
        if action == "stage":
            with self.lock:
                self._stage(part)
            return
        try:
            if action == "publish":
                job["published"] = publish(part, folder, job["files"])
        finally:
            shutil.rmtree(part, ignore_errors=True)
            os.close(self.held.pop(str(part.parent))) if str(part.parent) in self.held else None

    def _stage(self, part: Path) -> None:
        """Make the part folder of this run, alone in its parent: a second run into the same folder is refused."""
        parent = part.parent
        if str(parent) in self.held:
            return
        try:
            parent.mkdir(parents=True, exist_ok=True)
            self.held[str(parent)] = os.open(parent, os.O_RDONLY)
            fcntl.flock(self.held[str(parent)], fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however it ends
        except BlockingIOError:
            os.close(self.held.pop(str(parent)))
            raise Failure(f"another run is writing to {parent}; wait for it to end") from None
        except OSError as e:
            raise Failure(f"cannot write to {parent}: {storage.reason(e)}") from None
        for left in parent.glob(f"{PART}*"):  # of killed runs
            shutil.rmtree(left, ignore_errors=True)
        part.mkdir()

    def _connect(self, data_dir: str, folder: str) -> None:
        storage.check_place(data_dir, "data_dir")
        storage.check_place(folder, "output")
        if storage.is_remote(data_dir):
            filesystem = storage.s3_filesystem()
            storage.check_readable(filesystem, data_dir)
            self.connection.register_filesystem(filesystem)


def part_folder(folder: str, run: str) -> Path:
    """Beside local outputs, so that publishing is a rename on one disk; in the temp folder for S3."""
    if not storage.is_remote(folder):
        return Path(folder) / f"{PART}{run}"
    return Path(tempfile.gettempdir()) / f"chameleon-usage-{os.getuid()}" / quote(folder, safe="") / f"{PART}{run}"


def publish(part: Path, folder: str, files: list[str]) -> list[str]:
    """Move the finished files in place, all of them; raises Failure, naming what was moved before a move failed."""
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
    except (Failure, OSError) as e:
        mixed = (
            f"; {', '.join(done)} are already of this run (see run_id in their metadata): process again" if done else ""
        )
        raise Failure(f"cannot publish {target}: {storage.reason(e)}{mixed}") from e
    return done
