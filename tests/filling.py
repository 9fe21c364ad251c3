"""Sample tables put into the real schemas: rows as OpenStack keeps them, with a secret wherever it may keep one."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pymysql

from loader import catalogue
from tests import openstack, servers
from tests.commands import Row

SECRET = "S3CR3T"  # noqa: S105
FAR = datetime(2099, 1, 1)  # where a date must be given and the sample has none: an open end
NUMBERS = ("int", "float", "double", "decimal")
DUPLICATE = 1062


@dataclass(frozen=True)
class Column:
    """A column of a real table as information_schema describes it."""

    name: str
    data_type: str
    column_type: str
    needed: bool  # a row must give it a value

    def least(self, row: Row) -> object:
        """A value that says nothing, for a column that needs one; a name may be a key, so each row has its own."""
        if self._is_number():
            return 0
        return FAR if self.data_type == "datetime" else str(row["id"]) if self.data_type == "varchar" else ""

    @property
    def example(self) -> object:
        """A value like those that OpenStack puts there."""
        if self.data_type == "enum":
            return self.column_type.split("'")[1]
        return 1 if self._is_number() else datetime(2024, 2, 3, 4, 5, 6) if self.data_type == "datetime" else "{}"

    def _is_number(self) -> bool:
        return any(kind in self.data_type for kind in NUMBERS)


@dataclass
class Filled:
    """What is in the tables now, the columns that were given a value; and how many sample rows their keys refused."""

    rows: dict[str, list[Row]]
    refused: dict[str, int]


def columns(cursor: pymysql.cursors.Cursor, table: catalogue.Table) -> dict[str, Column]:
    """The columns of a real table by name; none where there is no such table."""
    cursor.execute(
        "SELECT column_name, data_type, column_type, is_nullable = 'NO' AND column_default IS NULL"
        " AND extra <> 'auto_increment' FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
        " ORDER BY ordinal_position",
        (table.schema, table.name),
    )
    return {name: Column(name, *rest) for name, *rest in cursor.fetchall()}


def _fitted(row: Row, table: catalogue.Table, real: dict[str, Column]) -> Row | None:
    """A sample's row as the real table can have it; None if it was deleted and rows are deleted there for good."""
    if "deleted_at" not in real and row.get("deleted_at"):
        return None
    fitted = {name: value for name, value in row.items() if name in real}
    fitted |= {c.name: c.least(row) for c in real.values() if c.needed and fitted.get(c.name) is None}
    fitted |= dict.fromkeys(table.never_copied & real.keys(), SECRET)
    if table.schema == "nova" and "deleted" in real:
        fitted["deleted"] = row["id"] if row.get("deleted_at") else 0  # as nova deletes softly
    return fitted


def _insert(cursor: pymysql.cursors.Cursor, name: str, rows: list[Row]) -> list[Row]:
    """Insert the rows, less those that have the unique key of an earlier one; those that are in."""
    done = []
    for row in rows:
        names, marks = ", ".join(f"`{c}`" for c in row), ", ".join(["%s"] * len(row))
        try:
            cursor.execute(f"INSERT INTO {name} ({names}) VALUES ({marks})", tuple(row.values()))
            done.append(row)
        except pymysql.err.IntegrityError as error:
            if error.args[0] != DUPLICATE:
                raise
    return done


def fill(server: servers.MariaDB, tables: dict[str, pa.Table]) -> Filled:
    """Empty the catalogue's tables and fill them: those of the sample with its rows, the others with one example each.

    Other tables of archived rows stay empty: nova itself fills them.
    """
    filled = Filled({}, {})
    with server.connect(autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        for table in catalogue.choose(openstack.SCHEMAS):
            name, real = table.full_name, columns(cursor, table)
            if not real:
                continue
            cursor.execute(f"DELETE FROM {name}")
            if name in tables:
                rows = [fitted for row in tables[name].to_pylist() if (fitted := _fitted(row, table, real))]
            elif table.name.startswith("shadow_"):
                rows = []
            else:
                rows = [{c.name: SECRET if c.name in table.never_copied else c.example for c in real.values()}]
            filled.rows[name] = _insert(cursor, name, rows)
            if len(rows) > len(filled.rows[name]):
                filled.refused[name] = len(rows) - len(filled.rows[name])
        connection.commit()
    return filled
