"""The command line: flags before and after the command, help, `python -m loader`, and extras that are not installed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from loader import SCHEMA_VERSION, __version__
from loader.cli import main
from loader.errors import Failure
from tests.commands import BIN, CHECKOUT, run

WINDOW = ["--start-date", "2024-01-01", "--end-date", "2025-01-01"]
SECRET = "hunter2"  # noqa: S105


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What extract or process was asked to do, in place of doing it."""
    seen: dict[str, object] = {}
    monkeypatch.setattr("loader.extract.extract_sites", lambda **kw: seen.update(kw, command="extract"))
    monkeypatch.setattr("loader.process.process_sites", lambda **kw: seen.update(kw, command="process"))
    return seen


SHARED = ["--config", "c.yml", "--site", "a", "--site", "b", "--data-dir", "d"]


@pytest.mark.parametrize(
    ("command", "flags"), [("extract", []), ("process", ["--output", "o", *WINDOW])], ids=["extract", "process"]
)
@pytest.mark.parametrize("before", [0, 2, 4, 6, 8])
def test_shared_flags_are_taken_before_and_after_the_command(
    command: str, flags: list[str], before: int, asked: dict[str, object]
) -> None:
    result = invoke(*SHARED[:before], command, *flags, *SHARED[before:])
    assert result.exit_code == 0, result.output
    assert (asked["command"], asked["config"], asked["keys"]) == (command, Path("c.yml"), ("a", "b"))
    assert asked["data_dir"] == "d"


def test_after_the_command_config_and_data_dir_win_and_sites_add_up(asked: dict[str, object]) -> None:
    before = ["--config", "1.yml", "--data-dir", "1", "--site", "a"]
    after = ["--config", "2.yml", "--data-dir", "2", "--site", "b"]
    assert invoke(*before, "extract", *after).exit_code == 0
    assert (asked["config"], asked["data_dir"], asked["keys"]) == (Path("2.yml"), "2", ("a", "b"))


def test_without_shared_flags_nothing_is_assumed(asked: dict[str, object]) -> None:
    assert invoke("extract").exit_code == 0
    shared = {"command": "extract", "config": None, "keys": (), "data_dir": None}
    assert asked == shared | {"db_uri": None, "history": None, "accept_server": False, "schemas": ()}


def test_options_of_a_command_reach_it(asked: dict[str, object]) -> None:
    assert invoke("extract", "--db-uri", "mysql://u@h").exit_code == 0
    assert asked["db_uri"] == "mysql://u@h"
    assert invoke("process", "--output", "o", *WINDOW, "--memory-limit", "1GB", "--threads", "3").exit_code == 0
    assert {k: asked[k] for k in ("output", "start_date", "end_date", "memory_limit", "threads")} == {
        "output": "o",
        "start_date": "2024-01-01",
        "end_date": "2025-01-01",
        "memory_limit": "1GB",
        "threads": 3,
    }


HELP = {
    (): ["extract", "process", "print-grant-sql", "--config", "--site", "--data-dir"],
    ("extract",): [
        *("--config", "--site", "--data-dir", "--db-uri", "$DATABASE_URI"),
        *("--history", "--no-history", "--accept-server", "--schema", "--log-format", "Exit code: 0"),
    ],
    ("process",): ["--config", "--site", "--data-dir", "--output", "--start-date", "--end-date", "--allow-failed"],
    ("print-grant-sql",): ["--user", "--host", "--schema", "usage_exporter", "[default: %]"],
}


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", HELP, ids=lambda c: " ".join(c) or "the group")
def test_help_of_every_command_names_its_flags(command: tuple[str, ...], flag: str) -> None:
    result = invoke(*command, flag)
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")
    assert [word for word in HELP[command] if word not in result.output] == []


def every_command(group: click.Group) -> Iterator[click.Command]:
    yield group
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from every_command(command)
        else:
            yield command


def test_every_command_shows_an_example() -> None:
    for command in every_command(main):
        if not isinstance(command, click.Group):
            assert re.search(r"\n *chameleon-usage [^\n]*\b" + command.name, command.help), command.name


def test_every_option_has_a_help_text() -> None:
    for command in every_command(main):
        assert command.help
        for option in command.params:
            if isinstance(option, click.Argument):  # said in the command's own help
                continue
            assert option.help, f"{command.name} {option.name}"


def test_help_loads_no_heavy_module() -> None:
    code = "import sys; from loader.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    loaded = run("python", "-c", code).stdout.splitlines()[-1].split()
    assert "click" in loaded
    assert not {"dlt", "dbt", "duckdb", "pyarrow", "pymysql", "pydantic"} & set(loaded)


def test_version_names_what_numbers_depend_on() -> None:
    lines = invoke("--version").output.splitlines()
    assert lines[0] == f"chameleon-usage {__version__}, schema of outputs {SCHEMA_VERSION}"
    assert lines[1:] == [f"{name} {version(name)}" for name in ("dbt-core", "dbt-duckdb", "duckdb", "dlt")]


