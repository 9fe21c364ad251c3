"""Files that people are given: each is put in place whole, or not at all."""

from contextlib import suppress
from pathlib import Path

from loader.errors import Failure, UsageError


def local(path: str, flag: str) -> Path:
    """A file or folder of this machine; UsageError if it is a URL, or no name."""
    if not Path(path).name or "://" in path:
        raise UsageError(f"{flag} {path!r} is not a local path")
    return Path(path)


def put(file: Path, content: str | bytes) -> None:
    """Write a file, with the folders above it; Failure names it."""
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.replace(file)
    except OSError as e:
        raise Failure(f"cannot write {file}: {e.strerror or e}") from None
    finally:
        with suppress(OSError):
            part.unlink()
