"""How the files of a run get into a data_dir: alone in it, after all tables were read, each file whole."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from loader import manifest, storage
from loader.errors import Failure

LOCK = "_extracting.json"
BEAT, LEASE = 60, 300  # seconds: a lock in object storage is renewed, and counts as left behind


@contextmanager
def held(data_dir: str, run_id: str) -> Iterator[None]:
    """Alone in a data_dir, less the parts of killed runs; raises Failure when another run is in it."""
    with _held_remote(data_dir, run_id) if storage.is_remote(data_dir) else _held_local(data_dir):
        yield


@contextmanager
def _held_local(data_dir: str) -> Iterator[None]:
    try:
        Path(data_dir).mkdir(parents=True, exist_ok=True)
        descriptor = storage.lock(Path(data_dir))
    except OSError as e:
        raise Failure(f"cannot write to {data_dir}: {storage.reason(e)}") from None
    try:
        for part in (*Path(data_dir).glob(".*.parquet.part-*"), *Path(data_dir).glob(".*.json.part-*")):
            part.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _held_remote(data_dir: str, run_id: str) -> Iterator[None]:
    """By an object that the store makes only once, renewed while we live; after a kill it counts for some minutes."""
    place = f"{data_dir}/{LOCK}"
    holder = {"run_id": run_id, "host": socket.gethostname(), "pids": pid_space(), "pid": os.getpid()}
    content = json.dumps(holder).encode()
    filesystem = storage.s3_filesystem()
    ended = threading.Event()
    is_ours = partial(_holds, filesystem, place, content)

    def renew() -> None:
        while not ended.wait(BEAT):
            with suppress(Exception):  # the upload itself will say what is wrong
                if is_ours():  # not another's, after we slept past the lease
                    filesystem.pipe_file(place, content)

    thread = threading.Thread(target=renew, daemon=True, name="renew")
    try:
        _take(filesystem, place, content)
        thread.start()
        yield
    finally:
        ended.set()
        if thread.ident:
            thread.join(BEAT)
        with suppress(Exception):
            if is_ours():
                filesystem.rm_file(place)


def _holds(filesystem: Any, place: str, content: bytes) -> bool:
    """Does the lock say this? A store that can't be asked raises."""
    try:
        return filesystem.cat_file(place) == content
    except FileNotFoundError:
        return False


def _take(filesystem: Any, place: str, content: bytes) -> None:
    """Make the lock; raises Failure when another run has it, or the store refuses."""
    data_dir = place.rpartition("/")[0]
    try:
        if _was_left(filesystem, place):
            filesystem.rm_file(place)
        try:
            filesystem.pipe_file(place, content, mode="create")
        except OSError:
            # made by another, or by us in a first try whose answer was lost; or the store refuses
            if not filesystem.exists(place):
                raise
        if not _holds(filesystem, place, content):  # or a store that doesn't know "create only"
            raise Failure(f"another extraction has begun to write to {data_dir}; wait for it to end")
    except Failure:
        raise
    except Exception as e:  # s3fs and botocore raise many kinds
        raise Failure(f"cannot write to {data_dir}: {storage.reason(e)}") from None


def _was_left(filesystem: Any, place: str) -> bool:
    """Is there a lock that a killed run left behind? Raises Failure if one that may still live holds it."""
    try:
        holder = _parsed(filesystem.cat_file(place))
        age = (datetime.now(timezone.utc) - filesystem.info(place)["LastModified"]).total_seconds()
    except FileNotFoundError:
        return False
    if age > LEASE or _is_dead(holder):
        return True
    raise Failure(
        f"another extraction, on {holder.get('host', 'a host that is not known')}, is writing to "
        f"{place.rpartition('/')[0]}; wait for it to end "
        f"(if it was killed, its lock {LOCK} ends by itself {LEASE // 60} minutes after)"
    )


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        holder = json.loads(content)
    except ValueError:
        holder = None
    return holder if isinstance(holder, dict) else {}


def pid_space() -> str:
    """Where a pid means something: this kernel since it booted, in the numbering of this container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # no Linux
        return ""


def _is_dead(holder: dict[str, Any]) -> bool:
    """Was the lock left by a process of this machine and container that is gone? Containers can share a host's name."""
    here = (socket.gethostname(), pid_space())
    if (holder.get("host"), holder.get("pids")) != here or not isinstance(holder.get("pid"), int):
        return False
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False


def _root(error: BaseException) -> BaseException:
    """What began it: dlt wraps errors in its own."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


class Placement:
    """The destination's side: files that wait beside their local targets, or that lie in object storage already."""

    def __init__(self, data_dir: str):
        self.data_dir = data_dir
        self.waiting: dict[str, Path] = {}
        self.done: list[str] = []
        self.refused: list[Failure] = []
        self.change = threading.Condition()  # dlt loads in threads
        self.taking = 0
        self.is_over = self.is_unlisted = False

    def take(self, source: Path, name: str) -> None:
        """Take a finished file; raises Failure when its place can't be written, or the run has ended meanwhile."""
        target = f"{self.data_dir}/{name}.parquet"
        with self.change:
            if self.is_over:
                raise Failure(f"{target} comes too late")
            self.taking += 1
        try:
            self._take(source, target)
        except Failure as e:
            self.refused.append(e)
            raise
        finally:
            with self.change:
                self.taking -= 1
                self.change.notify_all()

    def _take(self, source: Path, target: str) -> None:
        if not storage.is_remote(target):
            self.waiting[target] = storage.prepare(source, target)
            return
        with self.change:
            if not self.is_unlisted:
                storage.remove(f"{self.data_dir}/{manifest.FILE}")  # from here on it would not be true
                self.is_unlisted = True
        storage.put(source, target)
        self.done.append(target)

    def finish(self) -> None:
        """Put all local files in place: renames, after everything that can fail."""
        if self.waiting:
            storage.remove(f"{self.data_dir}/{manifest.FILE}")
        for target, part in self.waiting.items():
            part.replace(target)
        if self.waiting:
            storage.sync(Path(self.data_dir))
        self.waiting.clear()

    def abandon(self) -> None:
        """Remove what waits, after a run that ended anyhow, and what a thread that dlt has forgotten still takes."""
        with self.change:
            self.is_over = True
            self.change.wait_for(lambda: not self.taking)
        for part in self.waiting.values():
            part.unlink(missing_ok=True)

    def failure(self, error: Exception) -> Failure:
        """What to tell of a run that failed."""
        if not self.refused:
            return Failure(f"extraction failed: {storage.reason(_root(error))}")
        return Failure(f"{self.refused[0]}{self.mixed()}")

    def mixed(self) -> str:
        """What to add about a run that did not end: which files it replaced."""
        return f"; already of this snapshot: {', '.join(sorted(self.done))}" if self.done else ""
