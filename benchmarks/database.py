"""A MariaDB filled with the raw files of a site, and a user that may only read what `print-grant-sql` grants."""

import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from loader import catalogue
from loader.catalogue import Column, Table
from loader.mysql import quote
from tests.servers import MariaDB, mariadb

USER = "usage_exporter"
PEER = "peer"  # reads all: other programs ask for more than our grants give
TYPES = {"varchar": "varchar(255)", "bigint": "int", "timestamp": "datetime", "double": "float"}
LONG = {"spec", "annotations"}  # JSON of any length
FORMAT = r"""CHARACTER SET utf8mb4
FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY '' LINES TERMINATED BY '\n'"""


def _column(column: Column) -> str:
    kind = "mediumtext" if column.name in LONG else TYPES[column.data_type]
    kind = "varchar(36)" if column.name == "id" and kind == "varchar(255)" else kind
    return f"{quote(column.name)} {kind} {'NOT NULL PRIMARY KEY' if column.name == 'id' else 'NULL'}"


def _copied(table: Table) -> list[str]:
    """The columns that `extract` copies of such a table; of those that no model reads, the made-up sites have none."""
    return list(table.copied or table.columns)


def _name(table: Table) -> str:
    return f"{quote(table.schema)}.{quote(table.name)}"


def _fill(server: MariaDB, table: Table, file: Path, folder: Path) -> None:
    """Create a table and load its parquet file by way of a CSV; in the order of its key, as InnoDB keeps it."""
    csv = folder / f"{table.full_name}.csv"
    columns = ", ".join(f'"{name}"' for name in table.columns)
    empty = [f"{quote(name)} varchar(255) NULL" for name in _copied(table) if name not in table.columns]
    query = f"select {columns} from read_parquet('{file}') order by id"
    duckdb.execute(f"copy ({query}) to '{csv}' (format csv, header false, nullstr 'NULL')")
    statements = [
        "SET SESSION unique_checks = 0, sql_mode = 'STRICT_ALL_TABLES'",
        f"CREATE DATABASE IF NOT EXISTS {quote(table.schema)}",
        f"CREATE TABLE {_name(table)} ({', '.join([*map(_column, table.columns.values()), *empty])})",
        f"LOAD DATA INFILE '{csv}' INTO TABLE {_name(table)} {FORMAT} ({', '.join(map(quote, table.columns))})",
        f"ANALYZE TABLE {_name(table)}",
    ]
    done = server.run(";\n".join(statements))
    csv.unlink()
    if done.returncode:
        raise RuntimeError(f"{table.full_name}: {done.stderr}")


def _grant(server: MariaDB, password: str) -> None:
    """Run `print-grant-sql` as an administrator would, past the optional tables that this site hasn't."""
    command = Path(sys.executable).with_name("chameleon-usage")
    sql = subprocess.run(
        [command, "print-grant-sql", "--user", USER], check=True, capture_output=True, text=True
    ).stdout
    subprocess.run(
        [*server.client, "--force"], input=sql, env=server.env, text=True, check=False, stderr=subprocess.DEVNULL
    )
    server.run(f"ALTER USER '{USER}'@'%' IDENTIFIED BY '{password}' ACCOUNT UNLOCK")
    server.run(f"CREATE USER '{PEER}'@'%' IDENTIFIED BY '{password}'; GRANT SELECT ON *.* TO '{PEER}'@'%'")


@contextmanager
def filled(raw: Path) -> Iterator[tuple[MariaDB, str, list[Table]]]:
    """A server with the tables of `raw`, the exporter's password, and which tables there are."""
    tables = [t for t in catalogue.load().values() if (raw / f"{t.full_name}.parquet").exists()]
    with tempfile.TemporaryDirectory(prefix="bench-mariadb-") as temp, mariadb(Path(temp) / "server") as server:
        server.run("SET GLOBAL innodb_buffer_pool_size = 2 << 30; SET GLOBAL innodb_log_file_size = 1 << 30")
        for table in tables:
            _fill(server, table, raw / f"{table.full_name}.parquet", Path(temp))
        password = secrets.token_hex(12)
        _grant(server, password)
        yield server, password, tables


def dump_sql(tables: list[Table]) -> str:
    """One query a table, of the columns that `extract` copies."""
    return "; ".join(f"SELECT {', '.join(map(quote, _copied(t)))} FROM {_name(t)}" for t in tables)


@contextmanager
def first_copy_after(server: MariaDB) -> Iterator[Callable[[], float]]:
    """Seconds from here to the first query of the exporter that reads a table of a cloud."""
    server.run("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1")
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT NOW(6)")
        ((begun,),) = cursor.fetchall()
    found: list[float] = []
    yield lambda: found[0]
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT MIN(event_time) FROM mysql.general_log WHERE user_host LIKE %s AND argument LIKE 'SELECT%%'"
            " AND argument LIKE '%%FROM `%%' AND argument NOT LIKE '%%information_schema%%'",
            (f"{USER}%",),
        )
        ((at,),) = cursor.fetchall()
    server.run("SET GLOBAL general_log = 0")
    found.append((at - begun).total_seconds())
