"""Database URIs and column types, without a server."""

import re

import pyarrow as pa
import pytest
from pymysql.err import OperationalError

from loader.errors import UsageError
from loader.mysql import Address, arrow_type, parse_uri, quote
from loader.refused import explain

ORIGIN = "--db-uri"

GOOD = {
    "mysql://user:pass@host:3306": Address("host", 3306, "user", "pass"),
    "mysql://user:pass@host": Address("host", 3306, "user", "pass"),
    "mysql+pymysql://user:pass@host:13306": Address("host", 13306, "user", "pass"),
    "mariadb://user:pass@host": Address("host", 3306, "user", "pass"),
    "mariadb+pymysql://user:pass@host/": Address("host", 3306, "user", "pass"),
    "mysql://user@host": Address("host", 3306, "user", ""),
    "mysql://user:@host": Address("host", 3306, "user", ""),
    "mysql://us%40er:p%40ss%2Fw%3Ard%231%3F%25@host": Address("host", 3306, "us@er", "p@ss/w:rd#1?%"),
    "mysql://user:p%C3%A4ss%F0%9F%A6%8E@host": Address("host", 3306, "user", "päss🦎"),
    "mysql://user:a:b@host": Address("host", 3306, "user", "a:b"),
    "mysql://user:a@b@host": Address("host", 3306, "user", "a@b"),
    "mysql://user:50%@host": Address("host", 3306, "user", "50%"),
    "mysql://user:a+b@host": Address("host", 3306, "user", "a+b"),
    "mysql://user:pass@[::1]:3307": Address("::1", 3307, "user", "pass"),
    "mysql://user:pass@[2001:db8::7]": Address("2001:db8::7", 3306, "user", "pass"),
    "mysql://user:pass@10.0.0.7/nova": Address("10.0.0.7", 3306, "user", "pass"),
    "mysql://user:pass@host/nova?charset=utf8mb4": Address("host", 3306, "user", "pass"),
    "mysql://user:pass@host?ssl_ca=/etc/ca.pem": Address("host", 3306, "user", "pass", ssl_ca="/etc/ca.pem"),
    "mysql://user:pass@/?unix_socket=/run/my%20sql.sock": Address(
        "localhost", 3306, "user", "pass", unix_socket="/run/my sql.sock"
    ),
}


@pytest.mark.parametrize("uri", GOOD)
def test_a_good_uri_is_understood(uri: str) -> None:
    assert parse_uri(uri, ORIGIN) == GOOD[uri]


BAD = {
    "s3cret": "--db-uri is no URI; write mysql://user:password@host:3306",
    "": "--db-uri is ",
    "host:3306": "--db-uri is no URI",
    "postgresql://user:s3cret@host": "--db-uri has the scheme postgresql://; write mysql://user:password@host:3306",
    "user:s3cret://x@host": "--db-uri is no URI",
    "http://user:s3cret@host": "--db-uri has the scheme http://",
    "'mysql://user:s3cret@host'": "--db-uri is quoted: Docker's --env-file keeps quotes",
    '"mysql://user:s3cret@host"': "--db-uri is quoted",
    "mysql://user:s3cret@": "--db-uri names no host",
    "mysql:///nova": "--db-uri names no host",
    "mysql://:s3cret@host": "--db-uri names no user",
    "mysql://host:3306": "--db-uri names no user",
    "mysql://user:s3cret@host:port": "--db-uri can't be read after the host",
    "mysql://user:s3cret@host:99999": "--db-uri can't be read after the host",
    "mysql://user:s3cret@[::1": "--db-uri can't be read after the host",
    "mysql://user:s3cret@host?unix_sokcet=/x": "--db-uri has an unknown option; known are charset, ssl_ca, unix_socket",
}


