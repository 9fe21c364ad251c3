"""Extractions to object storage that fails, and two at once: objects are whole, the manifest true, the lock ends."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from loader.errors import Failure
from loader.placement import LOCK, held, pid_space
from tests import servers
from tests.cloud import (
    HALFWAY,
    Cloud,
    Room,
    Versions,
    finished,
    halfway,
    locked,
    make_cloud,
    small_site,
    started,
)
from tests.commands import contents, succeeded
from tests.s3_proxy import Verdict, proxied


def put(s3: servers.S3, place: str, name: str, content: bytes) -> None:
    s3.fs().pipe_file(f"{place}/{name}", content)


def objects(s3: servers.S3, place: str) -> dict[str, bytes]:
    """Every object of a place, by name."""
    fs = s3.fs()
    return {path.rpartition("/")[2]: fs.cat_file(path) for path in fs.find(place)}


def mirrored(s3: servers.S3, place: str, folder: Path) -> Path:
    """A local copy of a place, less its lock."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, content in objects(s3, place).items():
        if name != LOCK:
            (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def place(s3: servers.S3, request: pytest.FixtureRequest) -> str:
    """A folder in a bucket of this test alone."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60].strip("-")
    return f"{s3.make_bucket(name)}/site"


@pytest.fixture
def remote(mariadb: servers.MariaDB, place: str) -> Versions:
    """A site whose first version is what the database holds, and whose data_dir is in S3."""
    versions = Versions(make_cloud(mariadb, place))
    versions.advance()
    return versions


def extracted(versions: Versions, s3: servers.S3, folder: Path, env: dict[str, str] | None = None) -> None:
    """An extraction that must succeed, quietly and wholly."""
    assert succeeded(versions.cloud.extract(env=env or s3.env)).stderr == ""
    assert LOCK not in objects(s3, versions.cloud.data_dir)
    versions.check_complete(mirrored(s3, versions.cloud.data_dir, folder))


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


# --- two at once ---


def test_a_second_extraction_into_a_folder_is_refused(cloud: Cloud) -> None:
    succeeded(cloud.extract())
    with locked(cloud, HALFWAY) as lock, started(cloud) as process:
        with halfway(cloud, process, lock):
            before = contents(cloud.data_dir)
            second = cloud.extract()
            assert contents(cloud.data_dir) == before
        succeeded(finished(process))
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr == f"Error: another run is writing to {cloud.data_dir}; wait for it to end\n"
    succeeded(cloud.extract())


def test_a_second_extraction_into_a_bucket_is_refused(
    remote: Versions, s3: servers.S3, place: str, tmp_path: Path
) -> None:
    cloud = remote.cloud
    with locked(cloud, HALFWAY) as lock, started(cloud, s3.env) as process:
        with halfway(cloud, process, lock):
            before = objects(s3, place)
            assert json.loads(before[LOCK])["pid"] == process.pid
            second = cloud.extract(env=s3.env)
            assert objects(s3, place) == before
        succeeded(finished(process))
    assert (second.returncode, second.stdout) == (1, "")
    says = f"another extraction, on {os.uname().nodename}, is writing to {place}; wait for it to end"
    assert second.stderr.startswith(f"Error: {says} (")
    assert len(second.stderr.splitlines()) == 1
    remote.check_complete(mirrored(s3, place, tmp_path / "mirror"))
    extracted(remote, s3, tmp_path / "mirror")


ELSEWHERE = json.dumps({"run_id": "x", "host": "elsewhere", "pid": 1}).encode()
HERE = {"run_id": "x", "host": os.uname().nodename, "pids": pid_space()}
ALIVE = json.dumps(HERE | {"pid": os.getpid()}).encode()
ONE_SECOND = "from loader import placement\nplacement.LEASE = 1"


def test_a_lock_of_another_host_counts_for_the_length_of_its_lease(
    remote: Versions, s3: servers.S3, place: str, tmp_path: Path
) -> None:
    put(s3, place, LOCK, ELSEWHERE)
    young = remote.cloud.extract(env=s3.env)
    assert young.returncode == 1
    assert young.stderr == (
        f"Error: another extraction, on elsewhere, is writing to {place}; wait for it to end "
        f"(if it was killed, its lock {LOCK} ends by itself 5 minutes after)\n"
    )
    assert objects(s3, place) == {LOCK: ELSEWHERE}
    time.sleep(1)
    with started(remote.cloud, s3.env, before=ONE_SECOND) as process:
        assert succeeded(finished(process)).stderr == ""
    assert LOCK not in objects(s3, place)
    remote.check_complete(mirrored(s3, place, tmp_path / "mirror"))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("content", "holder"),
    [
        (ALIVE, f"on {os.uname().nodename}"),
        (b"\xff\0 garbage", "on a host that is not known"),
        (b"", "on a host that is not known"),
        (b"[1]", "on a host that is not known"),
        (json.dumps({**HERE, "pid": 10**30}).encode(), f"on {os.uname().nodename}"),
        (json.dumps({**HERE, "pids": "of another container", "pid": 10**6}).encode(), f"on {os.uname().nodename}"),
    ],
    ids=["this host", "garbage", "empty", "a list", "no pid", "a pid of another container"],
)
def test_a_lock_that_says_nothing_of_use_counts_as_long(
    content: bytes, holder: str, place: str, s3: servers.S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, place, LOCK, content)
    with pytest.raises(Failure, match=f"^another extraction, {holder}, is writing to {place}; "), held(place, "mine"):
        pass
    assert objects(s3, place) == {LOCK: content}
    monkeypatch.setattr("loader.placement.LEASE", 0)
    with held(place, "mine"):
        assert b"mine" in objects(s3, place)[LOCK]
    assert not s3.fs().exists(f"{place}/{LOCK}")


def test_a_lock_of_a_process_of_this_machine_that_is_gone_does_not_count(
    remote: Versions, s3: servers.S3, place: str, tmp_path: Path
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    put(s3, place, LOCK, json.dumps(HERE | {"pid": gone.pid}).encode())
    extracted(remote, s3, tmp_path / "mirror")


@pytest.fixture
def here(s3: servers.S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loader's own code in this process reaches the store."""
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("here")
def test_a_lock_is_renewed_while_it_is_held_and_no_longer(
    place: str, s3: servers.S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loader.placement.BEAT", 0.2)
    lock = f"{place}/{LOCK}"
    before = threading.active_count()
    with pytest.raises(KeyError), held(place, "mine"):
        first = s3.fs().info(lock)["LastModified"]
        time.sleep(1.5)
        assert s3.fs().info(lock)["LastModified"] > first
        raise KeyError
    assert not s3.fs().exists(lock)
    assert not [t for t in threading.enumerate() if "renew" in t.name]
    assert threading.active_count() <= before + 1, "fsspec keeps one"


@pytest.mark.usefixtures("here")
def test_a_lock_that_another_took_over_is_left_to_it(
    place: str, s3: servers.S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that slept past its lease, as a laptop does."""
    monkeypatch.setattr("loader.placement.BEAT", 2)
    with held(place, "mine"):
        put(s3, place, LOCK, ELSEWHERE)  # before its first beat
        time.sleep(3)
        assert objects(s3, place)[LOCK] == ELSEWHERE
    assert objects(s3, place)[LOCK] == ELSEWHERE


@pytest.mark.usefixtures("here")
def test_of_two_that_begin_at_once_one_is_told(place: str, s3: servers.S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other's lock appears after this one saw that there is none."""
    monkeypatch.setattr("loader.placement._was_left", lambda *_: put(s3, place, LOCK, ELSEWHERE))
    says = f"^another extraction has begun to write to {place}; wait for it to end$"
    with pytest.raises(Failure, match=says), held(place, "mine"):
        pass
    assert objects(s3, place) == {LOCK: ELSEWHERE}
