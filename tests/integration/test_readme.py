"""Every command of the README runs as it is written there, in its order, on real servers."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from loader import sample
from tests import database, environments, servers
from tests.commands import CHECKOUT, OUTPUTS, contents, succeeded, usage
from tests.environments import Environment

README = (CHECKOUT / "README.md").read_text("utf-8")
SEED = (CHECKOUT / "tests/seed.md").read_text("utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [text for name, text in fenced if name == language]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Environment:
    """The wheel in a fresh environment outside the checkout, with all extras."""
    folder = tmp_path_factory.mktemp("installed")
    return environments.make(folder / "env", environments.build_wheel(folder), "all")


def shell(command: str, cwd: Path, env: dict[str, str], installed: Environment) -> subprocess.CompletedProcess[str]:
    """Type a command of the README into a shell, in the activated environment."""
    own = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    path = {"PATH": f"{installed.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    return succeeded(
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=cwd,
            env={**own, **path, **env},
            capture_output=True,
            text=True,
            check=False,
        )
    )


@pytest.fixture(scope="module")
def quickstart(mariadb: servers.MariaDB, s3: servers.S3, installed: Environment, tmp_path_factory) -> Path:
    """The Quickstart, step by step, in an empty folder; only the database's address is ours."""
    folder = tmp_path_factory.mktemp("quickstart")
    s3.make_bucket("usage-new-collector")
    database.create(mariadb, sample.generate("baremetal"))
    account = database.grant(mariadb)
    (config,) = (b for b in blocks("yaml") if b.startswith("chi_uc:"))
    (folder / "etc").mkdir()
    (folder / "etc/site.yml").write_text(config.replace("mysql://user:pass@host:3306", account.uri))
    for command in blocks("bash"):
        if command.startswith("chameleon-usage"):
            shell(command, folder, s3.env, installed)
    return folder


def test_the_quickstart_ends_with_the_files(quickstart: Path, s3: servers.S3) -> None:
    resampled = ["usage_resampled.parquet", "usage_by_project_resampled.parquet"]
    files = [f"output/usage/chi_uc/{name}" for name in (*OUTPUTS, *resampled)]
    assert sorted(contents(quickstart)) == sorted(["etc/site.yml", "report.html", *files])
    copied = {name.rsplit("/", 1)[1] for name in s3.fs().find("usage-new-collector/chi_uc")}
    assert {"nova.instances.parquet", "blazar.leases.parquet", "_manifest.json"} <= copied


def test_the_queries_answer(quickstart: Path, monkeypatch) -> None:
    monkeypatch.chdir(quickstart)
    (queries,) = blocks("sql")
    for query in duckdb.extract_statements(queries):
        answer = duckdb.execute(query).fetchall()
        assert answer
    # the last one: node-hours a metric, as the resampled file has them
    resampled = duckdb.execute(
        """select metric, sum(hours) from 'output/usage/chi_uc/usage_resampled.parquet'
        where resource = 'nodes' and collector_type = 'current' group by metric"""
    )
    assert dict(answer) == pytest.approx(dict(resampled.fetchall()))


def test_the_demo_prints_the_table_of_the_readme(tmp_path: Path) -> None:
    succeeded(
        subprocess.run(
            [sys.executable, "-m", "loader.sample", "demo/data"], cwd=tmp_path, capture_output=True, text=True
        )
    )
    flags = ["--output", "demo/output", "--start-date", "2024-01-01", "--end-date", "2025-01-01"]
    printed = succeeded(usage("--config", "demo/data/site.yml", "process", *flags, cwd=tmp_path)).stdout
    (shown,) = (b for b in blocks("") if "node-hours" in b)
    lines, out = ([line.strip() for line in text.splitlines()] for text in (shown, printed))
    at = out.index(lines[0])
    assert lines == out[at : at + len(lines)]
    assert any(line.startswith("what Sample kvm lacks, in short") for line in out[at + len(lines) :])


def test_the_demo_of_the_makefile_is_the_one_tested_above() -> None:
    rule = (
        (CHECKOUT / "Makefile")
        .read_text()
        .split("\ndemo:")[1]
        .split("\n\n")[0]
        .replace("$(DEMO)", "demo")
        .replace("\\\n", "")
    )
    assert "python -m loader.sample demo/data" in rule
    words = shlex.split(next(line for line in rule.splitlines() if "process" in line))
    flags = "--config demo/data/site.yml process --output demo/output --start-date 2024-01-01 --end-date 2025-01-01"
    assert words[1:] == flags.split()


def promised() -> list[str]:
    """What the project's user asked for: headings, list items, rows of tables, lines of code."""
    lines = [line for line in SEED.splitlines() if line.startswith(("#", "- ", "| `"))]
    return lines + [
        line for language in ("bash", "yaml") for block in blocks(language, SEED) for line in block.splitlines()
    ]


def test_every_line_that_was_asked_for_is_in_the_readme() -> None:
    lines = README.splitlines()
    assert [promise for promise in promised() if not any(line.startswith(promise) for line in lines)] == []
    assert len(promised()) > 40


def test_headings_are_in_the_order_that_users_know() -> None:
    headings = re.findall(r"^## (.*)$", README, re.MULTILINE)
    assert headings == [
        *("Installation", "Quickstart", "CLI", "Environment Variables", "Output Layout", "Troubleshooting", "Examples")
    ]


def test_every_flag_of_the_readme_exists() -> None:
    commands = re.findall(r"(?m)^  ([a-z-]+) ", usage("--help").stdout.partition("Commands:")[2])
    assert {"extract", "process", "explain", "config"} <= set(commands)
    helps = "".join(usage(*command, "--help").stdout for command in ([], *([name] for name in commands)))
    for flag in set(re.findall(r"`(--[a-z-]+)`", README)):
        assert flag in helps or flag in ("--env-file", "--force", "--vars"), flag
