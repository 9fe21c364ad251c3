"""What the tests see of a site whose files are in a bucket."""

from pathlib import Path

from loader.placement import LOCK
from tests import servers
from tests.cloud import (
    Versions,
)
from tests.commands import succeeded


def put(s3: servers.S3, place: str, name: str, content: bytes) -> None:
    s3.fs().pipe_file(f"{place}/{name}", content)


def objects(s3: servers.S3, place: str) -> dict[str, bytes]:
    """Every object of a place, by name."""
    fs = s3.fs()
    return {path.rpartition("/")[2]: fs.cat_file(path) for path in fs.find(place)}


def mirrored(s3: servers.S3, place: str, folder: Path) -> Path:
    """A local copy of a place, less its lock."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, content in objects(s3, place).items():
        if name != LOCK:
            (folder / name).write_bytes(content)
    return folder


def extracted(versions: Versions, s3: servers.S3, folder: Path, env: dict[str, str] | None = None) -> None:
    """An extraction that must succeed, quietly and wholly."""
    assert succeeded(versions.cloud.extract(env=env or s3.env)).stderr == ""
    assert LOCK not in objects(s3, versions.cloud.data_dir)
    versions.check_complete(mirrored(s3, versions.cloud.data_dir, folder))
