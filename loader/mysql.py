"""One MySQL server, one snapshot, whole tables: bytes become arrow columns of the database's own types."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pymysql
from pymysql import converters, cursors
from pymysql.err import MySQLError, OperationalError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from loader.catalogue import Table
from loader.columns import Copied, write
from loader.errors import Failure, UsageError
from loader.packets import forget, read_rows
from loader.refused import advice, explain

CHUNK_BYTES = 1 << 20  # of rows on the wire per arrow batch
EXAMPLE = "mysql://user:password@host:3306"
OPTIONS = {"charset", "ssl_ca", "unix_socket"}
SCHEMES = ("mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql")
ABSENT = {1049, 1146, 1044, 1142, 1143}  # no such database or table, or no right to it: reported, the rest goes on
LOCK_SECONDS = 300  # to wait for a table that is being altered or locked
# MariaDB's and MySQL's limits that an extraction would meet: a large table takes its time, and so does what follows it
LIMITS = {
    "max_statement_time": 0,
    "max_execution_time": 0,
    "idle_transaction_timeout": 0,
    "idle_readonly_transaction_timeout": 0,
    "wait_timeout": 28800,
}
UNKNOWN_VARIABLE = 1193
CONNECTS = 6  # tries within half a minute: a restart of the server takes less
ANOTHER = 2055  # ours: pymysql's for a connection that was lost
STALE = {0, 1305, 1317, 1412, 1927, 2006, 2013, 2055}  # connection, query or savepoint gone, table altered: read again
INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "bigint": 64}
BINARY = ("blob", "binary", "geom", "point", "linestring", "polygon", "vector")
OTHERS = {
    "year": pa.int16(),
    "float": pa.float32(),
    "double": pa.float64(),
    "datetime": pa.timestamp("us"),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
}


@dataclass(frozen=True)
class Address:
    """Where and as whom to connect. The password stays out of repr."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    ssl_ca: str | None = None
    unix_socket: str | None = None

    def __str__(self) -> str:
        return f"{self.user}@{self.unix_socket or f'{self.host}:{self.port}'}"


def parse_uri(uri: str, origin: str) -> Address:
    """`mysql://user:password@host:3306` as an address; errors name `origin` (a flag or key), never a part of the URI
    in which a password could be."""
    scheme, separator, rest = uri.partition("://")
    if uri.startswith(("'", '"')):
        raise UsageError(f"{origin} is quoted: Docker's --env-file keeps quotes, so write the value without them")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise UsageError(f"{origin} is no URI; write {EXAMPLE}")
    if scheme.lower() not in SCHEMES:
        raise UsageError(f"{origin} has the scheme {scheme}://; write {EXAMPLE}")
    try:
        if re.search(r"[/?#].*@", rest):
            raise ValueError("an @ behind the host: the password has a character that ends it")
        parts = urlsplit(uri)
        port, host = parts.port or 3306, parts.hostname
    except ValueError:
        raise UsageError(
            f"{origin} can't be read after the host; write {EXAMPLE}, with / ? # [ ] @ % in the "
            "password as %2F %3F %23 %5B %5D %40 %25"
        ) from None
    options = {k: v[-1] for k, v in parse_qs(parts.query).items()}
    if set(options) - OPTIONS or (parts.query and not options):
        raise UsageError(f"{origin} has an unknown option; known are {', '.join(sorted(OPTIONS))}")
    if parts.fragment or (not host and "unix_socket" not in options):
        raise UsageError(f"{origin} names no host; write {EXAMPLE} (# in a password is %23)")
    if not parts.username:
        raise UsageError(f"{origin} names no user; write {EXAMPLE}")
    return Address(
        host or "localhost",
        port,
        unquote(parts.username),
        unquote(parts.password or ""),
        options.get("ssl_ca"),
        options.get("unix_socket"),
    )


def quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def arrow_type(data_type: str, column_type: str, precision: int, scale: int) -> pa.DataType:
    """The arrow type of a MySQL column as information_schema describes it; text for what has no exact equal."""
    if data_type in INTEGERS:
        unsigned = "u" if "unsigned" in column_type else ""
        return getattr(pa, f"{unsigned}int{INTEGERS[data_type]}")()
    if data_type in ("decimal", "numeric"):
        return pa.decimal128(precision, scale) if precision <= 38 else pa.string()
    if data_type == "bit":
        return pa.bool_() if precision == 1 else pa.uint64()
    if any(kind in data_type for kind in BINARY):
        return pa.binary()
    return OTHERS.get(data_type, pa.string())


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class Server:
    """One connection with one snapshot: all tables are read in the same REPEATABLE READ transaction.

    `snapshots` counts the transactions: after more than one the tables are of several instants.
    """

    def __init__(self, address: Address):
        self.address = address
        self.snapshots = 0
        self.is_gone = False
        self.identity: str | None = None
        try:
            self.open()
        except (MySQLError, OSError, RuntimeError, UnicodeError) as e:
            raise Failure(f"cannot connect to the database as {address}: {explain(e)}{advice(e)}") from None

    def open(self) -> None:
        """Connect, again if need be, and start a snapshot; raises MySQLError (no host, wrong password)."""
        a = self.address
        self.connection = pymysql.connect(
            host=a.host,
            port=a.port,
            user=a.user,
            password=a.password.encode(),  # as text pymysql takes it for latin1
            unix_socket=a.unix_socket,
            ssl_ca=a.ssl_ca,
            charset="utf8mb4",
            cursorclass=cursors.SSCursor,
            conv=dict(converters.encoders),  # no decoders: values stay bytes (conv={} breaks pymysql's own escaping)
            connect_timeout=20,
            read_timeout=600,
            init_command="SET SESSION net_write_timeout=600, time_zone='+00:00', "
            f"lock_wait_timeout=LEAST(@@global.lock_wait_timeout, {LOCK_SECONDS})",
        )
        try:
            self._begin()
        except BaseException:
            self.close()  # else it would pass for one with a snapshot
            raise

    def _begin(self) -> None:
        """Set up the session and start its snapshot, of the same server as before."""
        for limit, value in LIMITS.items():
            self._set(limit, str(value))
        self.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        self.execute("SAVEPOINT before_table")
        self.snapshots += 1
        self.snapshot_at, self.version = map(_text, self.execute("SELECT UTC_TIMESTAMP(6), VERSION()")[0])
        identity = self._identity()
        if self.identity not in (None, identity):
            raise OperationalError(ANOTHER, f"the connection now leads to another server ({identity})")
        self.identity = identity
        self.is_gone = False

    def ensure_open(self) -> None:
        """Connect again if the connection is gone, for half a minute while the server is away.

        Raises MySQLError if it stays away; from then on only one try is made each time.
        """
        if self.connection.open and self._answers():
            return
        retrying = Retrying(
            retry=retry_if_exception_type((MySQLError, OSError)),
            stop=stop_after_attempt(1 if self.is_gone else CONNECTS),
            wait=wait_exponential(min=1, max=20),
            reraise=True,
        )
        self.is_gone = True
        retrying(self.open)

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
            return True
        except MySQLError:
            return False

    def _set(self, variable: str, value: str) -> None:
        """Set a variable of the session, if this server has it."""
        try:
            self.execute(f"SET SESSION {variable} = {value}")
        except MySQLError as e:
            if e.args[0] != UNKNOWN_VARIABLE:
                raise

    def _identity(self) -> str:
        """Which data this is: the uuid of the Galera cluster or MySQL server; without them host name and port."""
        cluster = self.execute("SHOW GLOBAL STATUS LIKE 'wsrep_cluster_state_uuid'")
        if cluster and _text(cluster[0][1]):
            return f"galera:{_text(cluster[0][1])}"
        try:
            return f"mysql:{_text(self.execute('SELECT @@global.server_uuid')[0][0])}"
        except MySQLError as e:
            if e.args[0] != UNKNOWN_VARIABLE:
                raise
        return "host:" + ":".join(map(_text, self.execute("SELECT @@hostname, @@port")[0]))

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> tuple[Any, ...]:
        with self.connection.cursor(cursors.Cursor) as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def schema(self, table: Table) -> pa.Schema:
        """The columns of a table that may be read, less those never copied; raises MySQLError 1146 or 1142 if none."""
        rows = self.execute(
            "SELECT column_name, data_type, column_type, coalesce(numeric_precision, 0), coalesce(numeric_scale, 0),"
            " column_key FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
            " ORDER BY ordinal_position",
            (table.schema, table.name),
        )
        fields = []
        for row in rows:
            name, data_type, column_type, precision, scale, key = map(_text, row)
            if name not in table.never_copied and (table.copied is None or name in table.copied):
                kind = arrow_type(data_type, column_type, int(precision), int(scale))
                fields.append(pa.field(name, kind, metadata={"mysql": column_type, "key": key}))
        if not fields:
            self.execute(f"SELECT 1 FROM {quote(table.schema)}.{quote(table.name)} LIMIT 0")  # raises what is wrong
            raise OperationalError(1142, "no column may be read")
        return pa.schema(fields)

    def key(self, schema: pa.Schema) -> list[str]:
        """The columns that name a row: the primary key, else `id`, else none."""
        primary = [f.name for f in schema if f.metadata[b"key"] == b"PRI"]
        return primary or (["id"] if "id" in schema.names else [])

    def estimate(self, table: Table) -> int | None:
        """About how many rows it has, as the server's statistics say; None if they don't."""
        sql = "SELECT table_rows FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"
        found = self.execute(sql, (table.schema, table.name))
        return int(found[0][0]) if found and found[0][0] is not None else None

    def copy(
        self, table: Table, schema: pa.Schema, path: Path, tick: Callable[[int], None] = lambda _rows: None
    ) -> Copied:
        """Read a table of the snapshot into one parquet file; the file at `path` is whole or this raises MySQLError.

        `tick` is told of the rows as they come.
        """
        cursor = self.connection.cursor()
        columns = ", ".join(_expression(f) for f in schema)
        try:
            cursor.execute(f"SELECT {columns} FROM {quote(table.schema)}.{quote(table.name)}")
            copied = write(read_rows(cursor, CHUNK_BYTES), schema, path, tick)
        except BaseException:
            forget(cursor)  # what is left of the result can't be read on
            raise
        self.execute("ROLLBACK TO SAVEPOINT before_table")  # gives the metadata lock back and keeps the snapshot
        return copied

    def close(self) -> None:
        if self.connection.open:
            self.connection.close()


def _expression(field: pa.Field) -> str:
    """How to select a column: BIT as a number, FLOAT with all its digits (MySQL prints six), the others as they are."""
    declared = field.metadata[b"mysql"]
    added = "+0" if declared.startswith(b"bit") else "+0e0" if declared.startswith(b"float") else ""
    return quote(field.name) + added
