"""The parsed project in the user's cache: made once, made anew when it is not to be trusted, never needed."""

import shutil
from pathlib import Path

import pytest

from loader import sample
from tests.commands import CHECKOUT, contents, copy_checkout, process, rows, run, succeeded

PARSES = "dbt parses its project"


def processed(data: Path, output: Path, cache: Path) -> str:
    """What `process -v` says on stderr."""
    ran = process(data, output, flags=["--force", "-v"], env={"XDG_CACHE_HOME": str(cache)})
    return ran.stderr


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which all is kept: only to copy."""
    folder = tmp_path_factory.mktemp("full")
    sample.write("kvm", folder / "data")
    for _ in range(2):
        processed(folder / "data", folder / "out", folder / "cache")
    return folder / "cache"


@pytest.fixture
def cache(full: Path, tmp_path: Path) -> Path:
    return shutil.copytree(full, tmp_path / "cache")


def kept(cache: Path) -> Path:
    (file,) = cache.rglob("project.pickle")
    return file


def test_the_project_is_parsed_once(data: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert PARSES in processed(data, tmp_path / "first", cache)
    parsed = kept(cache).read_bytes()
    assert PARSES not in processed(data, tmp_path / "second", cache)
    made = contents(cache)
    assert len([name for name in made if name.endswith(".jinja")]) > 200
    assert PARSES not in processed(data, tmp_path / "third", cache)
    assert contents(cache) == made, "the second run kept what parsing had compiled, the first all others"
    assert kept(cache).read_bytes() == parsed
    for name in contents(tmp_path / "first"):
        assert rows(tmp_path / "first" / name) == rows(tmp_path / "second" / name), name


@pytest.mark.parametrize("damage", [b"", b"\x80\x05N.", b"cos\nsystem", None], ids=["empty", "None", "not ours", "cut"])
def test_a_damaged_file_is_made_anew(damage: bytes | None, cache: Path, data: Path, tmp_path: Path) -> None:
    whole = kept(cache).read_bytes()
    kept(cache).write_bytes(whole[:-100] if damage is None else damage)
    said = processed(data, tmp_path / "out", cache)
    assert PARSES in said and f"{kept(cache)} cannot be read" in said
    assert len(kept(cache).read_bytes()) == len(whole)


def test_a_template_that_is_cut_off_is_compiled_anew(cache: Path, data: Path, tmp_path: Path) -> None:
    made = contents(cache)
    for file in cache.rglob("*.jinja"):
        file.write_bytes(file.read_bytes()[:20])
    processed(data, tmp_path / "out", cache)
    assert {name: len(data) for name, data in contents(cache).items()} == {
        name: len(data) for name, data in made.items()
    }


def test_a_folder_that_others_may_write_to_is_not_used(cache: Path, data: Path, tmp_path: Path) -> None:
    folder = kept(cache).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o722)
    kept(cache).write_bytes(b"whatever others put there")
    assert PARSES in processed(data, tmp_path / "out", cache)
    assert kept(cache).read_bytes() == b"whatever others put there"


def test_without_a_place_to_keep_it_each_run_parses(data: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder is needed", "utf-8")
    for _ in range(2):
        assert PARSES in processed(data, tmp_path / "out", tmp_path / "cache")


def test_a_changed_project_is_parsed_anew_and_the_old_one_removed(data: Path, tmp_path: Path) -> None:
    project, cache, out = copy_checkout(tmp_path / "project"), tmp_path / "cache", tmp_path / "out"

    def said() -> str:
        shutil.rmtree(out, ignore_errors=True)
        command = ["--site", "here", "--data-dir", data, "process", "-v", "--output", out]
        command += ["--start-date", "2024-01-01", "--end-date", "2024-02-01"]
        code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from loader.cli import main; main()"
        env = {"XDG_CACHE_HOME": str(cache)}
        return succeeded(run("python", "-c", code, project, *command, env=env, cwd=CHECKOUT)).stderr

    assert PARSES in said()
    before = kept(cache)
    assert PARSES not in said()
    model = project / "models/usage/quality.sql"
    model.write_text(model.read_text("utf-8").replace("micros / 3600e6 as hours", "-1.5::double as hours"), "utf-8")
    assert PARSES in said()
    assert kept(cache) != before and not before.exists()
    assert {row["hours"] for row in rows(out / "here/quality.parquet")} == {-1.5}
