"""Extractions that are killed anywhere: the files that stay are whole, of one snapshot each, and the next run works."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cloud import Cloud, Room, Versions, finished, small_site, started, wait_until
from tests.commands import contents, metadata, succeeded

INTERRUPTED = "Error: interrupted; what was not reported as written is as before\n"


def check_end(number: int, run: subprocess.CompletedProcess[str], room: Room, moment: str) -> None:
    """A killed run says what it should, and leaves nothing where nothing is allowed."""
    assert not any(room.home.iterdir()), moment
    assert not any(room.cwd.iterdir()), moment
    if number == signal.SIGKILL:
        assert run.returncode in (0, -signal.SIGKILL), moment
        return
    assert list(room.tmp.iterdir()) == [], moment
    if run.returncode in (0, -signal.SIGTERM):  # it had ended, or had not begun
        assert run.stderr == "", moment
        return
    assert (run.returncode, run.stderr) == (143, INTERRUPTED), moment


def emptied(folder: Path) -> None:
    """What a SIGKILL may leave."""
    subprocess.run(["rm", "-rf", *folder.iterdir()], check=True)


def test_twenty_kills_at_random_moments(cloud: Cloud, room: Room) -> None:
    chance = random.Random(20)  # noqa: S311
    versions = Versions(cloud)
    versions.advance()
    since = time.monotonic()
    succeeded(cloud.extract())
    duration = time.monotonic() - since
    versions.check_complete(cloud.data_dir)
    reached = []
    for i in range(20):
        number = (signal.SIGKILL, signal.SIGTERM)[i % 2]
        versions.advance()
        before = contents(cloud.data_dir)
        with started(cloud, room.env(), cwd=room.cwd) as process:
            if i >= 14:  # when files are put beside their places
                delay = chance.uniform(0, 0.02)
                wait_until(
                    lambda p=process: p.poll() is not None or list(cloud.data_dir.glob(".*.part-*")), "no part", 0.001
                )
            else:
                delay = chance.uniform(0.2, duration)
            time.sleep(delay)
            process.send_signal(number)
            run = finished(process)
        moment = f"kill {i}: {signal.Signals(number).name} after {delay:.3f} s of {duration:.3f}"
        check_end(number, run, room, moment)
        versions.check(cloud.data_dir, moment)
        emptied(room.tmp)
        reached.append(contents(cloud.data_dir) != before)
    assert any(reached), "some were to be killed while they put files in place"
    versions.advance()
    succeeded(cloud.extract())
    versions.check_complete(cloud.data_dir)


@pytest.fixture
def versions(cloud: Cloud) -> Versions:
    """The first version is in the files, the second in the database."""
    versions = Versions(cloud)
    versions.advance()
    succeeded(cloud.extract())
    versions.check_complete(cloud.data_dir)
    versions.advance()
    return versions


COPYING = """
import os, shutil, signal, threading, time
copyfile, lock, calls = shutil.copyfile, threading.Lock(), []
def counted(source, target):
    with lock:
        calls.append(target)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
    copyfile(source, target)
    time.sleep(0.1)
shutil.copyfile = counted
"""


def test_terminated_while_it_copies_files_beside_their_places_it_changes_nothing(
    versions: Versions, room: Room
) -> None:
    """dlt copies in threads, and would forget the signal or the thread."""
    before = contents(versions.cloud.data_dir)
    with started(versions.cloud, room.env(), before=COPYING) as process:
        run = finished(process)
    assert (run.returncode, run.stderr) == (143, INTERRUPTED)
    assert contents(versions.cloud.data_dir) == before
    assert list(room.tmp.iterdir()) == []


PLACING = """
import os, pathlib, signal
replace, calls = pathlib.Path.replace, []
def counted(self, target):
    if ".part-" in self.name:
        calls.append(target)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.{})
    return replace(self, target)
pathlib.Path.replace = counted
"""


def test_terminated_while_it_puts_files_in_place_it_puts_all(versions: Versions, room: Room) -> None:
    with started(versions.cloud, room.env(), before=PLACING.format("SIGTERM")) as process:
        run = finished(process)
    assert (run.returncode, run.stderr) == (143, INTERRUPTED)
    tables = small_site().values()
    assert f"{len(tables)} tables, {sum(table.num_rows for table in tables):,} rows in" in run.stdout
    versions.check_complete(versions.cloud.data_dir)
    assert list(room.tmp.iterdir()) == []


def test_killed_while_it_puts_files_in_place_there_is_no_manifest_and_the_next_run_mends_all(
    versions: Versions, room: Room
) -> None:
    cloud = versions.cloud
    with started(cloud, room.env(), before=PLACING.format("SIGKILL")) as process:
        assert finished(process).returncode == -signal.SIGKILL
    versions.check(cloud.data_dir, "killed")
    runs = [versions.runs[metadata(cloud.file(name))["run_id"]] for name in small_site()]
    late = len(runs) - 4  # it was killed before it put the fifth
    assert sorted(runs) == [1] * late + [2] * 4
    left = contents(cloud.data_dir).keys() - {f"{name}.parquet" for name in small_site()}
    assert "_manifest.json" not in left
    assert len(left) == late
    assert all(name.startswith(".") for name in left)
    succeeded(cloud.extract())
    versions.check_complete(cloud.data_dir)


REMOVING = """
import os, shutil, signal
rmtree = shutil.rmtree
def signalled(path, *arguments, **named):
    if os.path.basename(path).startswith("chameleon-usage-"):
        os.kill(os.getpid(), signal.SIGTERM)
    rmtree(path, *arguments, **named)
shutil.rmtree = signalled
"""


def test_terminated_while_it_removes_its_temporary_files_it_removes_all(versions: Versions, room: Room) -> None:
    with started(versions.cloud, room.env(), before=REMOVING) as process:
        run = finished(process)
    assert (run.returncode, run.stderr) == (143, INTERRUPTED)
    versions.check_complete(versions.cloud.data_dir)
    assert list(room.tmp.iterdir()) == []


LATE = "import atexit, os, signal\natexit.register(os.kill, os.getpid(), signal.SIGTERM)"


def test_a_signal_after_the_end_changes_nothing_and_prints_nothing(versions: Versions, room: Room) -> None:
    with started(versions.cloud, room.env(), before=LATE) as process:
        run = finished(process)
    assert (run.returncode, run.stderr) == (-signal.SIGTERM, "")
    versions.check_complete(versions.cloud.data_dir)
