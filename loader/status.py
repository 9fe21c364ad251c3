"""`status`: per site, how fresh its extraction and its outputs are, and what is missing."""

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from loader import catalogue, manifest, storage
from loader.errors import Failure
from loader.outputs import FILES, Row, read_marks


@dataclass
class Status:
    """Of a site; what isn't there is null. Instants are UTC.

    `snapshot_at`: the instant that the extracted tables show; `has_tables`: whether there are any.
    `failed`, `missing`: tables that the last extraction
    could not copy, or that the database hasn't (required ones). `processed_at`: when the outputs were published;
    `start_date`, `end_date`: their window. `processed_snapshot_at`: the instant that their inputs showed.
    `problem`: why something could not be read.
    """

    site: str
    name: str
    snapshot_at: datetime | None = None
    has_tables: bool = False
    copied: int | None = None
    failed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    processed_at: datetime | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    processed_snapshot_at: datetime | None = None
    problem: str | None = None

    @property
    def is_outdated(self) -> bool:
        """Were the tables extracted anew since the outputs were made?"""
        return (
            None not in (self.snapshot_at, self.processed_snapshot_at)
            and self.snapshot_at != self.processed_snapshot_at
        )

    def record(self) -> Row:
        """For JSON."""
        return vars(self) | {"is_outdated": self.is_outdated}


def status(site: str, name: str, data_dir: str | None, output: str) -> Status:
    """What there is of a site; a place that can't be read is its `problem`, not an error."""
    found = Status(site, name)
    try:
        if data_dir:
            _look_at_extraction(found, data_dir)
        _look_at_outputs(found, f"{output}/{site}")
    except Failure as e:
        found.problem = str(e)
    return found


def _look_at_extraction(found: Status, data_dir: str) -> None:
    storage.check_place(data_dir, "data_dir")
    filesystem = storage.s3_filesystem() if storage.is_remote(data_dir) else None
    names = storage.names_in(filesystem, data_dir)
    found.has_tables = any(f"{name}.parquet" in names for name in catalogue.load())
    told = manifest.read(data_dir)
    if not told:
        return
    entries = told["tables"]
    found.snapshot_at = _instant(told.get("snapshot_at"))
    found.copied = sum(entry["status"] == "copied" for entry in entries.values())
    found.failed = [name for name, entry in entries.items() if entry["status"] == "failed"]
    found.missing = manifest.missing_required(told)


def _look_at_outputs(found: Status, folder: str) -> None:
    storage.check_place(folder, "--output")
    filesystem = storage.s3_filesystem() if storage.is_remote(folder) else None
    marks = read_marks(filesystem, folder, FILES)
    if "usage" not in marks:
        return
    known = marks["usage"]
    found.start_date, found.end_date = (_instant(known.get(name)) for name in ("start_date", "end_date"))
    found.processed_snapshot_at = _instant(known.get("snapshot_at"))
    found.processed_at = storage.modified_at(filesystem, f"{folder}/usage.parquet")


def _instant(text: Any) -> datetime | None:
    """UTC, without a zone; nothing for what is no instant."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at.astimezone(timezone.utc).replace(tzinfo=None) if at.tzinfo else at


def age(at: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return "just now"
