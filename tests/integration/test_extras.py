"""The wheel in fresh environments, extra by extra: what each can do, and what says which to install."""

import subprocess
from pathlib import Path

import pytest

from loader import SCHEMA_VERSION, __version__, sample
from tests import database, environments, servers
from tests.commands import OUTPUTS, WINDOW, contents, process, succeeded
from tests.environments import Environment

DATES = ("--start-date", WINDOW[0], "--end-date", WINDOW[1])
NEEDS_PIPELINE = "Error: process needs an extra: pip install 'chameleon-usage[pipeline]'\n"
NEEDS_S3 = "Error: s3:// needs an extra: pip install 'chameleon-usage[s3]'\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return environments.build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module", params=["", "s3", "pipeline", "report", "all"], ids=lambda e: e or "core")
def extra(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def environment(extra: str, wheel: Path, tmp_path_factory) -> Environment:
    return environments.make(tmp_path_factory.mktemp(f"env-{extra}") / "env", wheel, extra)


@pytest.fixture(scope="module")
def account(mariadb: servers.MariaDB) -> database.Account:
    database.create(mariadb, sample.generate("edge"))
    return database.grant(mariadb)


def has(extra: str, wanted: str) -> bool:
    return extra in (wanted, "all")


def refused(ran: subprocess.CompletedProcess[str], says: str) -> bool:
    return (ran.returncode, ran.stdout, ran.stderr) == (2, "", says)


def test_every_extra_shows_help_and_grants(extra: str, environment: Environment, tmp_path: Path) -> None:
    assert "explain" in succeeded(environment.run("chameleon-usage", "--help", cwd=tmp_path)).stdout
    assert "GRANT SELECT" in succeeded(environment.run("chameleon-usage", "print-grant-sql", cwd=tmp_path)).stdout
    version = succeeded(environment.run("chameleon-usage", "--version", cwd=tmp_path)).stdout
    assert version.startswith(f"chameleon-usage {__version__}, schema of outputs {SCHEMA_VERSION}\n")
    assert ("dbt-core is not installed" in version) != has(extra, "pipeline")


def test_every_extra_extracts_to_disk(environment: Environment, account: database.Account, tmp_path: Path) -> None:
    env = {"DATABASE_URI": account.uri}
    for program in (("chameleon-usage", "extract"), ("python", "-m", "loader")):
        name, *words = program
        flags = ("--data-dir", "data", "--schema", "blazar", "--schema", "zun")
        ran = environment.run(name, *words, *flags, cwd=tmp_path, env=env)
        assert ran.returncode == 1, ran.stderr  # an edge site lacks the tables of hosts
        assert "7 tables, 769 rows in data as of" in ran.stdout
        assert (tmp_path / "data/blazar.devices.parquet").exists()


def test_objects_need_s3(
    environment: Environment, extra: str, account: database.Account, s3: servers.S3, tmp_path: Path
) -> None:
    bucket = f"extra-{extra or 'core'}"
    s3.make_bucket(bucket)
    flags = ("--data-dir", f"s3://{bucket}/data", "extract", "--schema", "blazar", "--schema", "zun")
    ran = environment.run("chameleon-usage", *flags, cwd=tmp_path, env={"DATABASE_URI": account.uri, **s3.env})
    if has(extra, "s3"):
        assert f"7 tables, 769 rows in s3://{bucket}/data as of" in ran.stdout, ran.stderr
        assert any(name.endswith("blazar.devices.parquet") for name in s3.fs().find(bucket))
    else:
        assert refused(ran, NEEDS_S3), ran.stderr


def test_processing_needs_pipeline(environment: Environment, extra: str, tmp_path: Path) -> None:
    sample.write("edge", tmp_path / "data")
    flags = ("--site", "here", "--data-dir", "data", "process", "--output", "out", *DATES)
    ran = environment.run("chameleon-usage", *flags, cwd=tmp_path)
    if has(extra, "pipeline"):
        succeeded(ran)
        assert sorted(contents(tmp_path / "out")) == [f"here/{name}" for name in OUTPUTS]
    else:
        assert refused(ran, NEEDS_PIPELINE), ran.stderr
        assert not (tmp_path / "out").exists()


def test_every_extra_looks_at_outputs(environment: Environment, tmp_path: Path) -> None:
    sample.write("edge", tmp_path / "data")
    process(tmp_path / "data", tmp_path / "output/usage")
    explain = ("explain", "--site", "here", "--at", "2024-06-01", "--metric", "total")
    assert "sum, as in usage.parquet" in succeeded(environment.run("chameleon-usage", *explain, cwd=tmp_path)).stdout
    assert "here" in succeeded(environment.run("chameleon-usage", "check", cwd=tmp_path)).stdout
    assert "2024-01-01 to 2025-01-01" in succeeded(environment.run("chameleon-usage", "status", cwd=tmp_path)).stdout


@pytest.mark.parametrize(
    "command", [("report", "--html", "report.html"), ("plot", "--format", "svg")], ids=lambda c: c[0]
)
def test_showing_needs_report(command: tuple[str, ...], environment: Environment, extra: str, tmp_path: Path) -> None:
    sample.write("edge", tmp_path / "data")
    process(tmp_path / "data", tmp_path / "output/usage", flags=["--resample", "1mo"])
    before = contents(tmp_path)
    ran = environment.run("chameleon-usage", *command, cwd=tmp_path)
    if has(extra, "report"):
        succeeded(ran)
        assert {"report.html", "plots/here/stack_nodes.svg"} & set(contents(tmp_path))
    else:
        assert refused(ran, f"Error: {command[0]} needs an extra: pip install 'chameleon-usage[report]'\n"), ran.stderr
        assert contents(tmp_path) == before


def test_the_lineage_site_needs_pipeline(environment: Environment, extra: str, tmp_path: Path) -> None:
    ran = environment.run("chameleon-usage", "docs", cwd=tmp_path)
    if has(extra, "pipeline"):
        succeeded(ran)
        assert list(contents(tmp_path)) == ["lineage.html"]
    else:
        assert refused(ran, NEEDS_PIPELINE.replace("process", "docs")), ran.stderr
