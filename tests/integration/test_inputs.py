"""`process` and the manifest of what it reads: it refuses what failed, and tells what is of several runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cloud import Cloud
from tests.commands import CHECKOUT, WINDOW, contents, dbt_build, process, succeeded, usage
from tests.extracted import mark, tell

EARLIER = "2" * 32
FAILED = "the last extraction into {data} failed to copy nova.instances; extract again, or go on with what is there: "


def attempt(data: Path, output: Path, *flags: str):
    return usage(
        *("--site", "here", "--data-dir", data, "process", "--output", output, *flags),
        *("--start-date", WINDOW[0], "--end-date", WINDOW[1]),
    )


def test_an_extraction_without_fault_is_processed_without_a_word(data: Path, tmp_path: Path) -> None:
    assert process(data, tmp_path / "out").stderr == ""


def test_a_failed_required_table_is_refused_unless_told(data: Path, tmp_path: Path) -> None:
    process(data, tmp_path / "out")
    before = contents(tmp_path / "out")
    tell(data, nova__instances="failed", nova__services="failed")
    run = attempt(data, tmp_path / "out")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == f"Error: {FAILED.format(data=data)}--allow-failed (var allow_failed: true)\n"
    assert contents(tmp_path / "out") == before
    words = "nova.instances could not be copied: incomplete are occupied_reservation, occupied_ondemand"
    run = succeeded(attempt(data, tmp_path / "other", "--allow-failed"))
    assert run.stderr == f"Warning: here: {data}: {words}\n"


def test_a_failed_optional_table_is_not_refused(data: Path, tmp_path: Path) -> None:
    tell(data, nova__services="failed")
    assert process(data, tmp_path / "out").stderr == ""


def test_dbt_by_hand_refuses_and_warns_alike(data: Path, tmp_path: Path) -> None:
    mark(data / "blazar.leases.parquet", EARLIER)
    tell(data, nova__instances="failed")
    run = dbt_build(data, tmp_path / "out")
    assert run.returncode != 0
    assert FAILED.format(data=data) in " ".join(run.stdout.split())
    run = succeeded(dbt_build(data, tmp_path / "out", variables={"allow_failed": "true"}))
    assert "not of the last extraction: blazar.leases" in " ".join(run.stdout.split())


def test_files_of_several_runs_are_told(data: Path, tmp_path: Path) -> None:
    mark(data / "blazar.leases.parquet", EARLIER)
    run = process(data, tmp_path / "out")
    words = "not of the last extraction: blazar.leases; numbers of its time may disagree"
    assert run.stderr == f"Warning: here: {data}: {words}\n"
    (data / "_manifest.json").unlink()
    run = process(data, tmp_path / "out")
    words = "the last extraction was ended before its manifest: files may be of several; extract again"
    assert run.stderr == f"Warning: here: {data}: {words}\n"


def test_a_lost_snapshot_is_told(data: Path, tmp_path: Path) -> None:
    tell(data, snapshots=2)
    words = "the connection was lost while extracting: the tables are of 2 instants"
    assert process(data, tmp_path / "out").stderr == f"Warning: here: {data}: {words}\n"


def test_a_broken_manifest_is_named(data: Path, tmp_path: Path) -> None:
    (data / "_manifest.json").write_text("{")
    run = attempt(data, tmp_path / "out")
    assert run.returncode == 1
    assert run.stderr == f"Error: {data}/_manifest.json is not a manifest of ours; extract again, or remove it\n"
    assert not (tmp_path / "out" / "here").exists() or contents(tmp_path / "out") == {}


def test_what_extract_wrote_is_processed_without_a_word(cloud: Cloud, tmp_path: Path) -> None:
    """Also after a table was lost and its earlier file stayed: that is told."""
    succeeded(cloud.extract())
    assert process(cloud.data_dir, tmp_path / "out").stderr == ""
    cloud.sql("DROP TABLE blazar.leases")
    assert cloud.extract().returncode == 1
    run = attempt(cloud.data_dir, tmp_path / "out")
    assert run.returncode == 1, "rows of a table that is gone would stay open for ever"
    assert "failed to copy blazar.leases; extract again" in run.stderr
    cloud.file("blazar.leases").unlink()
    assert cloud.extract().returncode == 1
    run = process(cloud.data_dir, tmp_path / "out")
    words = "blazar.leases could not be copied: incomplete are committed, occupied_reservation"
    assert run.stderr == f"Warning: here: {cloud.data_dir}: {words}\n"


def test_an_extraction_replaces_a_broken_manifest(cloud: Cloud) -> None:
    cloud.data_dir.mkdir()
    (cloud.data_dir / "_manifest.json").write_text("{")
    run = succeeded(cloud.extract())
    assert "Warning: " in run.stderr
    assert "_manifest.json is not a manifest of ours; extract again, or remove it: written anew" in run.stderr
    assert cloud.manifest()["tables"]


def test_a_window_that_ends_after_the_extraction_is_told(cloud: Cloud, tmp_path: Path) -> None:
    succeeded(cloud.extract())
    run = process(cloud.data_dir, tmp_path / "out", window=("2024-01-01", "2099-01-01"))
    at = cloud.manifest()["snapshot_at"]
    words = f"the window ends after the extraction ({at} UTC): what was open then counts as open"
    assert run.stderr == f"Warning: here: {cloud.data_dir}: {words}\n"


REPLACE = """
import os, shutil, sys
from loader import publisher
first = publisher.Plugin._look
def look(self, data_dir, *told):
    found = first(self, data_dir, *told)
    shutil.copyfile(os.environ["NEWER"], data_dir + "/blazar.leases.parquet")  # an extraction ends just now
    return found
publisher.Plugin._look = look
from loader.cli import main
main(sys.argv[1:])
"""


def test_files_that_are_replaced_meanwhile_publish_nothing(data: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.parquet"
    shutil.copyfile(data / "blazar.leases.parquet", newer)
    mark(newer, "3" * 32)
    flags = ["--site", "here", "--data-dir", data, "process", "--output", tmp_path / "out"]
    window = ["--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    command = [sys.executable, "-c", REPLACE, *map(str, flags), *window]
    run = subprocess.run(
        command, env={**os.environ, "NEWER": str(newer)}, capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
    assert run.returncode == 1
    assert f"nothing published: {data} was extracted anew while it was processed; process again" in run.stderr
    assert contents(tmp_path / "out") == {}
