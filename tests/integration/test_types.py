"""Every value of every MySQL type arrives exact: from a real MariaDB, each type by itself and all in one table."""

import hashlib
import struct
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loader import catalogue
from loader.mysql import Server, parse_uri
from tests import database, servers
from tests.cloud import COPIED_AFTER, Cloud
from tests.commands import rows, succeeded


def test_an_empty_table_is_a_file_with_columns(cloud: Cloud) -> None:
    cloud.sql("DELETE FROM blazar.leases")
    succeeded(cloud.extract())
    assert pq.read_table(cloud.file("blazar.leases")).num_rows == 0
    expected = catalogue.load()["blazar.leases"].columns
    assert pq.read_schema(cloud.file("blazar.leases")).names == [*expected, *database.others("blazar.leases")]
    assert pq.read_schema(cloud.file("blazar.leases")).field("start_date").type == pa.timestamp("us")


BYTES = bytes(range(256))
LIZARD = "Chamäleon 🦎 \\ ' \" \t\n\0"
# column: declared type, its arrow type, and values as pymysql sends them with what must arrive
TYPES: dict[str, tuple[str, pa.DataType, list[tuple[object, object]]]] = {
    "tiny_flag": ("tinyint(1)", pa.int8(), [(0, 0), (1, 1), (-128, -128), (None, None)]),
    "tiny": ("tinyint unsigned", pa.uint8(), [(0, 0), (255, 255)]),
    "small": ("smallint", pa.int16(), [(-(2**15), -(2**15)), (2**15 - 1, 2**15 - 1)]),
    "medium": ("mediumint unsigned zerofill", pa.uint32(), [(7, 7), (2**24 - 1, 2**24 - 1)]),
    "plain": ("int", pa.int32(), [(-(2**31), -(2**31)), (2**31 - 1, 2**31 - 1)]),
    "big": ("bigint", pa.int64(), [(-(2**63), -(2**63)), (2**63 - 1, 2**63 - 1)]),
    "huge": ("bigint unsigned", pa.uint64(), [(2**64 - 1, 2**64 - 1)]),
    "money": (
        "decimal(38,10)",
        pa.decimal128(38, 10),
        [("1234567890123456789012345678.0123456789", Decimal("1234567890123456789012345678.0123456789")), (0, 0)],
    ),
    "endless": (
        "decimal(65,30)",
        pa.string(),
        [("-" + "9" * 35 + "." + "1" * 30, "-" + "9" * 35 + "." + "1" * 30), (None, None)],
    ),
    "flag": ("bit(1)", pa.bool_(), [(1, True), (0, False), (None, None)]),
    "flags": ("bit(64)", pa.uint64(), [(2**64 - 1, 2**64 - 1), (0, 0), (49, 49)]),
    "short": (
        "float",
        pa.float32(),  # what no decimal text of six digits tells apart
        [(1.1, 1.10000002384185791015625), (16777215, 16777215.0), (0.1234567, 0.12345670163631439), (None, None)],
    ),
    "scaled": ("float(7,2)", pa.float32(), [(12345.67, 12345.669921875), (-0.01, -0.009999999776482582)]),
    "exact": ("double", pa.float64(), [(0.1, 0.1), (1.7976931348623157e308, 1.7976931348623157e308), (5e-324, 5e-324)]),
    "day": ("date", pa.date32(), [("1000-01-01", date(1000, 1, 1)), ("9999-12-31", date(9999, 12, 31))]),
    "moment": (
        "datetime(6)",
        pa.timestamp("us"),
        [
            ("2024-02-29 23:59:59.123456", datetime(2024, 2, 29, 23, 59, 59, 123456)),
            ("9999-12-31 23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999999)),
            ("1000-01-01", datetime(1000, 1, 1)),
        ],
    ),
    "second": ("datetime", pa.timestamp("us"), [("2024-03-31 02:30:00", datetime(2024, 3, 31, 2, 30))]),
    "stamp": (
        "timestamp(6) null",
        pa.timestamp("us"),
        [("2024-06-01 12:00:00.5", datetime(2024, 6, 1, 10, 0, 0, 500000))],
    ),
    "hours": ("time(3)", pa.string(), [("-838:59:59.123", "-838:59:59.123"), ("00:00:00", "00:00:00.000")]),
    "annual": ("year", pa.int16(), [(1901, 1901), (2155, 2155), (0, 0)]),
    "choice": ("enum('a','é','')", pa.string(), [("é", "é"), ("", ""), (None, None)]),
    "choices": ("set('x','y')", pa.string(), [("x,y", "x,y"), ("", "")]),
    "document": ("json", pa.string(), [('{"a": [1, "ü"]}', '{"a": [1, "ü"]}'), (None, None)]),
    "fixed": ("char(36)", pa.string(), [("padded", "padded"), ("", "")]),
    "name": ("varchar(255)", pa.string(), [(LIZARD, LIZARD), ("", ""), (None, None), ("NULL", "NULL")]),
    "western": ("varchar(20) character set latin1", pa.string(), [("é€", "é€")]),
    "text": ("longtext", pa.string(), [("x" * 250, "x" * 250), ("y" * 251, "y" * 251), ("z" * 70000, "z" * 70000)]),
    "fixed_bytes": ("binary(4)", pa.binary(), [(b"ab", b"ab\0\0"), (b"\xff\xfe\xfb\0", b"\xff\xfe\xfb\0")]),
    "some_bytes": ("varbinary(300)", pa.binary(), [(BYTES, BYTES), (b"", b""), (None, None)]),
    "many_bytes": ("longblob", pa.binary(), [(BYTES * 300, BYTES * 300), (b"\xfb", b"\xfb")]),
    "tenth": ("bit(8)", pa.uint64(), [(255, 255), (10, 10), (0, 0)]),
    "debt": (
        "decimal(10,2)",
        pa.decimal128(10, 2),
        [("-99999999.99", Decimal("-99999999.99")), ("0.01", Decimal("0.01"))],
    ),
    "whole": ("decimal(20,0) unsigned", pa.decimal128(20, 0), [("9" * 20, Decimal("9" * 20)), (0, 0)]),
    "many_numbers": ("bigint unsigned zerofill", pa.uint64(), [(0, 0), (1, 1), (2**63, 2**63)]),
    "short_text": ("tinytext", pa.string(), [("", ""), ("ñ" * 127, "ñ" * 127)]),
    "medium_text": ("mediumtext", pa.string(), [("🦎" * 30000, "🦎" * 30000), ("\ufb00\ufe00", "\ufb00\ufe00")]),
    "address": ("inet6", pa.string(), [("2001:db8::1", "2001:db8::1"), (None, None)]),
    "ident": ("uuid", pa.string(), [("6ccd780c-baba-1026-9564-5b8c656024db",) * 2, (None, None)]),
    "clock": ("time(6)", pa.string(), [("23:59:59.999999", "23:59:59.999999"), ("-00:00:01", "-00:00:01.000000")]),
    "instant": ("timestamp null", pa.timestamp("us"), [("1970-01-01 02:00:01", datetime(1970, 1, 1, 0, 0, 1))]),
    "tiny_bytes": ("tinyblob", pa.binary(), [(b"\xff" * 255, b"\xff" * 255), (b"\0", b"\0")]),
}


def typed_table(cloud: Cloud) -> int:
    """Make blazar.leases a table of all types, filled from a session in another time zone; the number of its rows."""
    cloud.sql(
        "DROP TABLE blazar.leases",
        f"CREATE TABLE blazar.leases (n int, {', '.join(f'`{c}` {t}' for c, (t, _, _) in TYPES.items())})",
    )
    count = max(len(samples) for _, _, samples in TYPES.values())
    marks = ", ".join(["%s"] * (len(TYPES) + 1))
    with cloud.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+02:00'")
        for n in range(count):
            given = [samples[n][0] if n < len(samples) else None for _, _, samples in TYPES.values()]
            cursor.execute(f"INSERT INTO blazar.leases VALUES ({marks})", (n, *given))
    return count


@pytest.fixture(scope="module")
def account(mariadb: servers.MariaDB) -> database.Account:
    """Who may read any table of `blazar`."""
    mariadb.run("CREATE DATABASE IF NOT EXISTS blazar; GRANT SELECT ON blazar.* TO 'typist'@'%' IDENTIFIED BY 'types'")
    return database.Account("typist", mariadb.uri("typist", "types"))


@pytest.mark.parametrize("name", TYPES)
def test_values_of_a_type_arrive_exactly(
    name: str, mariadb: servers.MariaDB, account: database.Account, tmp_path: Path
) -> None:
    """Each type in a table of its own, with a null before and after, and with no row at all."""
    declared, arrow, samples = TYPES[name]
    given = [None, *(value for value, _ in samples), None]
    expected = [None, *(value for _, value in samples), None]
    create = f"CREATE OR REPLACE TABLE blazar.leases (n int PRIMARY KEY, `{name}` {declared})"
    with mariadb.connect() as connection, connection.cursor() as cursor:
        for statement in ("CREATE DATABASE IF NOT EXISTS blazar", "SET time_zone = '+02:00'", create):
            cursor.execute(statement)
        cursor.executemany("INSERT INTO blazar.leases VALUES (%s, %s)", list(enumerate(given)))
    copied = copy(account, tmp_path / "full.parquet")
    assert copied.schema.field(name).type == arrow
    assert copied[name].to_pylist() == expected
    assert copied["n"].to_pylist() == list(range(len(given)))
    mariadb.run("DELETE FROM blazar.leases")
    assert copy(account, tmp_path / "empty.parquet").schema.field(name).type == arrow
    mariadb.run("INSERT INTO blazar.leases (n) VALUES (1), (2)")
    nulls = copy(account, tmp_path / "nulls.parquet")
    assert (nulls.schema.field(name).type, nulls[name].to_pylist()) == (arrow, [None, None])


def test_shapes_arrive_as_the_bytes_that_mysql_keeps(
    mariadb: servers.MariaDB, account: database.Account, tmp_path: Path
) -> None:
    """Four bytes of SRID, then the OGC's well-known binary: byte order, type 1 (point), x and y as doubles."""
    mariadb.run(
        "CREATE DATABASE IF NOT EXISTS blazar; CREATE OR REPLACE TABLE blazar.leases (place point, any geometry);"
        "INSERT INTO blazar.leases VALUES (ST_PointFromText('POINT(1 -2.5)'), NULL), (NULL, POINT(0, 0))"
    )
    point = struct.pack("<IBIdd", 0, 1, 1, 1.0, -2.5)
    origin = struct.pack("<IBIdd", 0, 1, 1, 0.0, 0.0)
    expected = [{"place": point, "any": None}, {"place": None, "any": origin}]
    assert copy(account, tmp_path / "shapes.parquet").to_pylist() == expected


def copy(account: database.Account, path: Path) -> pa.Table:
    """blazar.leases by the loader's own connection, in this process."""
    with closing(Server(parse_uri(account.uri, "the test's URI"))) as server:
        table = catalogue.load()["blazar.leases"]
        copied = server.copy(table, server.schema(table), path)
    found = pq.read_table(path)
    assert copied.rows == found.num_rows
    return found


def test_values_of_all_types_pass_through_the_whole_pipeline(cloud: Cloud) -> None:
    count = typed_table(cloud)
    assert "blazar.leases lacks" in cloud.extract().stderr, "nothing else is wrong with it"
    copied = pq.read_table(cloud.file("blazar.leases")).sort_by("n")
    for column, (_, arrow, samples) in TYPES.items():
        expected = [value for _, value in samples] + [None] * (count - len(samples))
        assert copied.schema.field(column).type == arrow, column
        assert copied[column].to_pylist() == expected, column


def test_timestamps_are_utc_whatever_the_time_zone_of_the_server(cloud: Cloud) -> None:
    cloud.sql(
        "ALTER TABLE blazar.leases ADD COLUMN stamp TIMESTAMP NULL",
        "SET time_zone = '+02:00'",
        "UPDATE blazar.leases SET stamp = '2024-06-01 12:00:00', start_date = '2024-06-01 12:00:00'",
        "SET GLOBAL time_zone = '-05:00'",
    )
    try:
        succeeded(cloud.extract())
    finally:
        cloud.sql("SET GLOBAL time_zone = 'SYSTEM'")
    copied = pq.read_table(cloud.file("blazar.leases"))
    assert set(copied["stamp"].to_pylist()) == {datetime(2024, 6, 1, 10)}
    assert set(copied["start_date"].to_pylist()) == {datetime(2024, 6, 1, 12)}, "a DATETIME has no time zone"


def test_columns_of_nulls_keep_their_type(cloud: Cloud) -> None:
    typed_table(cloud)
    cloud.sql("DELETE FROM blazar.leases", "INSERT INTO blazar.leases (n) VALUES (1), (2)")
    assert "blazar.leases lacks" in cloud.extract().stderr, "nothing else is wrong with it"
    copied = pq.read_table(cloud.file("blazar.leases"))
    assert {c: copied.schema.field(c).type for c in TYPES} == {c: arrow for c, (_, arrow, _) in TYPES.items()}
    assert all(copied[c].null_count == 2 for c in TYPES)


def test_dates_that_are_none_become_null_and_are_counted(cloud: Cloud) -> None:
    cloud.sql(
        "SET sql_mode = ''",
        "ALTER TABLE blazar.leases ADD COLUMN day DATE, ADD COLUMN stamp TIMESTAMP NULL",
        "DELETE FROM blazar.leases",
        "INSERT INTO blazar.leases (id, start_date, day, stamp) VALUES"
        " (1, '0000-00-00', '2024-02-00', '0000-00-00'), (2, '2024-00-10', '2024-02-03', NULL),"
        " (3, '2024-10-10 00:00:00', NULL, '2024-01-01 00:00:00'), (4, '0000-00-00', '2000-10-20', NULL)",
    )
    run = succeeded(cloud.extract())
    assert sorted(run.stderr.splitlines()) == [
        "Warning: blazar.leases.day: 1 zero dates are not dates; written as null",
        "Warning: blazar.leases.stamp: 1 zero dates are not dates; written as null",
        "Warning: blazar.leases.start_date: 3 zero dates are not dates; written as null",
    ]
    copied = pq.read_table(cloud.file("blazar.leases")).sort_by("id")
    assert copied["start_date"].to_pylist() == [None, None, datetime(2024, 10, 10), None]
    assert copied["day"].to_pylist() == [None, date(2024, 2, 3), None, date(2000, 10, 20)]
    assert copied["stamp"].to_pylist() == [None, None, datetime(2024, 1, 1), None]
    counted = cloud.manifest()["tables"]["blazar.leases"]["zero_dates"]
    assert {c: n for c, n in counted.items() if n} == {"start_date": 3, "day": 1, "stamp": 1}


def test_zero_dates_are_counted_over_many_chunks(cloud: Cloud) -> None:
    cloud.sql(
        "SET sql_mode = ''",
        "ALTER TABLE blazar.leases ADD COLUMN filler varchar(1000)",
        "DELETE FROM blazar.leases",
        "INSERT INTO blazar.leases (id, start_date, filler) SELECT seq,"
        " if(seq % 1000 = 0, '0000-00-00', '2024-01-01'), repeat('x', 1000) FROM nova.seq_1_to_12000",
    )
    run = succeeded(cloud.extract())
    assert run.stderr == "Warning: blazar.leases.start_date: 12 zero dates are not dates; written as null\n"
    copied = pq.read_table(cloud.file("blazar.leases"), columns=["id", "start_date"]).to_pylist()
    assert len(copied) == 12000
    assert {int(r["id"]) for r in copied if r["start_date"] is None} == set(range(1000, 12001, 1000))


def test_rows_over_16_mb_arrive_whole(cloud: Cloud) -> None:
    cloud.sql(
        "ALTER TABLE blazar.leases ADD COLUMN essay LONGTEXT",
        "DELETE FROM blazar.leases",
        "INSERT INTO blazar.leases (id, essay) VALUES"
        " ('1', 'short'), ('2', repeat('seventeen-megabyte', 1000000)), ('3', NULL), ('4', repeat('x', 16777215))",
    )
    succeeded(cloud.extract())
    copied = {r["id"]: r["essay"] for r in rows(cloud.file("blazar.leases"))}
    assert copied == {"1": "short", "2": "seventeen-megabyte" * 1000000, "3": None, "4": "x" * 16777215}


def test_a_large_table_is_copied_whole(cloud: Cloud) -> None:
    """More than one chunk from the wire and more than one row group."""
    cloud.sql(
        f"INSERT INTO {COPIED_AFTER} (id, instance_uuid, spec)"
        " SELECT 1000000 + seq, md5(seq), repeat(md5(seq), 40) FROM nova.seq_1_to_50000"
    )
    succeeded(cloud.extract())
    file = pq.ParquetFile(cloud.file(COPIED_AFTER))
    assert file.metadata.num_row_groups > 1
    copied = file.read(["id", "spec"]).to_pydict()
    theirs = dict(cloud.sql(f"SELECT id, md5(spec) FROM {COPIED_AFTER}"))
    assert len(copied["id"]) == len(theirs)
    mine = {i: s and hashlib.md5(s.encode()).hexdigest() for i, s in zip(copied["id"], copied["spec"], strict=True)}  # noqa: S324
    assert mine == theirs
