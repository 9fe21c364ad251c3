"""Faults of the disk under extract, and what a killed run leaves behind."""

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pymysql
import pytest

from tests.cloud import (
    COPIED_AFTER,
    COPIED_BEFORE,
    HALFWAY,
    Cloud,
    halfway,
    started,
)
from tests.commands import BIN, CHECKOUT, contents, rows, succeeded
from tests.small_disk import SmallDisk, small_disk

# --- the disk ---


@pytest.mark.parametrize("size", [4096, 200_000], ids=["no room at all", "no room for the large table"])
def test_a_full_disk_is_a_failure_and_earlier_files_stay(size: int, cloud: Cloud) -> None:
    """No file may grow past that size, as on a disk that has no more room."""
    succeeded(cloud.extract())
    before = contents(cloud.data_dir)
    cloud.sql(
        f"DELETE FROM {COPIED_BEFORE}",
        f"INSERT INTO {COPIED_AFTER} (id, spec) SELECT 1000000 + seq, sha2(seq, 512) FROM nova.seq_1_to_50000",
    )
    run = cloud.extract(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    assert run.returncode == 1, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    [error] = [line for line in run.stderr.splitlines() if line.startswith("Error: ")]
    assert re.match(r"Error: extraction failed: .*File too large$", error)
    assert "step=extract" not in error, "dlt's own words are of no use here"
    assert contents(cloud.data_dir) == before


@pytest.fixture
def disk(tmp_path: Path) -> SmallDisk:
    return small_disk(tmp_path)


@pytest.mark.parametrize("what", ["data_dir", "TMPDIR"])
def test_a_full_disk_is_named_and_with_room_the_next_run_works(what: str, cloud: Cloud, disk: SmallDisk) -> None:
    succeeded(cloud.extract())
    before = contents(cloud.data_dir)
    cloud.sql(
        f"UPDATE {COPIED_BEFORE} SET user_id = 'changed'",
        f"INSERT INTO {COPIED_AFTER} (id, spec) SELECT 1000000 + seq, sha2(seq, 512) FROM nova.seq_1_to_60000",
    )
    env = {"DATABASE_URI": cloud.account.uri}
    if what == "data_dir":
        disk.before, cloud.data_dir = cloud.data_dir, disk.folder
    else:
        env["TMPDIR"] = str(disk.folder)
    run = disk.run([BIN / "chameleon-usage", *cloud.flags()], env)
    assert run.returncode == 1, run.stdout + run.stderr
    [error] = run.stderr.splitlines()
    name = re.escape(f"{disk.folder}/") + r"[\w.]+"
    says = f"cannot write {name}" if what == "data_dir" else "extraction failed"
    assert re.fullmatch(f"Error: {says}: No space left on device", error)
    if what == "data_dir":
        assert contents(disk.left) == before, "no part is left, all earlier files are"
        done = disk.roomy
    else:
        assert contents(disk.left) == contents(disk.roomy) == {}, "nothing stays in TMPDIR"
        done = cloud.data_dir
    assert len(rows(done / f"{COPIED_AFTER}.parquet")) == 60020
    assert {r["user_id"] for r in rows(done / f"{COPIED_BEFORE}.parquet")} == {"changed"}
    assert sorted(contents(done)) == sorted(before)


# --- killed, and what is left behind ---


def test_a_killed_extraction_leaves_the_earlier_files(cloud: Cloud, lock: pymysql.Connection) -> None:
    with lock.cursor() as cursor:
        cursor.execute("UNLOCK TABLES")
    succeeded(cloud.extract())
    before = contents(cloud.data_dir)
    cloud.sql(f"DELETE FROM {COPIED_BEFORE}")
    with lock.cursor() as cursor:
        cursor.execute(f"LOCK TABLES {HALFWAY} WRITE")
    with started(cloud) as process:
        with halfway(cloud, process, lock):
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert contents(cloud.data_dir) == before
    succeeded(cloud.extract())
    assert rows(cloud.file(COPIED_BEFORE)) == []


HALF_A_FILE = """
import os, shutil, signal, sys
def copyfile(source, target):
    data = open(source, "rb").read()
    with open(target, "wb") as file:
        file.write(data[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)
shutil.copyfile = copyfile
from loader.cli import main
main(sys.argv[1:])
"""


def test_an_extraction_killed_while_it_puts_a_file_leaves_no_half_table(cloud: Cloud) -> None:
    succeeded(cloud.extract())
    before = contents(cloud.data_dir)
    killed = subprocess.run(
        [sys.executable, "-c", HALF_A_FILE, *cloud.flags()],
        env={**os.environ, "DATABASE_URI": cloud.account.uri},
        capture_output=True,
        check=False,
        cwd=CHECKOUT,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    after = contents(cloud.data_dir)
    assert {name: after[name] for name in before} == before
    left = after.keys() - before.keys()
    assert left
    assert all(name.startswith(".") and not name.endswith(".parquet") for name in left)
    succeeded(cloud.extract())
