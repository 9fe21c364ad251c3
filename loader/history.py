"""Rows that vanish from the database stay in the file: the last extraction's file merged into the new one, by key."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loader.columns import GROUP_BYTES

LAST_SEEN, VANISHED = "_last_seen_at", "_vanished_at"
COLUMNS = [pa.field(LAST_SEEN, pa.timestamp("us")), pa.field(VANISHED, pa.timestamp("us"))]
MEMORY = "160MB"  # of DuckDB; past it, it spills
BATCH = 1 << 15  # rows


class Unmergeable(Exception):
    """Two files that can't be merged; the message says why."""


@dataclass(frozen=True)
class Kept:
    """What a merge did: rows that vanished since the last extraction, and all that are kept though vanished."""

    gone: int
    vanished: int


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _file(path: Path) -> str:
    return f"read_parquet({_literal(str(path))}, hive_partitioning = false)"


def merged_schema(new: pa.Schema, old: pa.Schema | None) -> pa.Schema:
    """The columns of a file with history: the database's, then those that it no longer has, then ours."""
    dropped = [f for f in old or () if f.name not in new.names and f.name not in (LAST_SEEN, VANISHED)]
    return pa.schema([*new, *dropped, *COLUMNS], new.metadata)


def _select(schema: pa.Schema, have: pa.Schema, types: dict[str, str], seen: str, vanished: str) -> str:
    """The columns of the merged file from one of the two: cast to their type, null where it has none."""

    def column(field: pa.Field) -> str:
        if field.name == LAST_SEEN:
            return seen
        if field.name == VANISHED:
            return vanished
        if field.name not in have.names:
            return f"null::{types[field.name]}"
        return f"{quote(field.name)}::{types[field.name]}"

    return ", ".join(f"{column(f)} as {quote(f.name)}" for f in schema)


def _query(new: Path, old: Path | None, schema: pa.Schema, key: list[str], types: dict[str, str], at: tuple) -> str:
    """All rows of the new file, then those of the old one whose key it lacks. `at`: the old and the new snapshot."""
    last, now = (f"{_literal(i)}::timestamp" if i else "null::timestamp" for i in at)
    query = f"select {_select(schema, pq.read_schema(new), types, now, 'null::timestamp')} from {_file(new)}"
    if old is None:
        return query
    have = pq.read_schema(old)
    seen = f"coalesce({quote(LAST_SEEN)}, {last})" if LAST_SEEN in have.names else last
    vanished = f"coalesce({quote(VANISHED)}, {now})" if VANISHED in have.names else now
    keys = ", ".join(map(quote, key))
    kept = f"{_file(old)} anti join (select {keys} from {_file(new)}) using ({keys})"
    return f"{query} union all select {_select(schema, have, types, seen, vanished)} from {kept}"


def _types(connection, *files: Path | None) -> dict[str, str]:
    """DuckDB's type of each column; of a column in several files, that of the first."""
    found: dict[str, str] = {}
    for file in files:
        if file:
            for name, kind, *_ in connection.execute(f"describe select * from {_file(file)}").fetchall():
                found.setdefault(name, kind)
    return found


def _check_key(connection, file: Path, key: list[str]) -> None:
    """Raise Unmergeable if a row of the file has no key, or two have the same."""
    keys = ", ".join(map(quote, key))
    missing = " or ".join(f"{quote(k)} is null" for k in key)
    for condition, what in ((f"where {missing}", "is null"), (f"group by {keys} having count(*) > 1", "is not unique")):
        if connection.execute(f"select 1 from {_file(file)} {condition} limit 1").fetchone():
            raise Unmergeable(f"{', '.join(key)} {what}, so history can't be kept")


def _batches(reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.Table]:
    for batch in reader:
        yield pa.Table.from_batches([batch]).cast(schema)


def merge(
    new: Path, old: Path | None, key: list[str], instants: tuple[str | None, str], target: Path, spill: Path
) -> Kept:
    """Write `target`: the rows of `new` and, marked as vanished, those of `old` that it no longer has.

    `instants` are the snapshots of the old file (None: not known) and the new one, which is the one that first missed
    what vanishes now. Raises Unmergeable when the key is not one or a column's old values don't fit its new type.
    """
    import duckdb

    settings = {"memory_limit": MEMORY, "temp_directory": str(spill), "threads": 2}
    old_schema = pq.read_schema(old) if old else None
    schema = merged_schema(pq.read_schema(new), old_schema)
    with duckdb.connect(":memory:", config=settings) as connection:
        try:
            for file in filter(None, (new, old)):
                if missing := [k for k in key if k not in pq.read_schema(file).names]:
                    raise Unmergeable(f"the earlier file has no {', '.join(missing)}, so history can't be kept")
                _check_key(connection, file, key)
            query = _query(new, old, schema, key, _types(connection, new, old), instants)
            reader = connection.sql(query).to_arrow_reader(BATCH)
            _write(_batches(reader, schema), schema, target)
        except duckdb.ConversionException as e:
            raise Unmergeable(f"the earlier file doesn't fit the new columns: {' '.join(str(e).split())}") from None
        now = f"{_literal(instants[1])}::timestamp"
        counts = f"select count(*) filter ({quote(VANISHED)} = {now}), count({quote(VANISHED)}) from {_file(target)}"
        return Kept(*connection.execute(counts).fetchone())


def _write(tables: Iterator[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Batches to row groups of a size that scans well and waits in little memory."""
    waiting: list[pa.Table] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for table in tables:
            waiting.append(table)
            if sum(t.nbytes for t in waiting) >= GROUP_BYTES:
                file.write_table(pa.concat_tables(waiting))
                waiting.clear()
        if waiting:
            file.write_table(pa.concat_tables(waiting))
