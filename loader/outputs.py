"""The published files of a site, read with DuckDB: what `explain`, `check` and `status` show."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from loader import config as configuration
from loader import storage
from loader.catalogue import project_dir
from loader.config import Place
from loader.errors import Failure
from loader.manifest import marks

FILES = ("usage", "usage_by_project", "spans", "quality")
RESAMPLED = ("usage_resampled", "usage_by_project_resampled")  # with --resample only
WIDE = "usage_wide"  # with --wide only
RESOURCES = ("nodes", "vcpus", "vcpus_overcommit", "memory_mb", "disk_gb")
NEEDED = ("run_id", "start_date", "end_date")  # of the metadata
Row = dict[str, Any]


@cache
def operands() -> dict[str, dict[str, int]]:
    """Each metric of the stack as a signed sum of metrics that have spans; the seed metric_operands."""
    found: dict[str, dict[str, int]] = {}
    with (project_dir() / "seeds" / "metric_operands.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["metric"], {})[row["operand"]] = int(row["sign"])
    return found


def base_metrics() -> list[str]:
    """The metrics that have spans."""
    return [metric for metric, of in operands().items() if of == {metric: 1}]


def places(config: Path | None, keys: tuple[str, ...], data_dir: str | None, output: str | None) -> list[Place]:
    """The selected sites, and where their files are: of the config, else those that have outputs in `output`."""
    if output:
        storage.check_place(output, "--output")
    return configuration.places(config, keys, data_dir, output, _known)


def _known(output: str) -> list[str]:
    """The sites that have outputs in a place."""
    filesystem = storage.s3_filesystem() if storage.is_remote(output) else None
    folders = storage.folders_in(output)
    return [key for key in folders if f"{FILES[0]}.parquet" in storage.names_in(filesystem, f"{output}/{key}")]


@dataclass(frozen=True)
class Published:
    """The files of one site, all of one run: tables `usage`, `usage_by_project`, `spans` and `quality` to query."""

    folder: str
    marks: dict[str, str]
    connection: Any

    @property
    def window(self) -> tuple[datetime, datetime]:
        """The reporting window, UTC; the end is not in it."""
        return datetime.fromisoformat(self.marks["start_date"]), datetime.fromisoformat(self.marks["end_date"])

    def rows(self, query: str, **values: Any) -> list[Row]:
        """The rows of a query; `$name` in it stands for a value. Raises Failure where a file can't be read."""
        import duckdb

        try:
            found = self.connection.execute(query, values)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except duckdb.Error as e:
            raise Failure(f"cannot read the files in {self.folder}: {storage.reason(e)}; process again") from None


def read_marks(filesystem: Any, folder: str, names: tuple[str, ...] = FILES) -> dict[str, dict[str, str]]:
    """What each of these files says of the run that wrote it; those that aren't there are left out."""
    schemas = storage.read_schemas(filesystem, folder, list(names))
    return {name: marks(schema) for name, schema in schemas.items()}


@contextmanager
def opened(output: str, site: str, resampled: bool = False) -> Iterator[Published]:
    """Open what `process` published of a site, with the resampled files if asked for.

    Raises Failure if a file isn't there, or if they are not of one run.
    """
    import duckdb

    folder = f"{output}/{site}"
    storage.check_place(folder, "--output")
    filesystem = storage.s3_filesystem() if storage.is_remote(folder) else None
    if filesystem:
        storage.check_readable(filesystem, folder)
    names = (*FILES, *RESAMPLED) if resampled else FILES
    found = read_marks(filesystem, folder, names)
    if missing := [name for name in names if name not in found]:
        how = " with --resample 1d" if missing[0] in RESAMPLED else " first"
        raise Failure(f"{folder}/{missing[0]}.parquet is not there: process {site} into --output {output}{how}")
    if len({each.get("run_id") for each in found.values()}) > 1:
        raise Failure(f"{folder}: the files are of different runs (run_id in their metadata): process again")
    for name, each in found.items():
        if lacking := [mark for mark in NEEDED if mark not in each]:
            raise Failure(f"{folder}/{name}.parquet has no {lacking[0]} in its metadata: process again")
    with duckdb.connect(":memory:", config={"memory_limit": "1GB"}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        if filesystem:
            connection.register_filesystem(filesystem)
        for name in names:
            connection.execute(f"create view {name} as from {parquet(f'{folder}/{name}.parquet')}")
        yield Published(folder, found["usage"], connection)


def parquet(path: str) -> str:
    """DuckDB's reader of one file: it takes paths for globs, and folders named key=value for columns."""
    exact = path.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]").replace("'", "''")
    return f"read_parquet('{exact}', hive_partitioning = false)"
