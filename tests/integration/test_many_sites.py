"""Several sites in one call: at once, each for itself, and none hurt by another."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loader import sample
from loader.errors import Failure
from loader.machine import jobs_within, share_of
from loader.parallel import run_all
from tests.cloud import wait_until
from tests.commands import BIN, OUTPUTS, WINDOW, contents, metadata, succeeded, usage

DATES = ("--start-date", WINDOW[0], "--end-date", WINDOW[1])


@pytest.fixture(scope="module")
def sites(tmp_path_factory) -> Path:
    """The made-up sites and their config."""
    folder = tmp_path_factory.mktemp("sites")
    sample.write_sites(folder)
    return folder


def tables(output: Path) -> dict[str, object]:
    return {str(p.relative_to(output)): pq.ParquetFile(p).read() for p in sorted(output.rglob("*.parquet"))}


def children(pid: int) -> list[int]:
    """The processes of sites; Python's own helper is none."""
    pids = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [child for child in pids if "--jobs" in Path(f"/proc/{child}/cmdline").read_text()]


def test_sites_at_once_give_what_they_give_one_by_one(sites: Path, tmp_path: Path) -> None:
    process = ("--config", sites / "site.yml", "process", *DATES)
    ran = succeeded(usage(*process, "--jobs", "3", "--output", tmp_path / "at once"))
    succeeded(usage(*process, "--jobs", "1", "--output", tmp_path / "one by one"))
    found, expected = tables(tmp_path / "at once"), tables(tmp_path / "one by one")
    assert found.keys() == expected.keys() == {f"sample_{kind}/{name}" for kind in sample.KINDS for name in OUTPUTS}
    assert all(found[name].equals(expected[name]) for name in found)
    last = [" ".join(line.split()) for line in ran.stdout.splitlines()[-3:]]
    assert last == [f"Sample {kind} published, {len(OUTPUTS)} files" for kind in sample.KINDS]
    runs = {metadata(tmp_path / "at once" / f"sample_{kind}/usage.parquet")["run_id"] for kind in sample.KINDS}
    assert len(runs) == 3


def test_a_site_that_fails_does_not_stop_the_others(sites: Path, tmp_path: Path) -> None:
    """Its files are those of the earlier run; the table at the end says why."""
    output, config = tmp_path / "out", tmp_path / "site.yml"
    broken = tmp_path / "broken"
    sample.write("edge", broken)
    lines = [f"{kind}: {{data_dir: {sites / kind}}}\n" for kind in sample.KINDS]
    config.write_text(lines[0] + f"broken: {{site_name: A broken one, data_dir: {broken}}}\n" + lines[1])
    process = ("--config", config, "process", "--output", output)
    succeeded(usage(*process, "--start-date", "2024-02-01", "--end-date", "2024-03-01"))
    before = contents(output / "broken")
    (broken / "blazar.leases.parquet").write_bytes(b"PAR1 no more")
    ran = usage(*process, *DATES)
    assert ran.returncode == 1
    assert "Error: 1 of 3 sites not processed, their files are as before: broken" in ran.stderr
    table = ran.stdout[ran.stdout.rindex("A broken one") :]
    assert " ".join(table.split()).startswith("A broken one failed: ")
    assert "blazar.leases.parquet" in "".join(table.split())
    assert contents(output / "broken") == before
    for kind in (sample.KINDS[0], sample.KINDS[1]):
        assert metadata(output / kind / "usage.parquet")["start_date"].startswith("2024-01-01")


