"""What the tests of extractions share: a site in the database, a lock in its middle, folders of a run's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql
import pytest

from loader import sample
from tests import servers
from tests.cloud import HALFWAY, Cloud, Room, locked, make_cloud
from tests.commands import WINDOW, succeeded, usage
from tests.extracted import RUN, extracted_again
from tests.random_site import RANDOM_BUCKET, RANDOM_WINDOW, full_site, to_tables

if TYPE_CHECKING:
    from tests.compiled import Project
    from tests.small_site import Builder


@pytest.fixture
def cloud(mariadb: servers.MariaDB, tmp_path: Path) -> Cloud:
    return make_cloud(mariadb, tmp_path / "data")


@pytest.fixture
def lock(cloud: Cloud) -> Iterator[pymysql.Connection]:
    """A connection of the administrator that has locked HALFWAY."""
    with locked(cloud, HALFWAY) as connection:
        yield connection


@pytest.fixture
def room(tmp_path: Path) -> Room:
    folders = [tmp_path / name for name in ("home", "cwd", "tmp")]
    for folder in folders:
        folder.mkdir()
    return Room(*folders)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A site as one extraction left it, whose manifest doesn't say when that was."""
    folder = tmp_path / "data"
    sample.write("kvm", folder)
    extracted_again(folder, RUN, snapshot_at=None)
    return folder


@pytest.fixture(scope="session")
def by_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the made-up sites in data/ and what `process --resample 1d` makes of them in out/: only to read."""
    folder = tmp_path_factory.mktemp("by day")
    sample.write_sites(folder / "data")
    flags = ["--output", folder / "out", "--start-date", WINDOW[0], "--end-date", WINDOW[1], "--resample", "1d"]
    succeeded(usage("--config", folder / "data/site.yml", "process", *flags))
    return folder


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> "Builder":
    """Builds tiny sites."""
    from tests.small_site import Builder  # imports dbt, which takes seconds: not for files that build none

    return Builder(tmp_path_factory.mktemp("small sites"))


@pytest.fixture(scope="session")
def random_project(tmp_path_factory: pytest.TempPathFactory) -> "Project":
    """Compiles random sites; a site with every table and column was the first."""
    from tests.compiled import Project, write_tables  # imports dbt

    window = {"start_date": RANDOM_WINDOW[0], "end_date": RANDOM_WINDOW[1], "resample": RANDOM_BUCKET}
    made = Project(tmp_path_factory.mktemp("random project"), without=("quality", "hours"), **window)
    made.plan(write_tables(to_tables(full_site(0)), tmp_path_factory.mktemp("random first") / "site"))
    return made
