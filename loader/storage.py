"""Where files lie: local folders or S3-compatible object storage. A file appears whole or not at all."""

import errno
import fcntl
import importlib.util
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from loader.errors import Failure, UsageError

T = TypeVar("T")
PART = {"chunksize": 8 << 20, "max_concurrency": 2}  # of a transfer: s3fs would hold several of 50 MB in memory
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"


def is_remote(place: str) -> bool:
    return "://" in place


def check_place(place: str, what: str) -> None:
    """A path or s3:// URL that we can work with; `what` is the flag or key that named it."""
    for text in ("{{", "{%", "{#", "\\"):
        if text in place:
            others = "{{, {% or {#, which dbt takes for a template, nor a backslash, which DuckDB takes for an escape"
            raise UsageError(f"{what}: a path may not hold {others}: {place}")
    if not is_remote(place):
        return
    scheme, _, rest = place.partition("://")
    if scheme != "s3":
        raise UsageError(f"{what}: {scheme}:// is not supported; use a local path or s3://bucket/folder")
    if not rest.split("/")[0]:
        raise UsageError(f"{what}: {place} names no bucket; write s3://bucket/folder")
    if re.search(r"[*?\[\]]", place):
        raise UsageError(f"{what}: {place} has one of * ? [ ], which object stores take for a pattern")
    if importlib.util.find_spec("s3fs") is None:
        raise UsageError("s3:// needs an extra: pip install 'chameleon-usage[s3]'")
    _check_endpoint()


def _check_endpoint() -> None:
    """AWS_ENDPOINT_URL as SEED's users get it wrong; its value is not printed, a key could be in it."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint:
        return
    if endpoint.startswith(("'", '"')):
        raise UsageError(
            "AWS_ENDPOINT_URL is quoted: Docker's --env-file keeps quotes, so write AWS_ENDPOINT_URL=https://host:port"
        )
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise UsageError(
            "AWS_ENDPOINT_URL must look like https://host:port; keys go into AWS_ACCESS_KEY_ID and the like"
        )
    if ":" not in host and not all(re.fullmatch(LABEL, label) for label in host.split(".")):
        raise UsageError(f"AWS_ENDPOINT_URL: {host} has a part that is no DNS label (letters, digits, hyphens)")


def s3_filesystem() -> Any:
    """The S3 client, set up by the AWS_* variables; one for all threads, for to make one takes a third of a second.

    A fork has its own: s3fs refuses to work in another process than the one that made it.
    """
    return _s3_filesystem(os.getpid(), tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_"))))


@cache
def _s3_filesystem(_process: int, _settings: tuple[Any, ...]) -> Any:
    """botocore ignores AWS_REGION, so it is passed on."""
    import s3fs

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return s3fs.S3FileSystem(
        client_kwargs={"region_name": region} if region else {},
        config_kwargs={"connect_timeout": 10, "retries": {"max_attempts": 3, "mode": "standard"}},
        use_listings_cache=False,
        default_cache_type="none",  # else 50 MB are read ahead of every few bytes that a reader of parquet asks for
        skip_instance_cache=True,
    )


def check_readable(filesystem: Any, place: str) -> None:
    """Raise Failure, in one line, when the store refuses or can't be reached; a place that isn't there is no error."""
    try:
        filesystem.ls(place)
    except FileNotFoundError:
        return
    except Exception as e:  # s3fs and botocore raise many kinds
        raise Failure(f"cannot read {place}: {reason(e)}; check AWS_ENDPOINT_URL and the AWS_* keys") from None


def read_schemas(filesystem: Any, place: str, names: list[str]) -> dict[str, pa.Schema]:
    """The columns of each of these tables that has a file, and what the file says of itself.

    Raises Failure naming the first file that can't be read as parquet.
    """
    found = {}
    for name, file in _present(filesystem, place, names):
        with _readable(file):
            found[name] = pq.read_schema(file, filesystem=filesystem)
    return found


def names_in(filesystem: Any, place: str) -> set[str]:
    """The names of the files in a folder, none if it isn't there: one request, since asking for each is slow on S3."""
    if filesystem is None:
        return {path.name for path in Path(place).glob("*")}
    try:
        return {path.rpartition("/")[2] for path in filesystem.ls(place, detail=False)}
    except FileNotFoundError:
        return set()
    except Exception as e:  # s3fs and botocore raise many kinds
        raise Failure(f"cannot list {place}: {reason(e)}") from None


def modified_at(filesystem: Any, file: str) -> datetime:
    """When a file was written, UTC."""
    if filesystem is None:
        at = datetime.fromtimestamp(Path(file).stat().st_mtime, timezone.utc)
    else:
        at = filesystem.modified(file)
    return at.astimezone(timezone.utc).replace(tzinfo=None, microsecond=0)