def begun(sites: Path, output: Path, temp: Path) -> subprocess.Popen:
    """A call with two sites of some size at once, both of which have begun to write."""
    config = output.parent / "two.yml"
    config.write_text("".join(f"{name}: {{data_dir: {sites / 'large'}/{name}}}\n" for name in ("a", "b")))
    if not (sites / "large").exists():
        for name in ("a", "b"):
            sample.write("kvm", sites / "large" / name, factor=30)
    command = [BIN / "chameleon-usage", "--config", config, "process", "--jobs", "2", "--output", output, *DATES]
    run = subprocess.Popen(
        command, env={**os.environ, "TMPDIR": str(temp)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while len(list(output.glob("*/.part-*"))) < 2:
        assert run.poll() is None, run.communicate()
        time.sleep(0.005)
    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_call_ends_all_its_processes(number: int, sites: Path, tmp_path: Path) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    run = begun(sites, tmp_path / "out", temp)
    begotten = children(run.pid)
    assert len(begotten) == 2
    run.send_signal(number)
    _, stderr = run.communicate(timeout=60)
    assert run.returncode == 128 + number
    assert stderr == "Error: interrupted; what was not reported as written is as before\n"
    assert not [pid for pid in begotten if Path(f"/proc/{pid}").exists()]
    assert contents(tmp_path / "out") == {}
    assert list(temp.iterdir()) == []


def test_a_process_that_is_killed_is_its_site_s_failure(sites: Path, tmp_path: Path) -> None:
    """As the system does when memory runs out."""
    temp = tmp_path / "temp"
    temp.mkdir()
    run = begun(sites, tmp_path / "out", temp)
    os.kill(children(run.pid)[0], signal.SIGKILL)
    stdout, stderr = run.communicate(timeout=120)
    assert run.returncode == 1
    assert "its process was ended by signal 9; with 9 the system may be out of memory: give --jobs 1" in stderr
    assert "1 of 2 sites not processed, their files are as before: " in stderr
    assert stdout.count("wrote ") == len(OUTPUTS)
    assert list(temp.iterdir()) == []


def test_as_json_each_site_is_a_line(sites: Path, tmp_path: Path) -> None:
    ran = usage("--config", sites / "site.yml", "process", "--log-format", "json", "--output", tmp_path, *DATES)
    lines = [json.loads(line) for line in succeeded(ran).stdout.splitlines()]
    assert [line["site"] for line in lines] == [f"sample_{kind}" for kind in sample.KINDS]
    for line in lines:
        assert len(line["files"]) == len(OUTPUTS)
        assert {"metric", "resource", "hours"} == set(line["hours"][0])
        assert {"check", "action", "hours", "detail"} < set(line["findings"][0])


def test_verbose_says_each_step_on_stderr(sites: Path, tmp_path: Path) -> None:
    process = ("--site", "x", "--data-dir", sites / "edge", "process", "--output", tmp_path, *DATES)
    quiet, verbose = succeeded(usage(*process)), succeeded(usage(*process, "-v"))
    assert quiet.stderr == ""
    assert quiet.stdout == verbose.stdout
    steps = verbose.stderr.splitlines()
    assert steps[0].startswith(f"x: 1 of {len(steps)}, ")
    assert steps[-1].startswith(f"x: {len(steps)} of {len(steps)}, ")


@pytest.mark.parametrize(
    ("limit", "cores", "jobs", "share"),
    [("3GB", 8, 3, "1GB"), ("3GB", 2, 2, "1.5GB"), ("800MB", 8, 1, "800MB"), ("2.5 GiB", 8, 2, "1.25GiB")],
)
def test_jobs_share_the_memory(limit: str, cores: int, jobs: int, share: str, monkeypatch) -> None:
    """At least a gigabyte each, and a core."""
    monkeypatch.setattr("loader.machine.cores", lambda: cores)
    assert jobs_within(limit) == jobs
    assert share_of(limit, jobs) == share


def test_names_are_shown_as_they_are_and_told_apart(sites: Path, tmp_path: Path) -> None:
    """What rich would take for a colour, or for the end of one; two sites of one name."""
    names = {"a": "CHI [uc]", "b": "CHI [/x]", "c": "CHI [uc]"}
    for key in names:
        shutil.copytree(sites / "edge", tmp_path / key)
    lines = [f"{key}: {{data_dir: '{tmp_path}/{key}', site_name: '{name}'}}\n" for key, name in names.items()]
    (tmp_path / "site.yml").write_text("".join(lines))
    config = ("--config", tmp_path / "site.yml")
    wide = {"COLUMNS": "200"}
    printed = succeeded(usage(*config, "process", "--output", tmp_path / "out", *DATES, env=wide)).stdout.splitlines()
    shown = ["CHI [uc] (a)", "CHI [/x]", "CHI [uc] (c)"]
    assert [line.split("  ")[0] for line in printed[-3:]] == shown
    (heads,) = [line for line in printed if line.strip().startswith("CHI [uc] (a)") and "(c)" in line]
    assert [head.strip() for head in re.split(" {2,}", heads.strip())] == shown
    status = succeeded(usage(*config, "status", "--output", tmp_path / "out", env=wide)).stdout
    assert all(name in status for name in shown)


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_nobody_thought_of_is_the_failure_of_one_site(jobs: int, capfd: pytest.CaptureFixture) -> None:
    def breaks(_progress: object) -> str:
        raise ValueError("at mysql://user:hunter2@host")

    found = dict(run_all({"a": breaks, "b": lambda _progress: "done"}, jobs, lambda *_: None))
    assert found["b"] == "done"
    assert isinstance(found["a"], Failure)
    assert str(found["a"]).startswith("unexpected, please report it: ValueError: at mysql://…@host (")
    assert capfd.readouterr() == ("", "")


def test_sites_do_not_outlive_the_one_that_was_called(sites: Path, tmp_path: Path) -> None:
    """Killed, it can't end them; they see it when they next tell something."""
    temp = tmp_path / "temp"
    temp.mkdir()
    run = begun(sites, tmp_path / "out", temp)
    begotten = children(run.pid)
    assert len(begotten) == 2
    run.kill()
    run.communicate()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in begotten), "they were to end")
    assert not list((tmp_path / "out").glob("*/usage.parquet"))
