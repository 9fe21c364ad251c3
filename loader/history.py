"""Rows that vanish from the database stay in the file: the last extraction's file merged into the new one, by key."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loader.catalogue import Table
from loader.columns import GROUP_BYTES

LAST_SEEN, VANISHED = "_last_seen_at", "_vanished_at"
OURS = {LAST_SEEN, VANISHED}
COLUMNS = [pa.field(LAST_SEEN, pa.timestamp("us")), pa.field(VANISHED, pa.timestamp("us"))]
MEMORY = "100MB"  # of DuckDB; past it, it spills
BATCH = 1 << 13  # rows


class Unmergeable(Exception):
    """Two files that can't be merged without a loss; the message says why."""


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


def _connect(spill: Path) -> Any:
    import duckdb

    pa.default_memory_pool().release_unused()
    return duckdb.connect(":memory:", config={"memory_limit": MEMORY, "temp_directory": str(spill), "threads": 1})


def vanished_rows(file: Path | pq.ParquetFile) -> int:
    """How many rows of a parquet file are kept though vanished: asked of its footer; 0 if it has no history."""
    metadata = file.metadata if isinstance(file, pq.ParquetFile) else pq.read_metadata(file)
    names = metadata.schema.to_arrow_schema().names
    if VANISHED not in names:
        return 0
    at = names.index(VANISHED)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    return sum(g.num_rows - g.column(at).statistics.null_count for g in groups)


def no_key(file: Path, key: list[str], spill: Path) -> str | None:
    """Why these columns don't name the rows of a file; None if they do."""
    if not key:
        return "no primary key and no id can be read"
    if lacking := [k for k in key if k not in pq.read_schema(file).names]:
        return f"it has no {', '.join(lacking)}"
    keys = ", ".join(map(quote, key))
    missing = " or ".join(f"{quote(k)} is null" for k in key)
    with _connect(spill) as connection:
        for condition, what in ((f"where {missing}", "has nulls"), (f"group by {keys} having count(*) > 1", "repeats")):
            if connection.execute(f"select 1 from {_file(file)} {condition} limit 1").fetchone():
                return f"{' and '.join(key)} {what}"
    return None


def _converted(value: str, source: str, target: str) -> str:
    """An expression as another DuckDB type, null where that can't be: bytes and text are each other's UTF-8."""
    if source == target:
        return value
    if {source, target} == {"BLOB", "VARCHAR"}:
        return f"try({'decode' if source == 'BLOB' else 'encode'}({value}))"
    return f"try_cast({value} as {target})"


def _keeps_all(connection: Any, file: Path, name: str, source: str, target: str) -> bool:
    """Can every value of a column be had back from its other type?"""
    column = quote(name)
    back = _converted(_converted(column, source, target), target, source)
    lost = f"select 1 from {_file(file)} where {column} is not null and {back} is distinct from {column} limit 1"
    return source == target or connection.execute(lost).fetchone() is None


def _types(connection: Any, file: Path) -> dict[str, tuple[str, str]]:
    """Of each column, by its name in lower case (DuckDB's names have no case): its name and DuckDB's type."""
    found = connection.execute(f"describe select * from {_file(file)}").fetchall()
    return {name.lower(): (name, kind) for name, kind, *_ in found}


def _select(columns: dict[str, tuple[str, str]], have: dict[str, tuple[str, str]], seen: str, vanished: str) -> str:
    """The merged file's columns ({key: (name, type)}) from one of the two files: converted, null where it has none."""

    def value(key: str, kind: str) -> str:
        if key not in have:
            return f"null::{kind}"
        return f"{_converted(quote(have[key][0]), have[key][1], kind)}::{kind}"

    values = [f"{value(key, kind)} as {quote(name)}" for key, (name, kind) in columns.items()]
    return ", ".join([*values, f"{seen} as {LAST_SEEN}", f"{vanished} as {VANISHED}"])