def folders_in(place: str) -> list[str]:
    """The names of the folders in a place, none if it isn't there."""
    if not is_remote(place):
        return sorted(path.name for path in Path(place).glob("*") if path.is_dir())
    filesystem = s3_filesystem()
    check_readable(filesystem, place)
    try:
        found = filesystem.ls(place, detail=True)
    except FileNotFoundError:
        return []
    return sorted(entry["name"].rpartition("/")[2] for entry in found if entry["type"] == "directory")


def _present(filesystem: Any, place: str, names: list[str]) -> list[tuple[str, str]]:
    """Which of these tables have a file in a place, and its path."""
    there = names_in(filesystem, place)
    return [(name, f"{place}/{name}.parquet") for name in names if f"{name}.parquet" in there]


def check_pages(filesystem: Any, place: str, names: list[str]) -> None:
    """Raise Failure naming the first of these files whose pages can't be read, though its footer can."""
    for _, file in _present(filesystem, place, names):
        with _readable(file):
            for _ in pq.ParquetFile(file, filesystem=filesystem).iter_batches():
                pass


@contextmanager
def _readable(file: str) -> Iterator[None]:
    try:
        yield
    except Exception as e:  # arrow's and the file system's kinds
        advice = "it is truncated or not parquet; extract the table again"
        raise Failure(f"{file} can't be read: {reason(e)} ({advice})") from None


def holds(kind: pa.DataType) -> str:
    """What a column of this type holds: `text`, `simple` (numbers, times), or the type's name."""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return "text"
    return str(kind) if pa.types.is_nested(kind) or pa.types.is_binary(kind) else "simple"


def lock(folder: Path) -> int:
    """Hold a local folder for this process, until the descriptor is closed or the process ends, however it ends.

    Raises Failure when another process holds it. A file system without locks is used without.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Failure(f"another run is writing to {folder}; wait for it to end") from None
    except OSError as e:
        if e.errno not in (errno.EBADF, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            os.close(descriptor)
            raise
    return descriptor


def prepare(source: Path, target: str) -> Path:
    """A copy of a finished local file beside its local target, hidden; `replace()` then puts it in place."""
    path = Path(target)
    part = path.with_name(f".{path.name}.part-{uuid.uuid4().hex}")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, part)
        sync(part)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise Failure(f"cannot write {target}: {reason(e)}") from e
    return part


def put(source: Path, target: str) -> None:
    """Put a finished local file in place: local by copy and rename, S3 by one upload that shows only when complete.

    Raises Failure naming the target; what stood there before stays.
    """
    if not is_remote(target):
        prepare(source, target).replace(target)
        sync(Path(target).parent)
        return
    try:
        s3_filesystem().put_file(str(source), target, **PART)
    except Exception as e:  # s3fs and botocore raise many kinds; all mean the same here
        raise Failure(f"cannot write {target}: {reason(e)}") from e


def remove(target: str) -> None:
    """Remove a file if it is there; raises Failure naming it."""
    try:
        if not is_remote(target):
            Path(target).unlink(missing_ok=True)
            return
        with suppress(FileNotFoundError):
            s3_filesystem().rm_file(target)
    except Exception as e:
        raise Failure(f"cannot write {target}: {reason(e)}") from e


def read_text(target: str) -> str | None:
    """A small text file, None if it isn't there; raises Failure naming it when it can't be read."""
    try:
        content = s3_filesystem().cat_file(target) if is_remote(target) else Path(target).read_bytes()
        return content.decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except Exception as e:  # s3fs and botocore raise many kinds
        raise Failure(f"cannot read {target}: {reason(e)}") from None


def fetch(target: str, path: Path) -> Path | None:
    """A file to read from local disk: where it is, or a copy at `path` of one in object storage; None if there is none.

    Raises Failure naming it when it can't be read.
    """
    if not is_remote(target):
        return Path(target) if Path(target).exists() else None
    try:
        s3_filesystem().get_file(target, str(path))
        return path
    except FileNotFoundError:
        return None
    except Exception as e:  # s3fs and botocore raise many kinds
        raise Failure(f"cannot read {target}: {reason(e)}") from None


def ask_footer(target: str, question: Callable[[pq.ParquetFile], T]) -> T:
    """What a parquet file's footer answers; raises Failure naming the file when it can't be read."""
    with _readable(target), pq.ParquetFile(target, filesystem=s3_filesystem() if is_remote(target) else None) as file:
        return question(file)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk: a power loss after a rename must not empty it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as e:
        if e.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that has no such thing
            raise
    finally:
        os.close(descriptor)


def reason(error: BaseException) -> str:
    """One line about an error of the file system or the object store, whose own words say more than s3fs's number."""
    if (inner := error.__cause__) and type(inner).__module__.startswith("botocore"):
        error = inner
    elif isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return " ".join(str(error).split()) or type(error).__name__
