"""A site that is larger than the memory it may use: its tables lie in a file, and its numbers are the same."""

from pathlib import Path

from tests.commands import OUTPUTS, WINDOW, contents, process, rows, run, succeeded

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
