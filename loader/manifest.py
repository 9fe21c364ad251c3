"""What an extraction did, as `<data_dir>/_manifest.json` says it, and what that means for whoever reads the files."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from logging import WARNING
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from loader import __version__, catalogue, storage
from loader.catalogue import Table
from loader.console import say
from loader.errors import Failure

FILE = "_manifest.json"
FORMAT = 2
MARK = "chameleon_usage."  # of our keys in a parquet file's metadata


@dataclass
class Outcome:
    """What became of one table: status `copied`, `skipped` (not there or not granted) or `failed`, and why.

    `rows` are those of the snapshot; `vanished` rows are in the file, but no longer in the database; `fall` is how many
    of the last extraction's rows are gone: with history those that are missing, without it the difference in number.
    `has_earlier_file`: it was not copied, but a file of an earlier extraction is there, and stays. `lacking`: columns
    that the numbers need and that could not be read. `dropped`: vanished rows that --no-history let go. `remark`: what
    else a reader should know of a table that was copied.
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
    lacking: list[str] = field(default_factory=list)
    dropped: int = 0
    remark: str | None = None

    @property
    def is_loss(self) -> bool:
        """Is something missing that the numbers need, or did anything fail?"""
        return self.status == "failed" or bool(self.lacking) or (self.status == "skipped" and not self.table.optional)

    def record(self) -> dict[str, Any]:
        """The table's entry in the manifest."""
        if self.status != "copied":
            return {name: getattr(self, name) for name in ("status", "code", "reason", "has_earlier_file")}
        names = ("status", "rows", "bytes", "columns", "zero_dates", "fall", "vanished", "lacking")
        return {name: getattr(self, name) for name in names} | {"seconds": round(self.seconds, 3)}


@dataclass
class Extraction:
    """What became of a site's tables, and the instant (UTC) of the snapshot that they show."""

    outcomes: list[Outcome]
    run_id: str
    snapshot_at: str
    snapshots: int
    version: str
    server: str | None
    history: bool

    def having(self, status: str) -> list[Outcome]:
        return [o for o in self.outcomes if o.status == status]

    def write(self, data_dir: str, work: Path, earlier: dict[str, Any]) -> None:
        """Write the manifest, which says that all files are in place; of tables that this run left out, what the
        earlier manifest said of them."""
        origin = {"run_id": self.run_id, "snapshot_at": self.snapshot_at}
        entries = {o.table.full_name: o.record() | origin for o in self.outcomes}
        entries = earlier.get("tables", {}) | entries
        content = {
            "format": FORMAT,
            "written_by": f"chameleon-usage {__version__}",
            "run_id": self.run_id,
            "snapshot_at": self.snapshot_at,
            "snapshots": self.snapshots,
            "finished_at": datetime.now(timezone.utc).replace(tzinfo=None).isoformat(sep=" "),
            "server": {"version": self.version, "identity": self.server},
            "history": self.history,
            "tables": {name: entries[name] for name in catalogue.load() if name in entries},
        }
        path = work / FILE
        path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        storage.put(path, f"{data_dir}/{FILE}")


class _Entry(BaseModel):
    """A table in a manifest, as far as we rely on it."""

    status: str
    rows: int | None = None
    vanished: int = 0
    run_id: str | None = None
    zero_dates: dict[str, int] = {}


class _Manifest(BaseModel):
    format: int
    run_id: str | None = None
    snapshot_at: str | None = None
    snapshots: int = 1
    tables: dict[str, _Entry]


def read(data_dir: str) -> dict[str, Any]:
    """The manifest in a data_dir, empty if there is none; raises Failure when it is there and can't be read."""
    place = f"{data_dir}/{FILE}"
    text = storage.read_text(place)
    if text is None:
        return {}
    try:
        known = _Manifest.model_validate_json(text, strict=True)
    except ValidationError:
        raise Failure(f"{place} is not a manifest of ours; extract again, or remove it") from None
    if known.format > FORMAT:
        raise Failure(f"{place} was written by a newer version of chameleon-usage; upgrade this one")
    return json.loads(text)


def read_or_warn(data_dir: str) -> dict[str, Any]:
    """The manifest, empty if there is none, or, with a warning, if it is broken: the next one replaces it."""
    try:
        return read(data_dir)
    except Failure as e:
        if "newer version" in str(e):
            raise
        say(WARNING, f"{e}: written anew", event="manifest")
        return {}


def identity(manifest: dict[str, Any]) -> str | None:
    """Which server the files came from; None if not known."""
    server = manifest.get("server")
    return server.get("identity") if isinstance(server, dict) else None


def marks(schema: pa.Schema) -> dict[str, str]:
    """What a file says of the extraction that wrote it: `run_id`, `snapshot_at`, `server`."""
    found = schema.metadata or {}
    mark = MARK.encode()
    return {k.removeprefix(mark).decode(): v.decode() for k, v in found.items() if k.startswith(mark)}


def failed(manifest: dict[str, Any]) -> list[str]:
    """The tables that every cloud has, and whose last copy failed, or whose file outlived the table."""
    return [
        name
        for name, entry in _required(manifest)
        if entry["status"] == "failed" or (entry["status"] == "skipped" and entry.get("has_earlier_file"))
    ]


def missing_required(manifest: dict[str, Any]) -> list[str]:
    """The tables that every cloud has, and that the last extraction did not find or was not granted."""
    return [name for name, entry in _required(manifest) if entry["status"] == "skipped"]


def zero_dates(manifest: dict[str, Any]) -> list[tuple[str, int]]:
    """The columns in which the last extraction found what is no date, and how many rows of each."""
    return [
        (f"{name}.{column}", count)
        for name, entry in sorted(manifest.get("tables", {}).items())
        for column, count in sorted(entry.get("zero_dates", {}).items())
        if count
    ]


def _required(manifest: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    tables = catalogue.load()
    return [(n, e) for n, e in manifest.get("tables", {}).items() if n in tables and not tables[n].optional]


def doubts(manifest: dict[str, Any], runs: dict[str, str | None]) -> list[str]:
    """Why numbers may be incomplete, or not of one instant, as sentences; `runs` says which run wrote each file."""
    entries = manifest.get("tables", {})
    found = [_incomplete(name, entry) for name, entry in entries.items()]
    if manifest.get("snapshots", 1) > 1:
        found.append(f"the connection was lost while extracting: the tables are of {manifest['snapshots']} instants")
    run = manifest.get("run_id")
    others = sorted(name for name, wrote in runs.items() if run and wrote != run)
    if others:
        found.append(f"not of the last extraction: {', '.join(others)}; numbers of its time may disagree")
    if not run and any(runs.values()) and not manifest:
        found.append("the last extraction was ended before its manifest: files may be of several; extract again")
    return [sentence for sentence in found if sentence]


def _incomplete(name: str, entry: dict[str, Any]) -> str | None:
    """What the last extraction could not read of a table that the models read."""
    table = catalogue.load().get(name)
    if table is None or not table.metrics:
        return None
    metrics = ", ".join(table.metrics)
    if entry.get("lacking"):
        return f"{name} lacks the columns {', '.join(entry['lacking'])}: incomplete are {metrics}"
    if entry["status"] == "failed" or (entry["status"] == "skipped" and not table.optional):
        return f"{name} could not be copied: incomplete are {metrics}"
    return None
