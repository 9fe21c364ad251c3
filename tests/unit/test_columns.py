"""Bytes as MySQL sends them to the columns of a parquet file, without a server."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymysql.err import OperationalError

from loader import columns
from loader.columns import Copied, write
from loader.packets import Rows, read_rows
from tests.wire import EOF, Cursor, Sent, packet, row

ROOM = 1 << 16


def sent(*rows: bytes) -> Iterator[Rows]:
    return read_rows(Cursor(Sent(b"".join([*rows, packet(EOF)]))), ROOM)


def written(path: Path, kind: pa.DataType, *values: bytes | None) -> tuple[Copied, list]:
    """A table of one column: what is told of it, and what its file holds."""
    schema = pa.schema([pa.field("c", kind, metadata={"mysql": "of no matter"})])
    copied = write(sent(*map(row, values)), schema, path / "t.parquet")
    table = pq.read_table(path / "t.parquet")
    assert table.schema.equals(schema, check_metadata=True)
    return copied, table["c"].to_pylist()


MAX_FLOAT = 3.4028234663852886e38
CASES = [
    (pa.int8(), b"-128", -128),
    (pa.uint8(), b"255", 255),
    (pa.uint32(), b"0000000042", 42),  # zerofill
    (pa.int64(), b"-9223372036854775808", -(2**63)),
    (pa.uint64(), b"18446744073709551615", 2**64 - 1),
    (pa.bool_(), b"1", True),
    (pa.bool_(), b"0", False),
    (pa.float32(), b"1.100000023841858", 1.100000023841858),  # a FLOAT of 1.1, as a double
    (pa.float32(), b"16777217", 16777216.0),
    (pa.float32(), b"3.4028234663852886e38", MAX_FLOAT),
    (pa.float32(), b"1.401298464324817e-45", 1.401298464324817e-45),
    (pa.float64(), b"1.100000023841858", 1.100000023841858),
    (pa.float64(), b"-1.7976931348623157e308", -1.7976931348623157e308),
    (
        pa.decimal128(38, 10),
        b"-1234567890123456789012345678.0123456789",
        Decimal("-1234567890123456789012345678.0123456789"),
    ),
    (pa.date32(), b"2024-02-29", date(2024, 2, 29)),
    (pa.timestamp("us"), b"2024-02-29 23:59:59", datetime(2024, 2, 29, 23, 59, 59)),
    (pa.timestamp("us"), b"9999-12-31 23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999999)),
    (pa.string(), "päss🦎".encode(), "päss🦎"),
    (pa.string(), b"", ""),
    (pa.string(), b"x" * 70_000, "x" * 70_000),
    (pa.binary(), bytes(range(256)), bytes(range(256))),
    (pa.binary(), b"\xfb", b"\xfb"),
    (pa.binary(), b"", b""),
]


@pytest.mark.parametrize(("kind", "value", "expected"), CASES, ids=[f"{k} {v[:30]!r}" for k, v, _ in CASES])
def test_values_and_nulls_of_every_type(tmp_path: Path, kind: pa.DataType, value: bytes, expected: object) -> None:
    copied, values = written(tmp_path, kind, value, None, value, None)
    assert values == [expected, None, expected, None]
    assert copied == Copied(4, {})
    assert written(tmp_path, kind, None, None)[1] == [None, None]


def test_no_rows_are_a_file_with_the_columns(tmp_path: Path) -> None:
    assert written(tmp_path, pa.int8()) == (Copied(0, {}), [])


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.date32()])
def test_what_is_no_date_becomes_null_and_is_counted_over_all_chunks(tmp_path: Path, kind: pa.DataType) -> None:
    time = b"" if kind == pa.date32() else b" 00:00:00"
    days = [b"2024-01-01", b"0000-00-00", b"2024-02-00", b"2024-02-31", b"2024-02-29"]
    values = [d + time for d in days] + [None]
    copied, got = written(tmp_path, kind, *values * 1000)
    assert copied == Copied(6000, {"c": 3000})
    assert [v and v.day for v in got] == [1, None, None, None, 29, None] * 1000


@pytest.mark.parametrize(("kind", "value"), [(pa.int8(), b"128"), (pa.int32(), b"one"), (pa.string(), b"\xff\xfe")])
def test_a_value_that_is_none_of_its_type_is_an_error(tmp_path: Path, kind: pa.DataType, value: bytes) -> None:
    with pytest.raises(pa.ArrowInvalid):
        written(tmp_path, kind, value)


def numbers(count: int) -> list[bytes]:
    return [row(str(i).encode(), None if i % 3 else f"name {i}".encode()) for i in range(count)]


SCHEMA = pa.schema([("id", pa.int32()), ("name", pa.string())])


def test_rows_keep_their_order_over_chunks_and_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "GROUP_BYTES", 100_000)
    assert write(sent(*numbers(50_000)), SCHEMA, tmp_path / "t.parquet") == Copied(50_000, {})
    file = pq.ParquetFile(tmp_path / "t.parquet")
    assert file.num_row_groups > 3
    expected = [{"id": i, "name": None if i % 3 else f"name {i}"} for i in range(50_000)]
    assert file.read().to_pylist() == expected


def test_a_connection_lost_in_the_middle_is_raised(tmp_path: Path) -> None:
    lost = read_rows(Cursor(Sent(b"".join(numbers(50_000)))), ROOM)
    with pytest.raises(OperationalError, match="Lost connection"):
        write(lost, SCHEMA, tmp_path / "t.parquet")


def test_a_group_that_can_not_be_written_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever it is: the first, one in the middle, the last of the worker's, or the rest."""
    write_table, calls = pq.ParquetWriter.write_table, []

    def full(failing: int, *arguments: object) -> None:
        calls.append(1)
        if len(calls) == failing:
            raise OSError(28, "No space left on device")
        write_table(*arguments)

    monkeypatch.setattr(columns, "GROUP_BYTES", 100_000)
    monkeypatch.setattr(pq.ParquetWriter, "write_table", lambda *a: full(0, *a))
    write(sent(*numbers(50_000)), SCHEMA, tmp_path / "t.parquet")
    groups = len(calls)
    assert groups > 3
    for failing in range(1, groups + 1):
        calls.clear()
        monkeypatch.setattr(pq.ParquetWriter, "write_table", lambda *a, failing=failing: full(failing, *a))
        with pytest.raises(OSError, match="No space left"):
            write(sent(*numbers(50_000)), SCHEMA, tmp_path / "t.parquet")
