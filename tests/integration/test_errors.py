"""Every mistake is one clear line and an exit code; it prints no secret and leaves earlier outputs as they were."""

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from loader import sample
from tests.commands import BIN, OUTPUTS, WINDOW, contents, metadata, process, rows, run, succeeded, usage
from tests.mistakes import MISTAKES, PROCESS, SECRET
from tests.small_disk import small_disk


@dataclass(frozen=True)
class Earlier:
    """Extracted tables, and the outputs of an earlier run: none of them may change."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def out(self) -> Path:
        return self.folder / "out"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    made = Earlier(tmp_path_factory.mktemp("earlier"))
    sample.write("edge", made.data)
    (made.data / "_manifest.json").write_text('{"format": 2, "tables": {}}')
    process(made.data, made.out)
    assert sorted(contents(made.out)) == [f"here/{name}" for name in OUTPUTS]
    return made


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line_and_changes_nothing(case: str, earlier: Earlier, tmp_path: Path) -> None:
    mistake = MISTAKES[case]
    (tmp_path / "file").write_text("a file")
    if mistake.config is not None:
        text = mistake.config
        (tmp_path / "site.yml").write_bytes(text if isinstance(text, bytes) else text.encode())
    before = contents(earlier.folder), contents(tmp_path)
    places = {"data": earlier.data, "out": earlier.out, "tmp": tmp_path}
    words = [word.format_map(places) for word in shlex.split(mistake.command)]
    temp = tmp_path / "temp"
    temp.mkdir()
    result = run(mistake.program, *words, env={"TMPDIR": str(temp), **mistake.env})
    assert_refused(result, mistake.says.format_map(places), mistake.exit_code)
    assert (contents(earlier.folder), contents(tmp_path)) == before
    assert list(temp.iterdir()) == []


def assert_refused(result: subprocess.CompletedProcess[str], says: str, exit_code: int) -> None:
    """The command ended with this code and said so in one line; click shows its usage before it."""
    shown = f"exit {result.returncode}\n{result.stdout}\n{result.stderr}"
    assert result.returncode == exit_code, shown
    lines = [line for line in result.stderr.splitlines() if line and not re.match("Usage: |Try '", line)]
    assert len(lines) == 1, shown
    assert lines[0].startswith("Error: "), shown
    assert says in lines[0], shown
    assert result.stdout == "", shown
    assert SECRET not in shown
    assert "Traceback" not in shown


def test_the_one_site_of_a_call_fails_with_its_own_line(earlier: Earlier, tmp_path: Path) -> None:
    shutil.copytree(earlier.data, tmp_path / "data")
    (tmp_path / "data/zun.container.parquet").write_text("no parquet")
    before = contents(earlier.out)
    flags = ["--output", earlier.out, "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    result = usage("--site", "here", "--data-dir", tmp_path / "data", "process", *flags)
    assert_refused(result, f"{tmp_path}/data/zun.container.parquet", 1)
    assert contents(earlier.out) == before


@pytest.mark.parametrize(("flag", "variable", "asked"), [(1, 2, 1), (None, 2, 2), (None, None, 3), (1, None, 1)])
def test_the_database_that_is_asked(flag: int | None, variable: int | None, asked: int, tmp_path: Path) -> None:
    """--db-uri, then $DATABASE_URI, then the config: the error names the port that nobody listened on."""
    uris = {port: f"mysql://reader:{SECRET}@127.0.0.1:{port}" for port in (1, 2, 3)}
    (tmp_path / "site.yml").write_text(f"here: {{data_dir: {tmp_path}/data, db_uri: '{uris[3]}'}}\n")
    flags = ["--db-uri", uris[flag]] if flag else []
    env = {"DATABASE_URI": uris[variable]} if variable else {}
    ran = usage("--config", tmp_path / "site.yml", "--site", "here", "extract", *flags, env=env)
    assert_refused(ran, f"cannot connect to the database as reader@127.0.0.1:{asked}: ", 1)


# --- what looks like a mistake and is none ---


@pytest.mark.parametrize(
    "name",
    [
        'it\'s a "folder" with ünï©ode 🦎',
        "[1] {x} }} %20 #4 ; -- $HOME * ?",
        "created_at=2024-05-01",  # DuckDB would take it for a column
    ],
)
def test_a_folder_may_have_any_name(name: str, earlier: Earlier, tmp_path: Path) -> None:
    shutil.copytree(earlier.data, tmp_path / name / "data")
    process(tmp_path / name / "data", tmp_path / name / "out")
    for file in ("usage", "spans"):
        assert rows(tmp_path / name / f"out/here/{file}.parquet") == rows(earlier.out / f"here/{file}.parquet")


@pytest.mark.parametrize("by", ["flag", "config"])
def test_slashes_at_the_end_of_a_folder_make_no_difference(by: str, earlier: Earlier, tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(f"here: {{data_dir: {earlier.data}//}}\n")
    place = (
        ["--site", "here", "--data-dir", f"{earlier.data}/"] if by == "flag" else ["--config", tmp_path / "site.yml"]
    )
    flags = ["--output", f"{tmp_path}/out/", "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    result = succeeded(usage(*place, "process", *flags))
    assert f"wrote {tmp_path}/out/here/usage.parquet\n" in result.stdout


def test_dates_may_have_a_time_and_a_zone(earlier: Earlier, tmp_path: Path) -> None:
    process(earlier.data, tmp_path, window=("2024-01-01T02:30+02:00", "2024-02-01T00:00:00Z"))
    facts = metadata(tmp_path / "here/usage.parquet")
    assert (facts["start_date"][:19], facts["end_date"][:19]) == ("2024-01-01T00:30:00", "2024-02-01T00:00:00")


# --- a disk that is full: a small file system of memory, seen by one process alone ---


@pytest.mark.parametrize("pages_left", [0, 1, 6])
def test_a_full_disk_is_one_line_and_leaves_the_earlier_outputs(
    pages_left: int, earlier: Earlier, tmp_path: Path
) -> None:
    """The earlier outputs fit, new ones beside them don't; with more room they do."""
    disk = small_disk(tmp_path)
    disk.before = earlier.out
    pages = pages_left + 1 + sum(-(-len(content) // 4096) for content in contents(earlier.out).values())  # 1: the root
    words = PROCESS.format(data=earlier.data, out=disk.folder).split()
    ran = disk.run([BIN / "chameleon-usage", *words], {}, size=4096 * pages)
    assert_refused(ran, f"cannot write {disk.folder}/here/", 1)
    assert "No space left on device" in ran.stderr
    assert contents(disk.left) == contents(earlier.out)
    assert sorted(contents(disk.roomy)) == sorted(contents(earlier.out))
