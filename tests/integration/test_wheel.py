"""The wheel carries the dbt project: it processes outside the checkout, and its core pulls in no dbt."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from loader import sample
from tests import environments
from tests.commands import CHECKOUT, OUTPUTS, WINDOW, contents, succeeded


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    zipfile.ZipFile(environments.build_wheel(folder)).extractall(folder / "site-packages")
    return folder / "site-packages"


def test_it_processes_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    sample.write("edge", tmp_path / "raw")
    before = contents(wheel)
    code = f"import sys; sys.path.insert(0, {str(wheel)!r}); import loader.cli as c; print(c.__file__); c.main()"
    flags = ["--site", "here", "--data-dir", "raw", "process", "--output", "out"]
    flags += ["--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    ran = subprocess.run(
        [sys.executable, "-c", code, *flags], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert str(wheel) in succeeded(ran).stdout
    assert sorted(contents(tmp_path / "out")) == [f"here/{name}" for name in OUTPUTS]
    assert {k: v for k, v in contents(wheel).items() if "__pycache__" not in k} == before, (
        "nothing is written beside it"
    )


def test_it_holds_the_checkouts_dbt_project(wheel: Path) -> None:
    packed = wheel / "loader/dbt"
    for name in ("dbt_project.yml", "profiles.yml"):
        assert (packed / name).read_bytes() == (CHECKOUT / name).read_bytes()
    for folder in ("models", "macros", "seeds", "tests/generic"):
        assert contents(packed / folder) == contents(CHECKOUT / folder)


def test_the_core_pulls_in_neither_dbt_nor_s3(wheel: Path) -> None:
    (metadata,) = wheel.glob("*.dist-info/METADATA")
    needs = [line.split(": ")[1] for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist")]
    core = " ".join(need for need in needs if "extra ==" not in need)
    assert "pymysql" in core
    assert not any(word in core for word in ("dbt", "s3fs", "altair"))
    extras = {line.split(": ")[1] for line in metadata.read_text().splitlines() if line.startswith("Provides-Extra")}
    assert {"s3", "pipeline", "report", "all"} <= extras
