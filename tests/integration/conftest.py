"""What the tests of extractions share: a site in the database, a lock in its middle, folders of a run's own."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql
import pytest

from loader import sample
from tests import database, servers
from tests.cloud import HALFWAY, Cloud, Room, Versions, locked, make_cloud
from tests.commands import BIN, WINDOW, succeeded, usage
from tests.extracted import RUN, extracted_again
from tests.operating import Machine, blocks, sh
from tests.random_site import RANDOM_BUCKET, RANDOM_WINDOW, full_site, to_tables

if TYPE_CHECKING:
    from tests.compiled import Project
    from tests.few_rows import Build
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
def place(s3: servers.S3, request: pytest.FixtureRequest) -> str:
    """A folder in a bucket of this test alone."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60].strip("-")
    return f"{s3.make_bucket(name)}/site"


@pytest.fixture
def remote(mariadb: servers.MariaDB, place: str) -> Versions:
    """A site whose first version is what the database holds, and whose data_dir is in S3."""
    versions = Versions(make_cloud(mariadb, place))
    versions.advance()
    return versions


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


@pytest.fixture(scope="module")
def guide_uri(mariadb: servers.MariaDB, tmp_path_factory) -> str:
    """A small site's database, and the user that the guide's first commands make; their `mariadb` is our server's."""
    database.create(mariadb, {name: table.slice(0, 20) for name, table in sample.generate("kvm").items()})
    mariadb.run("DROP USER IF EXISTS 'usage_exporter'@'%'")
    clients = tmp_path_factory.mktemp("bin")
    client = clients / "mariadb"
    client.write_text(f'#!/bin/sh\nexec {shlex.join(mariadb.client)} "$@"\n')
    client.chmod(0o755)
    (grants,) = blocks("bash", "chameleon-usage print-grant-sql")
    ran = sh(grants, {**mariadb.env, "PATH": f"{clients}:{BIN}:{os.environ['PATH']}"})
    assert ran.stdout + ran.stderr == "", "what the site lacks is filtered out, and there is no other error"
    (password,) = blocks("sql", "ALTER USER")
    succeeded(mariadb.run(password.replace("its password", database.PASSWORD)))
    return mariadb.uri("usage_exporter", database.PASSWORD)


@pytest.fixture
def machine(guide_uri: str, tmp_path: Path) -> Machine:
    """The guide's site.yml and secrets.env; the database's address is ours."""
    machine = Machine(tmp_path)
    for folder in (machine.etc, machine.data_dir.parent):
        folder.mkdir(parents=True)
    (config,) = blocks("yaml", "chi_uc:")
    machine.site_yml(config)
    (secrets,) = blocks("", "DATABASE_URI=")
    ours = re.sub(r"(?m)^DATABASE_URI=.*$", lambda _: f"DATABASE_URI={guide_uri}", secrets)
    (machine.etc / "secrets.env").write_text(ours)
    return machine


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory) -> "Project":
    from tests.few_rows import project_of_january  # imports dbt

    return project_of_january(tmp_path_factory.mktemp("dbt"))


@pytest.fixture
def build_rows(january: "Project", tmp_path: Path) -> "Build":
    """Builds the models of a site with these rows, by table."""
    from tests.few_rows import builder  # imports dbt

    return builder(january, tmp_path / "data")
