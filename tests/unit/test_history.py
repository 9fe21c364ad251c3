"""The merge of an earlier file into a new one, against a count by hand and against plain dictionaries."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loader import catalogue, history
from loader.history import LAST_SEEN, VANISHED, Kept, Unmergeable

DAY = [datetime(2024, 1, 1) + timedelta(days=n) for n in range(10)]


def write(path: Path, rows: list[dict], schema: pa.Schema) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path


def merge(tmp_path: Path, new: Path, old: Path | None, last: datetime | None, now: datetime, key=("id",)) -> Kept:
    """Merge into tmp_path/merged.parquet."""
    instants = (last and str(last), str(now))
    return history.merge(new, old, list(key), instants, tmp_path / "merged.parquet", tmp_path / "spill")


def merged(tmp_path: Path) -> list[dict]:
    return pq.read_table(tmp_path / "merged.parquet").to_pylist()


NAMED = pa.schema([("id", pa.int64()), ("name", pa.string())])


def test_a_row_that_vanishes_stays_and_one_that_comes_back_is_live_again(tmp_path: Path) -> None:
    """Three days: 1 stays, 2 vanishes on the second and stays away, 3 vanishes and is back on the third, renamed."""
    first = write(tmp_path / "1", [{"id": i, "name": "a"} for i in (1, 2, 3)], NAMED)
    assert merge(tmp_path, first, None, None, DAY[0]) == Kept(gone=0, vanished=0)
    assert merged(tmp_path) == [{"id": i, "name": "a", LAST_SEEN: DAY[0], VANISHED: None} for i in (1, 2, 3)]

    earlier = (tmp_path / "merged.parquet").rename(tmp_path / "earlier")
    second = write(tmp_path / "2", [{"id": 1, "name": "b"}], NAMED)
    assert merge(tmp_path, second, earlier, DAY[0], DAY[1]) == Kept(gone=2, vanished=2)
    assert merged(tmp_path) == [
        {"id": 1, "name": "b", LAST_SEEN: DAY[1], VANISHED: None},
        {"id": 2, "name": "a", LAST_SEEN: DAY[0], VANISHED: DAY[1]},
        {"id": 3, "name": "a", LAST_SEEN: DAY[0], VANISHED: DAY[1]},
    ]

    earlier = (tmp_path / "merged.parquet").rename(tmp_path / "earlier")
    third = write(tmp_path / "3", [{"id": 3, "name": "c"}], NAMED)
    assert merge(tmp_path, third, earlier, DAY[1], DAY[2]) == Kept(gone=1, vanished=2)
    assert merged(tmp_path) == [
        {"id": 3, "name": "c", LAST_SEEN: DAY[2], VANISHED: None},
        {"id": 1, "name": "b", LAST_SEEN: DAY[1], VANISHED: DAY[2]},
        {"id": 2, "name": "a", LAST_SEEN: DAY[0], VANISHED: DAY[1]},
    ]


def test_a_file_without_history_begins_one_with_the_instant_that_its_extraction_showed(tmp_path: Path) -> None:
    old = write(tmp_path / "old", [{"id": 7, "name": "x"}], NAMED)
    new = write(tmp_path / "new", [], NAMED)
    assert merge(tmp_path, new, old, DAY[3], DAY[4]) == Kept(1, 1)
    assert merged(tmp_path) == [{"id": 7, "name": "x", LAST_SEEN: DAY[3], VANISHED: DAY[4]}]
    merge(tmp_path, new, old, None, DAY[4])
    assert merged(tmp_path) == [{"id": 7, "name": "x", LAST_SEEN: None, VANISHED: DAY[4]}]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    days=st.lists(st.dictionaries(st.tuples(st.integers(0, 5), st.sampled_from("ab")), st.integers(-9, 9)), max_size=6)
)
def test_any_sequence_of_days_equals_a_dictionary(tmp_path: Path, days: list[dict[tuple, int]]) -> None:
    """The key has two columns; the last state of each key, when it was last there, and the first day without it."""
    schema = pa.schema([("n", pa.int32()), ("c", pa.string()), ("value", pa.int64())])
    known: dict[tuple, dict] = {}
    earlier = None
    for day, content in zip(DAY, days, strict=False):
        rows = [{"n": n, "c": c, "value": v} for (n, c), v in content.items()]
        gone = 0
        for row in known.values():
            if row[VANISHED] is None and (row["n"], row["c"]) not in content:
                row[VANISHED] = day
                gone += 1
        known |= {(r["n"], r["c"]): r | {LAST_SEEN: day, VANISHED: None} for r in rows}
        new = write(tmp_path / "new", rows, schema)
        kept = merge(tmp_path, new, earlier, None, day, key=("n", "c"))
        assert kept == Kept(gone, sum(r[VANISHED] is not None for r in known.values()))
        assert sorted(merged(tmp_path), key=lambda r: (r["n"], r["c"])) == [known[k] for k in sorted(known)]
        earlier = (tmp_path / "merged.parquet").rename(tmp_path / "earlier")


TYPES = {
    "tiny": (pa.uint8(), 255),
    "small": (pa.int8(), -128),
    "huge": (pa.uint64(), 2**64 - 1),
    "money": (pa.decimal128(38, 10), Decimal("1234567890123456789012345678.0123456789")),
    "float": (pa.float32(), 1.100000023841858),
    "double": (pa.float64(), 5e-324),
    "flag": (pa.bool_(), True),
    "day": (pa.date32(), datetime(1000, 1, 1).date()),
    "moment": (pa.timestamp("us"), datetime(9999, 12, 31, 23, 59, 59, 999999)),
    "bytes": (pa.binary(), bytes(range(256))),
    "text": (pa.string(), "Chamäleon 🦎\0"),
    "none": (pa.int16(), None),
}


def test_kept_values_of_every_type_are_the_same(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.int64()), *((name, kind) for name, (kind, _) in TYPES.items())])
    row = {"id": 1, **{name: value for name, (_, value) in TYPES.items()}}
    old, new = write(tmp_path / "old", [row], schema), write(tmp_path / "new", [row | {"id": 2}], schema)
    merge(tmp_path, new, old, DAY[0], DAY[1])
    assert pq.read_schema(tmp_path / "merged.parquet").types[:-2] == schema.types
    for found in merged(tmp_path):
        assert {k: v for k, v in found.items() if k in TYPES} == {k: v for k, v in row.items() if k in TYPES}


def test_columns_that_come_and_go_are_all_kept(tmp_path: Path) -> None:
    """An upgrade widened one column, dropped one and added one."""
    old = write(
        tmp_path / "old",
        [{"id": 1, "size": 7, "dropped": "d"}],
        pa.schema([("id", pa.int32()), ("size", pa.int16()), ("dropped", pa.string())]),
    )
    new = write(
        tmp_path / "new",
        [{"id": 2, "added": 1.5, "size": 2**40}],
        pa.schema([("id", pa.int64()), ("added", pa.float64()), ("size", pa.int64())]),
    )
    merge(tmp_path, new, old, DAY[0], DAY[1])
    assert merged(tmp_path) == [
        {"id": 2, "added": 1.5, "size": 2**40, "dropped": None, LAST_SEEN: DAY[1], VANISHED: None},
        {"id": 1, "added": None, "size": 7, "dropped": "d", LAST_SEEN: DAY[0], VANISHED: DAY[1]},
    ]


OLD_ROW, NEW_ROW = 1, 2
CHANGES: dict[str, tuple[pa.DataType, object, pa.DataType, object, pa.DataType, object]] = {
    # the old type and value, the new ones, and the type of the merged file with the old row's value there
    "wider": (pa.int16(), 7, pa.int64(), 2**40, pa.int64(), 7),
    "narrower, and all fits": (pa.int64(), 7, pa.int16(), 9, pa.int16(), 7),
    "narrower, and the old doesn't fit": (pa.int64(), 2**40, pa.int16(), 9, pa.int64(), 2**40),
    "unsigned": (pa.int32(), -1, pa.uint32(), 9, pa.int32(), -1),
    "fewer digits": (
        pa.decimal128(10, 4),
        Decimal("1.2345"),
        pa.decimal128(10, 2),
        Decimal("1.5"),
        pa.decimal128(10, 4),
        Decimal("1.2345"),
    ),
    "no fractions any more": (pa.float64(), 1.5, pa.int64(), 2, pa.float64(), 1.5),
    "days": (
        pa.timestamp("us"),
        datetime(2024, 1, 1, 12),
        pa.date32(),
        date(2024, 1, 2),
        pa.timestamp("us"),
        datetime(2024, 1, 1, 12),
    ),
    "number to text": (pa.int64(), 12, pa.string(), "x", pa.string(), "12"),
    "text to number": (pa.string(), "12", pa.int64(), 13, pa.int64(), 12),
    "text to bytes": (pa.string(), "a\\x41é", pa.binary(), b"\xff", pa.binary(), "a\\x41é".encode()),
    "bytes to text": (pa.binary(), "é".encode(), pa.string(), "x", pa.string(), "é"),
    "bytes that are no text": (pa.binary(), b"\xff", pa.string(), "é", pa.binary(), b"\xff"),
    "single precision": (pa.float64(), 0.1, pa.float32(), 0.5, pa.float64(), 0.1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_column_that_changes_its_type_loses_no_value(change: str, tmp_path: Path) -> None:
    old_type, old_value, new_type, new_value, merged_type, kept = CHANGES[change]
    old, new = (
        write(tmp_path / str(i), [{"id": i, "value": value}], pa.schema([("id", pa.int64()), ("value", kind)]))
        for i, kind, value in ((OLD_ROW, old_type, old_value), (NEW_ROW, new_type, new_value))
    )
    merge(tmp_path, new, old, DAY[0], DAY[1])
    assert pq.read_schema(tmp_path / "merged.parquet").field("value").type == merged_type
    values = {row["id"]: row["value"] for row in merged(tmp_path)}
    assert values[OLD_ROW] == kept
    assert pa.scalar(new_value, new_type).cast(merged_type).as_py() == values[NEW_ROW]


def test_types_that_neither_hold_the_other_are_refused_and_no_value_is_shown(tmp_path: Path) -> None:
    old = write(
        tmp_path / "old", [{"id": 1, "name": b"s3cret\xff"}], pa.schema([("id", pa.int64()), ("name", pa.binary())])
    )
    new = write(tmp_path / "new", [{"id": 2, "name": 7}], pa.schema([("id", pa.int64()), ("name", pa.int32())]))
    with pytest.raises(Unmergeable) as error:
        merge(tmp_path, new, old, DAY[0], DAY[1])
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("kind", [pa.int64(), pa.string()], ids=["narrower", "text"])
def test_a_key_that_changes_its_type_still_names_its_row(kind: pa.DataType, tmp_path: Path) -> None:
    old = (
        write(tmp_path / "old", [{"id": i} for i in (1, 2, 3)], pa.schema([("id", kind)]))
        if pa.types.is_integer(kind)
        else write(tmp_path / "old", [{"id": str(i)} for i in (1, 2, 3)], pa.schema([("id", kind)]))
    )
    new = write(tmp_path / "new", [{"id": i} for i in (2, 3)], pa.schema([("id", pa.int16())]))
    assert merge(tmp_path, new, old, DAY[0], DAY[1]) == Kept(1, 1)
    assert [row["id"] for row in merged(tmp_path)] == [2, 3, 1]


@pytest.mark.parametrize(
    ("ids", "key", "says"),
    [
        ([1, 1], ["id"], "id repeats"),
        ([1, None], ["id"], "id has nulls"),
        ([1, 2], ["id"], None),
        ([1], ["uuid"], "it has no uuid"),
        ([1], [], "no primary key and no id can be read"),
        ([1, 1], ["id", "name"], "id and name repeats"),
    ],
)
def test_what_names_no_row_is_no_key(tmp_path: Path, ids: list, key: list[str], says: str | None) -> None:
    file = write(tmp_path / "file", [{"id": i, "name": "x"} for i in ids], NAMED)
    assert history.no_key(file, key, tmp_path / "spill") == says


def test_vanished_rows_are_counted_by_the_footer(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", [{"id": 1, "name": ""}], NAMED)
    assert history.vanished_rows(plain) == 0
    merge(tmp_path, write(tmp_path / "new", [], NAMED), plain, DAY[0], DAY[1])
    assert history.vanished_rows(tmp_path / "merged.parquet") == 1
    merge(tmp_path, plain, None, DAY[0], DAY[1])
    assert history.vanished_rows(tmp_path / "merged.parquet") == 0


def test_what_has_become_secret_is_kept_no_longer(tmp_path: Path) -> None:
    """An earlier version copied it: history must not carry it on."""
    table = catalogue.load()["zun.container"]
    assert "entrypoint" in table.never_copied
    old = write(
        tmp_path / "old",
        [{"id": 1, "entrypoint": "s3cret", "unknown": "s3cret", "image": "i"}],
        pa.schema([("id", pa.int64()), *((n, pa.string()) for n in ("entrypoint", "unknown", "image"))]),
    )
    new = write(tmp_path / "new", [{"id": 2}], pa.schema([("id", pa.int64())]))
    instants = (str(DAY[0]), str(DAY[1]))
    history.merge(new, old, ["id"], instants, tmp_path / "merged.parquet", tmp_path / "spill", table)
    assert pq.read_schema(tmp_path / "merged.parquet").names == ["id", "image", LAST_SEEN, VANISHED]
    assert b"s3cret" not in (tmp_path / "merged.parquet").read_bytes()


def test_names_have_no_case_and_ours_are_reserved(tmp_path: Path) -> None:
    old = write(tmp_path / "old", [{"id": 1, "Name": "x"}], pa.schema([("id", pa.int64()), ("Name", pa.string())]))
    new = write(tmp_path / "new", [{"id": 2, "name": "y"}], NAMED)
    merge(tmp_path, new, old, DAY[0], DAY[1])
    assert [(row["id"], row["name"]) for row in merged(tmp_path)] == [(2, "y"), (1, "x")]
    new = write(tmp_path / "new", [], pa.schema([("id", pa.int64()), (VANISHED, pa.string())]))
    with pytest.raises(Unmergeable, match="it has a column of the name _vanished_at"):
        merge(tmp_path, new, None, DAY[0], DAY[1])


def test_names_are_quoted(tmp_path: Path) -> None:
    """Of columns and of folders."""
    folder = tmp_path / 'it\'s a "folder" with a=b'
    folder.mkdir()
    schema = pa.schema([('a "key"; --', pa.int64()), ("order", pa.string())])
    old = write(folder / "old", [{'a "key"; --': 1, "order": "x"}], schema)
    new = write(folder / "new", [{'a "key"; --': 2, "order": "y"}], schema)
    assert merge(folder, new, old, DAY[0], DAY[1], key=('a "key"; --',)) == Kept(1, 1)
    assert [r["order"] for r in merged(folder)] == ["y", "x"]


def test_more_rows_than_fit_into_memory_are_merged(tmp_path: Path) -> None:
    """600,000 wide rows, 180 MB as text: past DuckDB's limit, so it must spill."""
    count = 600_000

    def table(first: int) -> pa.Table:
        ids = pa.array([f"{i * 2654435761 % 2**32:08x}-{i:0280}" for i in range(first, first + count)])
        return pa.table({"id": ids, "value": pa.array(range(first, first + count))})

    pq.write_table(table(0), tmp_path / "old", compression="zstd")
    pq.write_table(table(1000), tmp_path / "new", compression="zstd")
    assert merge(tmp_path, tmp_path / "new", tmp_path / "old", DAY[0], DAY[1]) == Kept(1000, 1000)
    result = pq.read_table(tmp_path / "merged.parquet", columns=["value", VANISHED])
    assert result.num_rows == count + 1000
    assert sorted(result.filter(pa.compute.is_valid(result[VANISHED]))["value"].to_pylist()) == list(range(1000))
