"""The temporary folders of a run: gone when it ends, however it ends, kill -9 excepted."""

import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loader.errors import uninterrupted

CLEANUPS = 20  # tries to remove a folder, within a second
_folders: set[Path] = set()


@contextmanager
def work_folder() -> Iterator[Path]:
    """A temporary folder in TMPDIR, for the body of a `with`."""
    work = Path(tempfile.gettempdir(), f"chameleon-usage-{uuid.uuid4().hex}")
    _folders.add(work)  # before it is there: a signal may come right after it was made
    try:
        work.mkdir(mode=0o700)
        yield work
    finally:
        remove_work_folders()


def remove_work_folders() -> None:
    """Remove those that are left, also while a thread still writes to them, which an interrupt left behind."""
    with uninterrupted("removing"):
        for work in list(_folders):
            for _ in range(CLEANUPS):
                shutil.rmtree(work, ignore_errors=True)
                if not work.exists():
                    break
                time.sleep(0.05)
            _folders.discard(work)
