"""Checked, then published: no output file changes unless every model and test of the run passed, whatever breaks."""

import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loader import sample
from tests.commands import (
    BIN,
    CHECKOUT,
    OUTPUTS,
    WINDOW,
    contents,
    copy_checkout,
    dbt_build,
    metadata,
    process,
    rows,
    succeeded,
    usage,
)

OLD_WINDOW = ("2024-02-01", "2024-03-01")  # of the earlier outputs: they must stay as they are


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    sample.write("baremetal", folder)
    return folder


@pytest.fixture
def earlier(data_dir: Path, tmp_path: Path) -> Path:
    """An output folder with the files of an earlier run."""
    output = tmp_path / "output"
    process(data_dir, output, window=OLD_WINDOW)
    assert sorted(contents(output)) == [f"here/{name}" for name in OUTPUTS]
    return output


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, to be broken."""
    return copy_checkout(tmp_path / "project")


def command(project: Path, data_dir: Path, output: Path, **kw) -> subprocess.CompletedProcess[str]:
    """`chameleon-usage process` with the project's own copy of the loader."""
    arguments = ["--site", "here", "--data-dir", data_dir, "process", "--output", output]
    arguments += ["--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    code = f"import sys; sys.path.insert(0, {str(project)!r}); from loader.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False, **kw
    )


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, file
    file.write_text(text.replace(old, new, 1))


def add_failing_test(project: Path) -> None:
    (project / "tests/never_passes.sql").write_text("select 1 as wrong from {{ ref('usage') }} limit 1")


def break_unit_test(project: Path) -> None:
    edit(project / "models/spans/instance_held.yml", "end_at: 2020-01-06}", "end_at: 2020-01-07}")


def break_model(project: Path) -> None:
    edit(project / "macros/timeline.sql", "l.ts as timestamp", "error('broken') as timestamp")


def unsort_file(project: Path) -> None:
    edit(project / "models/usage/usage.sql", "metric, resource, timestamp", "metric, resource, timestamp desc")


def count_twice(project: Path) -> None:
    edit(project / "models/spans/all_spans.sql", "'occupied'] %}", "'occupied', 'committed'] %}")


@pytest.mark.parametrize("damage", [add_failing_test, break_unit_test, break_model, unsort_file, count_twice])
def test_by_dbt_a_failure_publishes_nothing(damage, project: Path, data_dir: Path, earlier: Path) -> None:
    before = contents(earlier)
    damage(project)
    run = dbt_build(data_dir, earlier, project=project)
    assert run.returncode == 1, run.stdout
    assert "nothing published; not passed:" in run.stdout
    assert contents(earlier) == before


@pytest.mark.parametrize(
    ("damage", "says"), [(add_failing_test, "check never_passes failed: Got 1 result"), (break_model, "broken")]
)
def test_by_command_a_failure_publishes_nothing(damage, says, project: Path, data_dir: Path, earlier: Path) -> None:
    before = contents(earlier)
    damage(project)
    run = command(project, data_dir, earlier)
    assert run.returncode == 1
    assert says in run.stderr
    assert "Traceback" not in run.stderr
    assert contents(earlier) == before


def test_by_dbt_and_by_command_the_files_are_the_same(project: Path, data_dir: Path, tmp_path: Path) -> None:
    run = succeeded(dbt_build(data_dir, tmp_path / "by_dbt", project=project))
    assert "published" in run.stdout
    succeeded(command(project, data_dir, tmp_path / "by_command"))
    assert (
        metadata(tmp_path / "by_dbt/here/usage.parquet")["run_id"] in (project / "target/run_results.json").read_text()
    )
    for name in OUTPUTS:
        assert rows(tmp_path / "by_dbt/here" / name) == rows(tmp_path / "by_command/here" / name)


@pytest.mark.parametrize(
    "flags", [("--select", "staging"), ("--select", "+spans"), ("--exclude-resource-type", "test")]
)
def test_a_run_of_a_part_publishes_nothing(flags, data_dir: Path, earlier: Path, project: Path) -> None:
    before = contents(earlier)
    run = succeeded(dbt_build(data_dir, earlier, *flags, project=project))
    assert "nothing published; not in this run" in run.stdout
    assert contents(earlier) == before


