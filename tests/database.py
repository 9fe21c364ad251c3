"""Sample tables in a real MariaDB, with MySQL's own types and columns that must never leave it."""

from dataclasses import dataclass

import pyarrow as pa

from loader import catalogue
from tests import servers
from tests.commands import succeeded, usage

SECRET = "s3cr3t-value"  # noqa: S105
PASSWORD = "p@ss/w:rd#1?%"  # noqa: S105 (every character that a URI gives a meaning)
LONG = {"spec", "annotations", "flavor", "properties"}
FLAGS = {"hidden", "reservable"}
TYPES = {"varchar": "varchar(255)", "bigint": "int", "timestamp": "datetime", "double": "float"}


@dataclass(frozen=True)
class Account:
    """A user that has only the grants of print-grant-sql."""

    name: str
    uri: str


def column_type(column: catalogue.Column) -> str:
    if column.name in LONG:
        return "mediumtext"
    return "tinyint(1)" if column.name in FLAGS else TYPES[column.data_type]


def others(name: str) -> dict[str, str]:
    """Columns that a table here has beside those that are read, all with one value, and are extracted."""
    table = catalogue.load()[name]
    copied = ["unread"] if table.copied is None else [c for c in table.copied if c not in table.columns]
    return dict.fromkeys(copied, "other")


def create(server: servers.MariaDB, tables: dict[str, pa.Table]) -> None:
    """Fresh databases that hold these tables alone, each with `others` and the columns that are never copied."""
    with server.connect() as connection, connection.cursor() as cursor:
        for schema in {t.schema for t in catalogue.load().values()}:
            cursor.execute(f"DROP DATABASE IF EXISTS `{schema}`")
        for schema in {name.split(".")[0] for name in tables}:
            cursor.execute(f"CREATE DATABASE `{schema}` CHARACTER SET utf8mb4")
        for name, rows in tables.items():
            table = catalogue.load()[name]
            columns = [f"`{c.name}` {column_type(c)}" for c in table.columns.values()]
            columns += [f"`{c}` mediumtext DEFAULT '{SECRET}'" for c in sorted(table.never_copied)]
            columns += [f"`{c}` varchar(10) DEFAULT '{value}'" for c, value in others(name).items()]
            cursor.execute(f"CREATE TABLE {name} ({', '.join(columns)}) ENGINE=InnoDB")
            values = [tuple(row.values()) for row in rows.to_pylist()]
            if values:
                names = ", ".join(f"`{c}`" for c in rows.column_names)
                marks = ", ".join(["%s"] * len(rows.column_names))
                cursor.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", values)


def grant(server: servers.MariaDB, user: str = "usage_exporter") -> Account:
    """Pipe print-grant-sql into the real client, as a DBA would, and give the user its password."""
    sql = succeeded(usage("print-grant-sql", "--user", user)).stdout
    # a cloud without zun or devices: go on past error 1146, as the first comment of the SQL says
    assert "ERROR" not in server.run(sql, "--force").stderr.replace("ERROR 1146", "").replace("ERROR 1049", "")
    return unlock(server, user)


def unlock(server: servers.MariaDB, user: str) -> Account:
    """Give the user its password, as the comment of print-grant-sql says."""
    succeeded(server.run(f"ALTER USER '{user}'@'%' IDENTIFIED BY '{PASSWORD}' ACCOUNT UNLOCK;"))
    return Account(user, server.uri(user, PASSWORD))
