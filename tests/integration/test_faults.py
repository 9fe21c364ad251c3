"""Extractions that are disturbed: by the server, the way to it, the disk, a kill."""

import os
import re
import resource
import signal
import subprocess
import sys

import pyarrow.parquet as pq
import pymysql
import pytest

from tests.cloud import (
    COPIED_AFTER,
    COPIED_BEFORE,
    CUT,
    HALFWAY,
    LOST,
    Cloud,
    finished,
    halfway,
    proxied,
    started,
    values,
)
from tests.commands import CHECKOUT, contents, rows, succeeded

# --- connections that are lost ---


@pytest.mark.parametrize("kill", ["KILL", "KILL QUERY"])
def test_a_killed_connection_is_made_again_and_told(kill: str, cloud: Cloud, lock: pymysql.Connection) -> None:
    with started(cloud) as process:
        with halfway(cloud, process, lock) as connection:
            cloud.sql(f"DELETE FROM {COPIED_BEFORE}", f"DELETE FROM {COPIED_AFTER}", f"{kill} {connection}")
        run = succeeded(finished(process))
    assert run.stderr.splitlines() == [LOST]
    assert rows(cloud.file(COPIED_BEFORE)) == values(COPIED_BEFORE)
    assert rows(cloud.file(HALFWAY)) == values(HALFWAY)
    assert rows(cloud.file(COPIED_AFTER)) == [], "it is of the second snapshot"
    assert cloud.manifest()["snapshots"] == 2


@pytest.mark.parametrize(
    ("plan", "reset", "connections"),
    [
        pytest.param([CUT, None], False, 2, id="closed"),
        pytest.param([CUT, None], True, 2, id="reset"),
        pytest.param([CUT, CUT + 12345, None], True, 3, id="twice"),
        pytest.param([CUT, 0, 0, None], False, 4, id="closed, and the server is away for a while"),
    ],
)
def test_a_connection_cut_in_the_middle_of_rows_is_made_again(
    plan: list[int | None], reset: bool, connections: int, cloud: Cloud
) -> None:
    with proxied(cloud, plan, reset) as proxy:
        run = succeeded(cloud.extract())
        assert proxy.connections == connections
    assert re.fullmatch(r"Warning: site: the connection was lost; the tables come from \d snapshots\n", run.stderr)
    copied = pq.read_table(cloud.file(COPIED_AFTER), columns=["id"]).column("id").to_pylist()
    [(count, distinct)] = cloud.sql(f"SELECT count(*), count(DISTINCT id) FROM {COPIED_AFTER}")
    assert len(copied) == count
    assert len(set(copied)) == distinct
    assert cloud.manifest()["tables"][COPIED_AFTER]["rows"] == count


def test_a_table_that_is_always_cut_fails_and_the_others_go_on(cloud: Cloud) -> None:
    succeeded(cloud.extract())
    before = contents(cloud.data_dir)
    cloud.sql(f"DELETE FROM {COPIED_BEFORE}")
    with proxied(cloud, [CUT]) as proxy:
        run = cloud.extract()
        assert proxy.connections == 3, "it was the last one"
    assert run.returncode == 1
    assert re.search(
        rf"^Warning: {COPIED_AFTER} failed: Lost connection .*; the file of an earlier extraction stays$",
        run.stderr,
        re.MULTILINE,
    )
    assert run.stderr.endswith("Error: not everything was extracted: site\n")
    assert cloud.file(COPIED_AFTER).read_bytes() == before[f"{COPIED_AFTER}.parquet"]
    assert rows(cloud.file(COPIED_BEFORE)) == []
    assert cloud.manifest()["tables"][COPIED_AFTER]["status"] == "failed"


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
