"""A site that is larger than the memory it may use: its tables lie in a file, and its numbers are the same."""

from pathlib import Path

import duckdb
import pytest

from loader.publisher import keep_memory
from tests.commands import OUTPUTS, WINDOW, contents, process, rows, run, succeeded

MORE_THAN_THERE_IS = "900TB"
LARGE = "import loader.builds, loader.cli; loader.builds.GROWTH = 10**9; loader.cli.main()"


def test_tables_in_a_file_give_the_same_numbers(data: Path, tmp_path: Path) -> None:
    assert "its tables go to" not in process(data, tmp_path / "small", flags=["-v"]).stderr
    temp = tmp_path / "temp"
    temp.mkdir()
    command = ["--site", "here", "--data-dir", data, "process", "-v", "--output", tmp_path / "large"]
    command += ["--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    said = succeeded(run("python", "-c", LARGE, *command, env={"TMPDIR": str(temp)})).stderr
    assert f"here: more than --memory-limit 3GB can hold, its tables go to {temp}/" in said
    assert contents(temp) == {}, "the file is removed"
    for name in OUTPUTS:
        assert rows(tmp_path / "large/here" / name) == rows(tmp_path / "small/here" / name) != [], name


@pytest.mark.parametrize(("limit", "kept"), [("2GiB", "1.0 GiB"), (MORE_THAN_THERE_IS, "0 bytes")])
def test_half_of_the_limit_is_kept_where_there_is_so_much(limit: str, kept: str) -> None:
    with duckdb.connect(config={"memory_limit": limit}) as connection:
        keep_memory(connection)
        keep_memory(connection)  # dbt may configure a connection once more
        assert connection.execute("select current_setting('block_allocator_memory')").fetchone() == (kept,)


def test_a_limit_beyond_the_machine_is_no_mistake(data: Path, tmp_path: Path) -> None:
    process(data, tmp_path, flags=["--memory-limit", MORE_THAN_THERE_IS])