def test_version_without_the_extra_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_duckdb(name: str) -> str:
        if name != "duckdb":
            raise PackageNotFoundError(name)
        return "1.5.5"

    monkeypatch.setattr("importlib.metadata.version", only_duckdb)
    lines = invoke("--version").output.splitlines()
    assert lines[1] == "dbt-core is not installed: pip install 'chameleon-usage[pipeline]'"
    assert lines[3] == "duckdb 1.5.5"


def test_without_a_command_the_help_is_shown() -> None:
    result = invoke()
    assert "Commands:" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["extrakt", "grant"])
def test_an_unknown_command_is_an_error_of_usage(command: str) -> None:
    result = invoke(command)
    assert result.exit_code == 2
    assert f"No such command '{command}'" in result.stderr


def test_a_failure_is_one_line_and_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise Failure("the disk is full")

    monkeypatch.setattr("loader.extract.extract_sites", fail)
    result = invoke("extract")
    assert (result.exit_code, result.stderr, result.stdout) == (1, "Error: the disk is full\n", "")


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    """As in `chameleon-usage print-grant-sql | head -0`."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write) as pipe:
        command = [BIN / "chameleon-usage", "print-grant-sql"]
        result = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "")


# --- python -m loader ---


@pytest.mark.parametrize("word", [[], ["extract"]], ids=["without extract", "with extract"])
def test_python_m_loader_is_extract(word: list[str], tmp_path: Path) -> None:
    flags = ["--site", "here", "--data-dir", tmp_path]
    result = run("python", "-m", "loader", *word, *flags)
    assert result.returncode == 2
    assert result.stderr == "Error: missing database for here: give --db-uri, $DATABASE_URI or db_uri in the config\n"
    assert run("chameleon-usage", "extract", *flags).stderr == result.stderr


def test_python_m_loader_takes_the_word_extract_after_shared_flags(tmp_path: Path) -> None:
    result = run("python", "-m", "loader", "--site", "extract", "--data-dir", tmp_path, "extract", "--db-uri", "x")
    assert (result.returncode, result.stderr.split(";")[0]) == (2, "Error: --db-uri is no URI")


def test_python_m_loader_helps_with_extract() -> None:
    result = run("python", "-m", "loader", "--help")
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: python -m loader")
    assert "--db-uri" in result.stdout


# --- extras that are not installed ---


def test_process_without_dbt_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dbt.cli.main", None)
    result = invoke("--site", "a", "--data-dir", tmp_path, "process", "--output", tmp_path / "out", *WINDOW)
    assert result.exit_code == 2
    assert result.stderr == "Error: process needs an extra: pip install 'chameleon-usage[pipeline]'\n"
    assert not (tmp_path / "out").exists()


def test_extract_to_s3_without_s3fs_names_the_extra_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    uri = f"mysql://u:{SECRET}@127.0.0.1:1"  # nobody listens there
    result = invoke("--site", "a", "--data-dir", "s3://bucket/a", "extract", "--db-uri", uri)
    assert (result.exit_code, result.stderr) == (2, "Error: s3:// needs an extra: pip install 'chameleon-usage[s3]'\n")


@pytest.mark.parametrize("remote", ["--data-dir", "--output"])
def test_process_with_s3_without_s3fs_names_the_extra(
    remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    places = {"--data-dir": str(tmp_path), "--output": str(tmp_path / "out"), remote: "s3://bucket/a"}
    monkeypatch.setattr("loader.process.Dbt", None)  # it is told before dbt is loaded
    result = invoke("--site", "a", "process", *WINDOW, *(word for place in places.items() for word in place))
    assert (result.exit_code, result.stderr) == (2, "Error: s3:// needs an extra: pip install 'chameleon-usage[s3]'\n")


def test_print_grant_sql_prints_only_sql_on_stdout() -> None:
    result = invoke("print-grant-sql", "--user", "o'brien", "--host", "10.0.0.%")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert all(line.startswith("-- ") or line.endswith(";") for line in lines)
    assert "CREATE USER IF NOT EXISTS 'o''brien'@'10.0.0.%' ACCOUNT LOCK;" in lines


def test_print_grant_sql_refuses_what_it_can_not_quote() -> None:
    result = invoke("print-grant-sql", "--user", "a\\b")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: --user may hold neither backslashes")


@pytest.mark.parametrize("uri", ["mysql://u:hunter2@h", "mysql://u:hunter2 and more@h", "mysql://u:hun@ter2@h/x"])
def test_a_uri_typed_in_a_wrong_place_is_told_without_its_password(uri: str) -> None:
    result = invoke("extract", uri)
    assert result.exit_code == 2
    assert "mysql://…@h" in result.stderr
    assert "ter2" not in result.stderr


@pytest.mark.parametrize("command", [["explain", "--at", "2024-01-01"], ["check"], ["status"], ["plot"]])
def test_a_site_is_no_path(command: list[str]) -> None:
    result = invoke(*command, "--site", "../x")
    assert (result.exit_code, result.stderr) == (2, "Error: --site '../x' may only hold letters, digits, _ . and -\n")


def test_closed_streams_are_no_error() -> None:
    command = ["bash", "-c", f"{sys.executable} -m loader --help >&-"]
    assert subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT).stderr == ""
