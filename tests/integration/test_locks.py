"""Two extractions into one place: the second one is refused, and a lock that nobody holds ends."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from loader.errors import Failure
from loader.placement import LOCK, held, pid_space
from tests import servers
from tests.cloud import (
    HALFWAY,
    Cloud,
    Versions,
    finished,
    halfway,
    locked,
    started,
)
from tests.cloud_s3 import extracted, mirrored, objects, put
from tests.commands import contents, succeeded


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
