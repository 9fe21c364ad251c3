"""Rows as the server sent them become arrow columns and a parquet file, all rows of a column at a time in arrow's C++.

A row is its fields one after the other, each with its length before it. No object is made per field: where a column's
fields begin is where those of the column before it end.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loader.packets import HEADER, Rows

GROUP_BYTES = 24 << 20  # of arrow data per parquet row group: large ones compress and scan better, but wait in memory
NULL = 251
LENGTH_BYTES = {252: 2, 253: 3, 254: 8}


@dataclass(frozen=True)
class Copied:
    """A table that was read whole: rows, and per column what is no date (0000-00-00) and became null."""

    rows: int
    zero_dates: dict[str, int]


def _int32(number: int) -> pa.Scalar:
    return pa.scalar(number, pa.int32())


def _long(wire: pa.Array, lead: pa.Array, start: pa.Array, length: pa.Array) -> tuple[pa.Array, pa.Array]:
    """`start` and `length` put right for the fields whose length is in the 2, 3 or 8 bytes behind the first one."""
    for code, count in LENGTH_BYTES.items():
        here = pc.equal(lead, pa.scalar(code, pa.uint8()))
        at = start.filter(here)
        if len(at):
            real = _int32(0)
            for i in range(min(count, 4)):  # no row has 2 GB
                byte = wire.take(pc.add(at, _int32(i))).cast(pa.int32())
                real = pc.bit_wise_or(real, pc.shift_left(byte, _int32(8 * i)))
            length = pc.replace_with_mask(length, here, real)
            start = pc.if_else(here, pc.add(start, _int32(count)), start)
    return start, length


def _bounds(wire: pa.Array, at: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array | None]:
    """Of the fields that begin at `at`: where their values begin and end, and which are NULL (None: none is)."""
    lead = wire.take(at)
    start, length, is_null = pc.add(at, _int32(1)), lead.cast(pa.int32()), None
    longest = pc.max(lead).as_py()
    if longest >= NULL:
        is_null = pc.equal(lead, pa.scalar(NULL, pa.uint8()))
        length = pc.if_else(is_null, _int32(0), length)
    if longest > NULL:
        start, length = _long(wire, lead, start, length)
    return start, pc.add(start, length), is_null


def split(rows: Rows, width: int) -> list[pa.BinaryArray]:
    """The columns of the rows, as bytes."""
    data, headers = pa.py_buffer(rows.data), pa.array(rows.headers, pa.int32())
    wire = pa.Array.from_buffers(pa.uint8(), len(data), [None, data])
    at, columns = pc.add(headers[:-1], _int32(HEADER)), []
    for _ in range(width):
        columns.append(_bounds(wire, at))
        at = columns[-1][1]
    if not at.equals(headers[1:]):
        raise pa.ArrowInvalid("the server sent rows of another width")
    arrays, count = [], len(rows)
    every_second = pa.arange(0, 2 * count, 2)
    for start, end, is_null in columns:
        # start and end in turn are the offsets of an array whose every second value is what lies between two fields
        offsets = pa.RecordBatch.from_arrays([start, end], ["start", "end"]).to_tensor(row_major=True)
        array = pa.Array.from_buffers(pa.binary(), 2 * count - 1, [None, pa.py_buffer(offsets), data])
        arrays.append(array.take(every_second if is_null is None else pc.if_else(is_null, None, every_second)))
    return arrays


def _column(values: pa.Array, field: pa.Field, zero_dates: dict[str, int]) -> pa.Array:
    """Bytes cast to the column's type; what is no date becomes null and is counted."""
    if pa.types.is_binary(field.type):
        return values
    text = values.cast(pa.string())
    if pa.types.is_string(field.type):
        return text
    try:
        return text.cast(field.type)
    except pa.ArrowInvalid:
        if not pa.types.is_temporal(field.type):
            raise
        no_date = pa.array([v is not None and not _is_date(v) for v in text.to_pylist()])
        zero_dates[field.name] = zero_dates.get(field.name, 0) + (pc.sum(no_date).as_py() or 0)
        return pc.if_else(no_date, None, text).cast(field.type)


def _is_date(text: str) -> bool:
    """Is this a day of the calendar? MySQL also keeps 0000-00-00, 2024-02-00 and, if told to, 2024-02-31."""
    try:
        return bool(date.fromisoformat(text[:10]))
    except ValueError:
        return False


def _table(rows: Rows, schema: pa.Schema, zero_dates: dict[str, int]) -> pa.Table:
    fields = zip(split(rows, len(schema)), schema, strict=True)
    return pa.table([_column(values, field, zero_dates) for values, field in fields], schema=schema)


def _write_group(file: pq.ParquetWriter, tables: list[pa.Table]) -> None:
    file.write_table(pa.concat_tables(tables))
    tables.clear()
    pa.default_memory_pool().release_unused()  # what one thread allocated and another freed would stay: 40 MB


def write(
    chunks: Iterator[Rows], schema: pa.Schema, path: Path, tick: Callable[[int], None] = lambda _rows: None
) -> Copied:
    """Rows to a parquet file; `tick` is told how many more there are each time.

    A worker thread compresses a row group while this one reads and casts the next.
    To cast in the worker is slower: it would wait for Python's lock at each of many small steps.
    """
    rows, size = 0, 0
    zero_dates: dict[str, int] = {}
    waiting: list[pa.Table] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as file, ThreadPoolExecutor(1) as worker:
        job: Future[None] | None = None
        for chunk in chunks:
            waiting.append(_table(chunk, schema, zero_dates))
            rows, size = rows + len(chunk), size + waiting[-1].nbytes
            tick(len(chunk))
            if size >= GROUP_BYTES:
                if job:
                    job.result()
                job, waiting, size = worker.submit(_write_group, file, waiting), [], 0
        if job:
            job.result()
        if waiting:
            _write_group(file, waiting)
    return Copied(rows, zero_dates)
