"""A database with the real schemas of nova, blazar and zun, and the account that has the printed grants."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest

from loader import catalogue
from tests import database, filling, openstack, servers
from tests.commands import succeeded, usage

USER = "real_exporter"
TABLES = {t.full_name: t for t in catalogue.choose(openstack.SCHEMAS)}
SERVICES = [part for schema in openstack.SCHEMAS for part in ("--schema", schema)]


@dataclass
class Cloud:
    """A server with the real schemas, their columns, the account that has the printed grants, and what the client said
    to them."""

    server: servers.MariaDB
    columns: dict[str, dict[str, filling.Column]]
    account: database.Account
    sql: str
    said: str

    def codes(self, *queries: str) -> list[int | None]:
        """For each query the error that the account gets; None where it may."""
        with connected(self.server, self.account.name) as cursor:
            return [error_code(cursor, query) for query in queries]

    def extract(self, data_dir: Path, *flags: str) -> None:
        env = {"DATABASE_URI": self.account.uri}
        assert succeeded(usage("extract", "--data-dir", data_dir, *SERVICES, *flags, env=env)).stderr == ""


@contextmanager
def connected(server: servers.MariaDB, user: str | None = None) -> Iterator[pymysql.cursors.Cursor]:
    """A cursor of the user who has only grants, or of the administrator."""
    who = {"user": user, "password": database.PASSWORD} if user else {}
    with server.connect(**who) as connection, connection.cursor() as cursor:
        yield cursor


def error_code(cursor: pymysql.cursors.Cursor, query: str) -> int | None:
    try:
        cursor.execute(query)
    except pymysql.MySQLError as error:
        return error.args[0]
    return None


@contextmanager
def real_cloud(mariadb: servers.MariaDB) -> Iterator[Cloud]:
    """Made anew, and its user dropped in the end: grants outlive their tables."""
    others = sorted({t.schema for t in catalogue.load().values()} - {*openstack.SCHEMAS})
    succeeded(mariadb.run("".join(f"DROP DATABASE IF EXISTS {schema};" for schema in others)))  # of other tests
    try:
        openstack.create(mariadb)
    except openstack.NotInstalled as error:
        pytest.fail(str(error), pytrace=False)
    with connected(mariadb) as cursor:
        columns = {name: filling.columns(cursor, table) for name, table in TABLES.items()}
    sql = succeeded(usage("print-grant-sql", "--user", USER)).stdout
    said = mariadb.run(sql, "--force").stderr
    yield Cloud(mariadb, columns, database.unlock(mariadb, USER), sql, said)
    succeeded(mariadb.run(f"DROP USER '{USER}'@'%';"))


def delete_open_leases(server: servers.MariaDB) -> set[str]:
    """Delete the leases that still run, their reservations and allocations; the ids of the latter."""
    with connected(server) as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        leases = delete(cursor, "leases", "end_date", {filling.FAR})
        reservations = delete(cursor, "reservations", "lease_id", leases)
        return delete(cursor, "computehost_allocations", "reservation_id", reservations)


def delete(cursor: pymysql.cursors.Cursor, table: str, column: str, values: set) -> set[str]:
    """Delete rows of blazar's; their ids."""
    cursor.execute(f"SELECT id FROM blazar.{table} WHERE {column} IN %s", (tuple(values),))
    found = {id for (id,) in cursor.fetchall()}
    assert found
    cursor.execute(f"DELETE FROM blazar.{table} WHERE {column} IN %s", (tuple(values),))
    return found
