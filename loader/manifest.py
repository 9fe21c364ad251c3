"""What an extraction did, as `<data_dir>/_manifest.json` says it, and what that means for whoever reads the files."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa

from loader import __version__, catalogue, storage
from loader.catalogue import Table
from loader.errors import Failure

FILE = "_manifest.json"
FORMAT = 2
MARK = "chameleon_usage."  # of our keys in a parquet file's metadata


@dataclass
class Outcome:
    """What became of one table: status `copied`, `skipped` (not there or not granted) or `failed`, and why.

    `rows` are those of the snapshot; `vanished` rows are in the file, but no longer in the database; `fall` is how many
    of the last extraction's rows are gone: with history those that are missing, without it the difference in number.
    `has_earlier_file`: it was not copied, but a file of an earlier extraction is there, and stays.
    """

    table: Table
    status: str
    rows: int = 0
    seconds: float = 0.0
    bytes: int = 0
    zero_dates: dict[str, int] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    fall: int = 0
    vanished: int = 0
    code: int | None = None
    reason: str | None = None
    has_earlier_file: bool = False

    @property
    def is_loss(self) -> bool:
        """Is something missing that the numbers need, or did anything fail?"""
        return self.status == "failed" or (self.status == "skipped" and not self.table.optional)

    def record(self) -> dict:
        """The table's entry in the manifest."""
        if self.status != "copied":
            return {name: getattr(self, name) for name in ("status", "code", "reason", "has_earlier_file")}
        names = ("status", "rows", "bytes", "columns", "zero_dates", "fall", "vanished")
        return {name: getattr(self, name) for name in names} | {"seconds": round(self.seconds, 3)}


@dataclass
class Extraction:
    """What became of a site's tables, and the instant (UTC) of the snapshot that they show."""

    outcomes: list[Outcome]
    run_id: str
    snapshot_at: str
    snapshots: int
    version: str
    server: str
    history: bool

    def having(self, status: str) -> list[Outcome]:
        return [o for o in self.outcomes if o.status == status]

    def write(self, data_dir: str, work: Path) -> None:
        """Write the manifest, which says that all files are in place."""
        outcomes = {o.table.full_name: o for o in self.outcomes}
        content = {
            "format": FORMAT,
            "written_by": f"chameleon-usage {__version__}",
            "run_id": self.run_id,
            "snapshot_at": self.snapshot_at,
            "snapshots": self.snapshots,
            "finished_at": datetime.now(timezone.utc).replace(tzinfo=None).isoformat(sep=" "),
            "server": {"version": self.version, "identity": self.server},
            "history": self.history,
            "tables": {name: outcomes[name].record() for name in catalogue.load() if name in outcomes},
        }
        path = work / FILE
        path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        storage.put(path, f"{data_dir}/{FILE}")


def read(data_dir: str) -> dict:
    """The manifest in a data_dir, empty if there is none; raises Failure when it is there and can't be read."""
    place = f"{data_dir}/{FILE}"
    text = storage.read_text(place)
    if text is None:
        return {}
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or not isinstance(content["tables"], dict):
            raise ValueError("no tables")
        return content
    except (ValueError, KeyError):
        raise Failure(f"{place} is not a manifest of ours; remove it, or extract again") from None


def identity(manifest: dict) -> str | None:
    """Which server the files came from; None if not known."""
    server = manifest.get("server")
    return server.get("identity") if isinstance(server, dict) else None


def marks(schema: pa.Schema) -> dict[str, str]:
    """What a file says of the extraction that wrote it: `run_id`, `snapshot_at`, `server`."""
    found = schema.metadata or {}
    mark = MARK.encode()
    return {k.removeprefix(mark).decode(): v.decode() for k, v in found.items() if k.startswith(mark)}


def failed(manifest: dict) -> list[str]:
    """The tables that every cloud has, and that the last extraction failed to copy."""
    tables = catalogue.load()
    return [
        name
        for name, entry in manifest.get("tables", {}).items()
        if entry.get("status") == "failed" and name in tables and not tables[name].optional
    ]


def zero_dates(manifest: dict) -> list[tuple[str, int]]:
    """The columns in which the last extraction found what is no date, and how many rows of each."""
    return [
        (f"{name}.{column}", count)
        for name, entry in sorted(manifest.get("tables", {}).items())
        for column, count in sorted(entry.get("zero_dates", {}).items())
        if count
    ]


def doubts(manifest: dict, runs: dict[str, str | None]) -> list[str]:
    """Why the files may not be of one instant, as sentences; `runs` says of each file which extraction wrote it."""
    found = []
    run = manifest.get("run_id")
    if manifest.get("snapshots", 1) > 1:
        found.append(f"the connection was lost while extracting: the tables are of {manifest['snapshots']} instants")
    others = sorted(name for name, wrote in runs.items() if run and wrote != run)
    if others:
        found.append(f"not of the last extraction: {', '.join(others)}; numbers of its time may disagree")
    elif not run and len(set(runs.values())) > 1:
        found.append("the files are of several extractions, and none has ended: extract again")
    return found
