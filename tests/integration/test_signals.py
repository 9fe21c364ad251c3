"""Ctrl-C and SIGTERM: the command ends soon, in one line, with nothing changed and nothing left behind."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from loader import sample
from tests.commands import BIN, WINDOW, contents, process


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    sample.write("kvm", folder, factor=20)
    return folder


def test_a_killed_process_changes_nothing_and_the_next_one_tidies_up(data_dir: Path, tmp_path: Path) -> None:
    process(data_dir, tmp_path, window=("2024-02-01", "2024-03-01"))
    before = contents(tmp_path)
    command = [BIN / "chameleon-usage", "--site", "here", "--data-dir", data_dir, "process", "--output", tmp_path]
    command += ["--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob("here/.part-*/*.parquet")):
        assert run.poll() is None, "ended before it wrote"
        time.sleep(0.002)
    run.kill()
    run.wait()
    after = contents(tmp_path)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys(), "killed too late: nothing was left"
    process(data_dir, tmp_path)
    assert sorted(contents(tmp_path)) == sorted(before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["while it starts", "while it builds"])
def test_an_interrupted_process_changes_nothing(number: int, moment: str, data_dir: Path, tmp_path: Path) -> None:
    output, temp = tmp_path / "out", tmp_path / "temp"
    temp.mkdir()
    process(data_dir, output, window=("2024-02-01", "2024-03-01"))
    before = contents(output)
    command = [BIN / "chameleon-usage", "--site", "here", "--data-dir", data_dir, "process", "--output", output]
    command += ["--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    run = subprocess.Popen(
        command, env={**os.environ, "TMPDIR": str(temp)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (
        list(output.glob("here/.part-*")) if moment == "while it builds" else list(temp.glob("chameleon-usage-*"))
    ):
        assert run.poll() is None, "ended too early to be interrupted"
        time.sleep(0.005)
    run.send_signal(number)
    stdout, stderr = run.communicate(timeout=60)
    assert run.returncode == 128 + number, stderr
    assert stderr == "Error: interrupted; what was not reported as written is as before\n"
    assert stdout == ""
    assert contents(output) == before
    assert list(temp.iterdir()) == []