@pytest.mark.parametrize("uri", BAD)
def test_a_bad_uri_says_what_to_write_and_not_the_password(uri: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_uri(uri, ORIGIN)
    assert str(raised.value).startswith(BAD[uri])
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_empty_uri_is_not_called_quoted() -> None:
    with pytest.raises(UsageError, match=r"db_uri of here in site.yml is (empty|no URI)"):
        parse_uri("", "db_uri of here in site.yml")


@pytest.mark.parametrize("after", ["@host:3306", "@host"])
@pytest.mark.parametrize("before", ["mysql://user:", "mysql://user:12", "mysql://user:x@y", "mysql://user:x@y:12"])
@pytest.mark.parametrize("character", "/?#[]")
def test_a_password_with_unquoted_characters_is_refused_in_every_place(before: str, character: str, after: str) -> None:
    """The URI falls apart in the password: what is behind would be taken for the host, a path or options."""
    uri = f"{before}{character}s3cret=value{after}"
    with pytest.raises(UsageError) as raised:
        parse_uri(uri, ORIGIN)
    assert re.search(r"%2F.*%3F.*%23|# in a password is %23", str(raised.value))
    assert not re.search("s3cret|value", str(raised.value))


def test_the_error_names_where_the_uri_came_from() -> None:
    with pytest.raises(UsageError, match=r"^\$DATABASE_URI is no URI"):
        parse_uri("x", "$DATABASE_URI")


def test_an_address_is_shown_without_its_password() -> None:
    address = parse_uri("mysql://user:s3cret@host", ORIGIN)
    assert str(address) == "user@host:3306"
    assert "s3cret" not in repr(address)
    assert str(parse_uri("mysql://user:s3cret@/?unix_socket=/run/x.sock", ORIGIN)) == "user@/run/x.sock"


# data_type, column_type, numeric_precision, numeric_scale of information_schema.columns
TYPES = [
    ("tinyint", "tinyint(1)", 3, 0, pa.int8()),
    ("tinyint", "tinyint(4)", 3, 0, pa.int8()),
    ("tinyint", "tinyint(3) unsigned", 3, 0, pa.uint8()),
    ("smallint", "smallint(6)", 5, 0, pa.int16()),
    ("smallint", "smallint unsigned", 5, 0, pa.uint16()),
    ("mediumint", "mediumint(9)", 7, 0, pa.int32()),
    ("mediumint", "mediumint(8) unsigned zerofill", 7, 0, pa.uint32()),
    ("int", "int", 10, 0, pa.int32()),
    ("int", "int(10) unsigned", 10, 0, pa.uint32()),
    ("bigint", "bigint(20)", 19, 0, pa.int64()),
    ("bigint", "bigint(20) unsigned", 20, 0, pa.uint64()),
    ("decimal", "decimal(10,0)", 10, 0, pa.decimal128(10, 0)),
    ("decimal", "decimal(38,10)", 38, 10, pa.decimal128(38, 10)),
    ("decimal", "decimal(39,10)", 39, 10, pa.string()),
    ("decimal", "decimal(65,30)", 65, 30, pa.string()),
    ("decimal", "decimal(12,2) unsigned", 12, 2, pa.decimal128(12, 2)),
    ("float", "float", 12, 0, pa.float32()),
    ("double", "double", 22, 0, pa.float64()),
    ("double", "double unsigned", 22, 0, pa.float64()),
    ("bit", "bit(1)", 1, 0, pa.bool_()),
    ("bit", "bit(2)", 2, 0, pa.uint64()),
    ("bit", "bit(64)", 64, 0, pa.uint64()),
    ("year", "year(4)", 0, 0, pa.int16()),
    ("date", "date", 0, 0, pa.date32()),
    ("datetime", "datetime", 0, 0, pa.timestamp("us")),
    ("datetime", "datetime(6)", 0, 0, pa.timestamp("us")),
    ("timestamp", "timestamp", 0, 0, pa.timestamp("us")),
    ("time", "time(3)", 0, 0, pa.string()),
    ("char", "char(36)", 0, 0, pa.string()),
    ("varchar", "varchar(255)", 0, 0, pa.string()),
    ("varchar", "varchar(255) /* unsigned */", 0, 0, pa.string()),
    ("tinytext", "tinytext", 0, 0, pa.string()),
    ("longtext", "longtext", 0, 0, pa.string()),
    ("enum", "enum('a','unsigned')", 0, 0, pa.string()),
    ("set", "set('a','blob')", 0, 0, pa.string()),
    ("json", "json", 0, 0, pa.string()),
    ("uuid", "uuid", 0, 0, pa.string()),
    ("inet6", "inet6", 0, 0, pa.string()),
    ("binary", "binary(16)", 0, 0, pa.binary()),
    ("varbinary", "varbinary(255)", 0, 0, pa.binary()),
    ("tinyblob", "tinyblob", 0, 0, pa.binary()),
    ("blob", "blob", 0, 0, pa.binary()),
    ("longblob", "longblob", 0, 0, pa.binary()),
]


@pytest.mark.parametrize(("data_type", "column_type", "precision", "scale", "expected"), TYPES)
def test_every_type_of_mysql_has_the_arrow_type_that_holds_all_its_values(
    data_type: str, column_type: str, precision: int, scale: int, expected: pa.DataType
) -> None:
    assert arrow_type(data_type, column_type, precision, scale) == expected


def test_names_are_quoted() -> None:
    assert quote("plain") == "`plain`"
    assert quote("a`b") == "`a``b`"


def test_database_errors_are_one_line_with_the_code() -> None:
    assert explain(OperationalError(2013, "Lost\n connection")) == "Lost connection (MySQL error 2013)"
    assert explain(OperationalError()) == "OperationalError"
    assert explain(OSError("no route")) == "no route"