def _columns(connection: Any, new: Path, old: Path | None, table: Table | None) -> dict[str, tuple[str, str]]:
    """The columns of the merged file: the new one's, then those that only the old one has and that may be copied.

    Where their types differ, the one that can hold all values of both, the new one first; raises Unmergeable if none.
    """
    columns = _types(connection, new)
    if ours := OURS & columns.keys():
        raise Unmergeable(f"it has a column of the name {', '.join(ours)}, which history needs")
    have = _types(connection, old) if old else {}
    for key, (name, kind) in have.items():
        if key not in columns:
            if name not in OURS and (table is None or may_keep(table, name)):
                columns[key] = (name, kind)
            continue
        new_name, new_kind = columns[key]
        if old and _keeps_all(connection, old, name, kind, new_kind):
            continue
        if not _keeps_all(connection, new, new_name, new_kind, kind):
            raise Unmergeable(f"column {name} was {kind} and is {new_kind} now, and neither holds the values of both")
        columns[key] = (new_name, kind)
    return columns


def may_keep(table: Table, column: str) -> bool:
    """May a column that the database no longer shows stay in the file? Not if it has become secret."""
    return column not in table.never_copied and (table.copied is None or column in table.copied)


def merge(
    new: Path,
    old: Path | None,
    key: list[str],
    instants: tuple[str | None, str],
    target: Path,
    spill: Path,
    table: Table | None = None,
) -> Kept:
    """Write `target`: the rows of `new` and, marked as vanished, those of `old` that it no longer has.

    `instants` are the snapshots of the old file (None: not known) and the new one, which is the one that first missed
    what vanishes now. `key` names the rows of both (`no_key`). Raises Unmergeable when values would be lost.
    """
    import duckdb

    with _connect(spill) as connection:
        try:
            columns = _columns(connection, new, old, table)
            query = _query(connection, (new, old), columns, key, instants)
            reader = connection.sql(query).to_arrow_reader(BATCH)
            _write(reader, pq.read_schema(new), target)
        except (duckdb.Error, pa.ArrowException) as e:
            raise Unmergeable(f"its history can't be merged ({_kind(e)})") from None
        except OSError as e:  # also what DuckDB says while it streams
            if e.errno:
                raise
            raise Unmergeable(f"its history can't be merged ({_kind(e)})") from None
        now = f"{_literal(instants[1])}::timestamp"
        counts = f"select count(*) filter ({VANISHED} = {now}), count({VANISHED}) from {_file(target)}"
        return Kept(*connection.execute(counts).fetchone())


def _kind(error: Exception) -> str:
    """What kind of error it is; its text could show a value."""
    return str(error).split(":")[0].split("\n")[0][:60]


def _query(
    connection: Any,
    files: tuple[Any, ...],
    columns: dict[str, tuple[str, str]],
    key: list[str],
    instants: tuple[Any, ...],
) -> str:
    """All rows of the new file, then those of the old one whose key it lacks."""
    new, old = files
    last, now = (f"{_literal(i)}::timestamp" if i else "null::timestamp" for i in instants)
    query = f"select {_select(columns, _types(connection, new), now, 'null::timestamp')} from {_file(new)}"
    if old is None:
        return query
    have = _types(connection, old)
    seen = f"coalesce({LAST_SEEN}, {last})" if LAST_SEEN in have else last
    vanished = f"coalesce({VANISHED}, {now})" if VANISHED in have else now
    kinds = _types(connection, new)

    def named(have: dict[str, tuple[str, str]]) -> str:
        """The key, as the merged file has it, in one of the two files."""
        return ", ".join(
            f"{_converted(quote(have[k.lower()][0]), have[k.lower()][1], columns[k.lower()][1])}" for k in key
        )

    lacked = f"({named(have)}) not in (select ({named(kinds)}) from {_file(new)})"
    if len(key) == 1:
        lacked = f"{named(have)} not in (select {named(kinds)} from {_file(new)})"
    return f"{query} union all select {_select(columns, have, seen, vanished)} from {_file(old)} where {lacked}"


def _write(reader: pa.RecordBatchReader, new: pa.Schema, path: Path) -> None:
    """Batches to row groups of a size that scans well and waits in little memory; the metadata are the new file's."""
    known = {f.name: f.metadata for f in new}
    schema = pa.schema([f.with_metadata(known.get(f.name)) for f in reader.schema], new.metadata)
    waiting: list[pa.Table] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as file:

        def flush() -> None:
            file.write_table(pa.concat_tables(waiting))
            waiting.clear()

        for table in _tables(reader, schema):
            waiting.append(table)
            if sum(t.nbytes for t in waiting) >= GROUP_BYTES // 2:
                flush()
        if waiting:
            flush()


def _tables(reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.Table]:
    for batch in reader:
        yield pa.Table.from_batches([batch]).cast(schema)
