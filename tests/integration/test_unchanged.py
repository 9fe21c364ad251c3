"""`process` leaves outputs alone that were made of the same extraction and options, and makes all others anew."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.commands import (
    CHECKOUT,
    WINDOW,
    contents,
    copy_checkout,
    dbt_build,
    metadata,
    process,
    run,
    succeeded,
    usage,
)
from tests.extracted import RUN, extracted_again, mark, tell

LATER = "2025-01-01 00:00:00.000000"  # the window's end: it had ended, just
SAYS = "here: nothing to do, {folder} is of the same extraction and options; --force makes it anew\n"


@pytest.fixture
def out(data: Path, tmp_path: Path) -> Path:
    """What a run made of an extraction after the window."""
    extracted_again(data, RUN, LATER)
    process(data, tmp_path / "out")
    return tmp_path / "out"


def made_by(out: Path) -> str:
    """The run of all outputs."""
    (found,) = {metadata(file)["run_id"] for file in (out / "here").glob("*.parquet")}
    return found


def is_left_alone(data: Path, out: Path, *flags: str, **kw) -> bool:
    """Whether a further run says so and leaves each file as it is; else it must have made all of them."""
    before, by = contents(out), made_by(out)
    printed = process(data, out, flags=list(flags), **kw).stdout
    if printed == SAYS.format(folder=out / "here"):
        assert contents(out) == before
        return True
    assert made_by(out) != by
    return False


def test_the_same_again_does_nothing(data: Path, out: Path) -> None:
    assert is_left_alone(data, out)
    assert is_left_alone(data, out, "--memory-limit", "1GB", "--threads", "1", "--jobs", "1")
    assert not is_left_alone(data, out, "--force")
    assert is_left_alone(data, out)


@pytest.mark.parametrize(
    "flags", [["--resample", "1d"], ["--wide"], ["--end-date", "2024-12-31"], ["--start-date", "2024-01-01T00:00:01"]]
)
def test_other_options_make_it_anew(flags: list[str], data: Path, out: Path) -> None:
    assert not is_left_alone(data, out, *flags)
    assert is_left_alone(data, out, *flags)


def test_a_var_of_the_environment_is_an_option(data: Path, out: Path) -> None:
    ratio = {"CHAMELEON_USAGE_DEFAULT_CPU_ALLOCATION_RATIO": "4.0"}
    assert not is_left_alone(data, out, env=ratio)
    assert is_left_alone(data, out, env=ratio)
    assert not is_left_alone(data, out)


def test_a_cloud_that_has_no_blazar_any_more_is_another(data: Path, out: Path) -> None:
    config = data.parent / "site.yml"
    config.write_text(f"here: {{data_dir: '{data}', blazar: false}}")
    by = made_by(out)
    dates = ["--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    assert "nothing to do" not in succeeded(usage("--config", config, "process", "--output", out, *dates)).stdout
    assert made_by(out) != by


def test_a_new_extraction_makes_it_anew(data: Path, out: Path) -> None:
    extracted_again(data, "2" * 32, LATER)
    assert not is_left_alone(data, out)
    assert is_left_alone(data, out)


def test_one_table_extracted_anew_makes_it_anew(data: Path, out: Path) -> None:
    mark(data / "blazar.leases.parquet", "2" * 32)
    assert not is_left_alone(data, out)


def test_a_table_that_is_gone_makes_it_anew(data: Path, out: Path) -> None:
    (data / "blazar.leases.parquet").unlink()
    assert not is_left_alone(data, out)


def test_a_file_that_names_no_extraction_is_never_the_same(data: Path, out: Path) -> None:
    table = pq.read_table(data / "blazar.leases.parquet")
    pq.write_table(table.replace_schema_metadata(None), data / "blazar.leases.parquet")
    assert not is_left_alone(data, out)
    assert not is_left_alone(data, out)


def test_without_a_manifest_it_is_never_the_same(data: Path, out: Path) -> None:
    (data / "_manifest.json").unlink()
    assert not is_left_alone(data, out)
    assert not is_left_alone(data, out)


def test_a_window_that_had_not_ended_is_made_anew(data: Path, out: Path) -> None:
    extracted_again(data, RUN, "2024-12-31 23:59:59.999999")
    assert not is_left_alone(data, out)
    assert not is_left_alone(data, out)


@pytest.mark.parametrize("name", ["usage", "usage_by_project", "spans", "quality"])
def test_a_missing_output_makes_all_anew(name: str, data: Path, out: Path) -> None:
    (out / f"here/{name}.parquet").unlink()
    printed = process(data, out).stdout
    assert "nothing to do" not in printed
    assert len(list((out / "here").glob("*.parquet"))) == 4


def test_outputs_of_two_runs_are_made_anew(data: Path, out: Path) -> None:
    earlier = (out / "here/usage.parquet").read_bytes()
    process(data, out, flags=["--force"])
    (out / "here/usage.parquet").write_bytes(earlier)
    assert "nothing to do" not in process(data, out).stdout
    made_by(out)


def test_a_broken_output_is_made_anew(data: Path, out: Path) -> None:
    (out / "here/usage.parquet").write_bytes(b"broken")
    assert "nothing to do" not in process(data, out).stdout
    made_by(out)


def test_what_is_refused_stays_refused(data: Path, out: Path) -> None:
    tell(data, snapshot_at=LATER, nova__instances="failed")
    process(data, out, flags=["--allow-failed"])
    assert is_left_alone(data, out, "--allow-failed")
    before = contents(out)
    dates = ["--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    ran = usage("--site", "here", "--data-dir", data, "process", "--output", out, *dates)
    assert ran.returncode == 1
    assert "failed to copy nova.instances" in ran.stderr
    assert contents(out) == before


def test_of_two_sites_only_the_changed_one_is_made(data: Path, out: Path) -> None:
    shutil.copytree(data, data.parent / "other")
    config = data.parent / "site.yml"
    config.write_text(
        f"here: {{data_dir: '{data}'}}\nthere: {{data_dir: '{data.parent}/other', site_name: The other}}\n"
    )
    flags = ["--config", config, "process", "--output", out, "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    lines = succeeded(usage(*flags)).stdout.splitlines()
    assert lines[0] == SAYS.format(folder=out / "here").strip()
    assert [line.split() for line in lines[-2:]] == [
        ["here", "unchanged"],
        ["The", "other", "published,", "4", "files"],
    ]
    lines = succeeded(usage(*flags, "--log-format", "json")).stdout.splitlines()
    assert [(told["site"], "nothing to do" in told["message"]) for told in map(json.loads, lines)] == [
        ("here", True),
        ("there", True),
    ]


def test_what_dbt_made_by_hand_of_another_window_is_made_anew(data: Path, tmp_path: Path) -> None:
    extracted_again(data, RUN, LATER)
    succeeded(dbt_build(data, tmp_path / "out", variables={"end_date": "2024-12-31"}))
    assert not is_left_alone(data, tmp_path / "out")


def test_a_change_of_the_sql_makes_it_anew(tmp_path: Path) -> None:
    """In a checkout the version doesn't tell; what an output was made of has a hash of the SQL in it."""
    project = copy_checkout(tmp_path / "checkout")
    model = project / "models/usage/usage.sql"
    model.write_text(model.read_text() + "\n-- changed\n")
    code = "from loader.inputs import fingerprint; print(fingerprint({'tables': {}}, {}, {}))"
    hashes = [run("python", "-c", code, cwd=path, env={"PYTHONPATH": str(path)}).stdout for path in (project, CHECKOUT)]
    assert len({*hashes}) == 2
    assert all(len(found) == 65 for found in hashes)
