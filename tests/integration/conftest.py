"""What the tests of extractions share: a site in the database, a lock in its middle, folders of a run's own."""

from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from tests import database, servers
from tests.cloud import HALFWAY, Cloud, Room, small_site


@pytest.fixture
def cloud(mariadb: servers.MariaDB, tmp_path: Path) -> Cloud:
    database.create(mariadb, small_site())
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP USER IF EXISTS 'usage_exporter'@'%'")  # grants outlive their tables
    return Cloud(mariadb, database.grant(mariadb), tmp_path / "data")


@pytest.fixture
def lock(cloud: Cloud) -> Iterator[pymysql.Connection]:
    """A connection of the administrator that has locked HALFWAY."""
    with cloud.server.connect() as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLES {HALFWAY} WRITE")
        yield connection


@pytest.fixture
def room(tmp_path: Path) -> Room:
    folders = [tmp_path / name for name in ("home", "cwd", "tmp")]
    for folder in folders:
        folder.mkdir()
    return Room(*folders)