def test_killed_while_writing(project: Path, data_dir: Path, earlier: Path) -> None:
    """SIGKILL in the middle of COPY; the next run removes what the killed one left."""
    before = contents(earlier)
    edit(
        project / "macros/timeline.sql",
        "where t.",
        "where (select count(*) from range(100000) a, range(100000) b where a.range + b.range < l.d_nodes) = 0 and t.",
    )
    variables = f"{{site: here, data_dir: {data_dir}, output: {earlier}, start_date: 2024-01-01, end_date: 2025-01-01}}"
    run = subprocess.Popen(
        [BIN / "dbt", "build", "--vars", variables], cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not list(earlier.glob("here/.part-*/usage*.parquet")):
            assert run.poll() is None, "ended before it wrote"
            assert time.monotonic() < deadline, "wrote nothing"
            time.sleep(0.01)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    after = contents(earlier)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys(), "the killed run was to leave its part folder"
    process(data_dir, earlier)
    assert sorted(contents(earlier)) == sorted(before)


def test_disk_full(data_dir: Path, earlier: Path) -> None:
    """No file may grow past 8 KB, as on a disk that has no more room."""
    before = contents(earlier)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    # the parsed project is in the cache by now; dbt writes compiled SQL of a few KB
    flags = ["--output", earlier, "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    run = usage("--site", "here", "--data-dir", data_dir, "process", *flags, preexec_fn=limit)
    assert run.returncode == 1, run.stdout + run.stderr
    assert run.stderr.startswith("Error: ")
    assert "Traceback" not in run.stderr
    assert contents(earlier) == before


def test_two_runs_into_one_folder(data_dir: Path, earlier: Path) -> None:
    """The second is refused at once, and the first one's files are not touched."""
    before = contents(earlier)
    folder = os.open(earlier / "here", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    flags = ["--output", earlier, "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    run = usage("--site", "here", "--data-dir", data_dir, "process", *flags)
    os.close(folder)
    assert run.returncode == 1
    assert f"another run is writing to {earlier}/here" in run.stderr
    assert contents(earlier) == before


def test_a_site_that_fails_does_not_stop_the_others(data_dir: Path, tmp_path: Path) -> None:
    config = tmp_path / "site.yml"
    config.write_text(f"gone: {{data_dir: {tmp_path}/gone}}\nfine: {{data_dir: {data_dir}, site_name: Fine & well}}\n")
    flags = ["--output", tmp_path / "out", "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    run = usage("--config", config, "process", *flags)
    assert run.returncode == 1
    assert "Error: gone: no extracted table in data_dir" in run.stderr
    assert "1 of 2 sites not processed, their files are as before: gone" in run.stderr
    assert "Fine & well" in run.stdout
    assert sorted(contents(tmp_path / "out")) == [f"fine/{name}" for name in OUTPUTS]


STOPPED = """
import os, pathlib, signal, sys
put = pathlib.Path.replace
def replace(self, target):
    put(self, target)
    if str(target).endswith("quality.parquet"):  # the first of four
        os.kill(os.getpid(), signal.SIGTERM)
pathlib.Path.replace = replace
from loader.cli import main
main(sys.argv[1:])
"""


def test_an_interrupt_while_files_are_moved_waits(tmp_path: Path) -> None:
    sample.write("edge", tmp_path / "data")
    process(tmp_path / "data", tmp_path / "out", window=("2024-02-01", "2024-03-01"))
    flags = ["--site", "here", "--data-dir", tmp_path / "data", "process", "--output", tmp_path / "out"]
    command = [sys.executable, "-c", STOPPED, *map(str, flags), "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    says = (
        "Error: interrupted; what was not reported as written is as before; the files of here are those of this run\n"
    )
    assert (ran.returncode, ran.stderr) == (143, says)
    assert len({metadata(file)["run_id"] for file in (tmp_path / "out/here").glob("*.parquet")}) == 1
    assert metadata(tmp_path / "out/here/usage.parquet")["start_date"].startswith(WINDOW[0])
