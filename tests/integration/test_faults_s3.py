"""Extractions to object storage that fails, and two at once: objects are whole, the manifest true, the lock ends."""

import os
import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from loader.placement import LOCK
from tests import servers
from tests.cloud import (
    HALFWAY,
    Room,
    Versions,
    finished,
    make_cloud,
    small_site,
    started,
)
from tests.cloud_s3 import extracted, mirrored, objects
from tests.s3_proxy import Verdict, proxied

# --- a store that refuses, or fails for a while ---


def first_of_each(*verdicts: Verdict) -> Callable[[str], Verdict | None]:
    """The first PUT of every object meets a verdict, one object this one, the next object that one."""
    seen: list[str] = []

    def rule(name: str) -> Verdict | None:
        if name in seen:
            return None
        seen.append(name)
        return verdicts[len(seen) % len(verdicts)]

    return rule


@pytest.mark.parametrize(
    "verdicts",
    [[Verdict(500), Verdict(503)], [Verdict(500, is_lost=True)]],
    ids=["500 or 503", "500 though it was stored"],
)
def test_puts_that_fail_once_are_tried_again(
    verdicts: list[Verdict], remote: Versions, s3: servers.S3, tmp_path: Path
) -> None:
    with proxied(s3, first_of_each(*verdicts)) as proxy:
        extracted(remote, s3, tmp_path / "mirror", proxy.env)
    names = {LOCK, "_manifest.json", *(f"{name}.parquet" for name in small_site())}
    assert Counter(proxy.puts) == dict.fromkeys(names, 2)


def test_a_file_that_is_refused_is_named_and_its_earlier_object_stays(
    remote: Versions, s3: servers.S3, place: str, tmp_path: Path
) -> None:
    extracted(remote, s3, tmp_path / "mirror")
    before = objects(s3, place)
    remote.advance()
    refused = f"{HALFWAY}.parquet"
    with proxied(s3, lambda name: Verdict(500) if name == refused else None) as proxy:
        run = remote.cloud.extract(env=proxy.env)
    assert run.returncode == 1
    [error] = run.stderr.splitlines()
    words = re.fullmatch(
        f"Error: cannot write {place}/{re.escape(refused)}: (.*InternalError.*not now)"
        f"(?:; already of this snapshot: (.*))?",
        error,
    )
    assert words, error
    after = objects(s3, place)
    assert after[refused] == before[refused]
    assert "_manifest.json" not in after, "it would not be true"
    assert LOCK not in after
    changed = sorted(f"{place}/{name}" for name in after if after[name] != before[name])
    assert (words[2] or "").split(", ") == (changed or [""])
    remote.check(mirrored(s3, place, tmp_path / "mirror"), "refused")


IMPATIENT = "import s3fs\ns3fs.S3FileSystem.retries = 1"  # of five times three tries of every request


def test_a_store_that_dies_in_the_middle_of_the_uploads(mariadb: servers.MariaDB, tmp_path: Path) -> None:
    with servers.s3(tmp_path / "s3") as s3, ExitStack() as stack:
        place = f"{s3.make_bucket('mortal')}/site"
        remote = Versions(make_cloud(mariadb, place))
        remote.advance()
        extracted(remote, s3, tmp_path / "mirror")
        remote.advance()
        files: list[str] = []

        def rule(name: str) -> None:
            files.extend([name] if name.endswith(".parquet") else [])
            if len(files) == 4:
                os.kill(s3.pid, signal.SIGKILL)

        with proxied(s3, rule) as proxy, started(remote.cloud, proxy.env, before=IMPATIENT) as process:
            run = finished(process)
        assert run.returncode == 1
        assert re.fullmatch(rf"Error: cannot write {place}/[\w.]+: [^\n]+\n", run.stderr)
        stack.enter_context(s3.revived())
        assert "_manifest.json" not in objects(s3, place)
        remote.check(mirrored(s3, place, tmp_path / "mirror"), "the store was killed")
        extracted(remote, s3, tmp_path / "mirror")


# --- killed ---


def disturbed(versions: Versions, s3: servers.S3, room: Room, number: int, at: int) -> tuple[int, str, list[str]]:
    """An extraction that gets the signal while it uploads its `at`th file, which takes a while; code, stderr, PUTs."""
    processes: list[subprocess.Popen] = []
    files: list[str] = []
    slow = threading.Event()

    def rule(name: str) -> None:
        if name.endswith(".parquet"):
            files.append(name)
            if len(files) == at:
                processes[0].send_signal(number)
                slow.wait(0.2)

    with proxied(s3, rule) as proxy, started(versions.cloud, room.env() | proxy.env, cwd=room.cwd) as process:
        processes.append(process)
        run = finished(process)
    return run.returncode, run.stderr, proxy.puts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_uploads_end_and_so_does_the_lock(
    number: int, remote: Versions, s3: servers.S3, place: str, room: Room, tmp_path: Path
) -> None:
    extracted(remote, s3, tmp_path / "mirror")
    before = objects(s3, place)
    remote.advance()
    code, told, _ = disturbed(remote, s3, room, number, 3)
    assert code == 128 + number
    after = objects(s3, place)
    assert LOCK not in after
    assert "_manifest.json" not in after
    changed = sorted(f"{place}/{name}" for name in after if after[name] != before[name])
    mixed = f"; already of this snapshot: {', '.join(changed)}" if changed else ""
    assert told == f"Error: interrupted; what was not reported as written is as before{mixed}\n"
    assert changed, "the uploads that had begun end"
    remote.check(mirrored(s3, place, tmp_path / "mirror"), "interrupted")
    assert list(room.tmp.iterdir()) == []


def test_six_kills_leave_whole_objects_and_a_lock_that_the_next_run_takes_over(
    remote: Versions, s3: servers.S3, place: str, room: Room, tmp_path: Path
) -> None:
    extracted(remote, s3, tmp_path / "mirror")
    locks = 0
    for i, at in enumerate((1, 3, 5, 7, 9, 10)):
        remote.advance()
        code, _, puts = disturbed(remote, s3, room, signal.SIGKILL, at)
        assert code == -signal.SIGKILL
        assert puts[0] == LOCK, "the lock that the last one left held nobody up"
        assert "_manifest.json" not in puts
        there = objects(s3, place)
        locks += LOCK in there
        assert "_manifest.json" not in there
        remote.check(mirrored(s3, place, tmp_path / "mirror"), f"kill {i}")
    assert locks == 6
    remote.advance()
    extracted(remote, s3, tmp_path / "mirror")
