"""Extractions that are disturbed: by the server, the way to it, the disk, a kill."""

import os
import pty
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pyarrow.parquet as pq
import pymysql
import pytest
from tenacity import RetryCallState, Retrying, wait_exponential

from loader import mysql
from tests import servers
from tests.cloud import (
    COPIED_AFTER,
    COPIED_BEFORE,
    CUT,
    HALFWAY,
    LOST,
    SECONDS,
    Cloud,
    finished,
    halfway,
    locked,
    make_cloud,
    proxied,
    small_site,
    started,
    values,
    wait_until,
)
from tests.commands import contents, rows, succeeded

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
        assert proxy.connections == 4, "three for it, and one for those after it"
    assert run.returncode == 1
    assert re.search(
        rf"^Warning: {COPIED_AFTER} failed: Lost connection .*; the file of an earlier extraction stays$",
        run.stderr,
        re.MULTILINE,
    )
    assert run.stderr.endswith("Error: not everything was extracted: site (see the warnings above)\n")
    assert cloud.file(COPIED_AFTER).read_bytes() == before[f"{COPIED_AFTER}.parquet"]
    assert rows(cloud.file(COPIED_BEFORE)) == []
    assert cloud.manifest()["tables"][COPIED_AFTER]["status"] == "failed"


MARKER = "the connection ends here"


@pytest.mark.parametrize("is_watched", [False, True], ids=["by a machine", "on a terminal"])
def test_a_table_that_kills_every_connection_is_read_three_times_and_the_later_ones_are_copied(
    is_watched: bool, cloud: Cloud
) -> None:
    cloud.sql(f"INSERT INTO {HALFWAY} (id, uuid) VALUES (4711, '{MARKER}')")
    with proxied(cloud, [None], marker=MARKER.encode()) as proxy, terminal() as screen:
        extraction = started(cloud, stderr=screen if is_watched else subprocess.PIPE)
        with extraction as process:
            run = finished(process)
    assert run.returncode == 1, run.stdout
    assert proxy.marked == 3, "read once and twice more"
    assert proxy.connections == 4, "the tables after it need one more"
    states = {name: entry["status"] for name, entry in cloud.manifest()["tables"].items() if name in small_site()}
    assert states == {name: "failed" if name == HALFWAY else "copied" for name in small_site()}
    assert not cloud.file(HALFWAY).exists()
    assert len(rows(cloud.file(COPIED_AFTER))) == 3020
    if not is_watched:
        assert re.search(rf"^Warning: {HALFWAY} failed: Lost connection .*\(MySQL error 2013\)", run.stderr, re.M)
        assert "Traceback" not in run.stderr


@contextmanager
def terminal() -> Iterator[int]:
    """A terminal to write to; nobody reads what it shows."""
    master, screen = pty.openpty()
    thread = threading.Thread(target=_drain, args=(master,), daemon=True)
    thread.start()
    try:
        yield screen
    finally:
        os.close(screen)
        thread.join(SECONDS)
        os.close(master)


def _drain(descriptor: int) -> None:
    with suppress(OSError):  # the other end is closed
        while os.read(descriptor, 1 << 16):
            pass


# --- a server that dies ---


@pytest.fixture
def mortal(tmp_path: Path) -> Cloud:
    """A site in a server of its own, with a table larger than what waits in sockets."""
    with servers.mariadb(tmp_path / "mariadb") as server:
        cloud = make_cloud(server, tmp_path / "data")
        cloud.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
        enlarge(cloud)
        yield cloud


def enlarge(cloud: Cloud) -> None:
    """Some 20 MB more in HALFWAY: more than waits in sockets."""
    cloud.sql(f"INSERT INTO {HALFWAY} (id, uuid) SELECT 1000 + seq, repeat(md5(seq), 7) FROM nova.seq_1_to_30000")


@contextmanager
def stopped(cloud: Cloud, process: subprocess.Popen, locked: pymysql.Connection) -> Iterator[None]:
    """The extraction stands still in the middle of HALFWAY, whose rows the server sends."""
    with halfway(cloud, process, locked):
        process.send_signal(signal.SIGSTOP)
    query = "SELECT state FROM information_schema.processlist WHERE user = 'usage_exporter'"
    wait_until(lambda: cloud.sql(query) == (("Writing to net",),), "the server was to wait for its reader")
    yield
    process.send_signal(signal.SIGCONT)


def test_a_server_that_dies_and_comes_back_is_asked_again(mortal: Cloud) -> None:
    with locked(mortal, HALFWAY) as lock, started(mortal) as process, ExitStack() as stack:
        with stopped(mortal, process, lock):
            os.kill(mortal.server.pid, signal.SIGKILL)
        time.sleep(1.5)  # longer than the first try waits
        stack.enter_context(mortal.server.revived())
        mortal.sql(f"DELETE FROM {COPIED_BEFORE}")
        run = succeeded(finished(process))
        assert run.stderr.splitlines() == [LOST]
        for name in small_site():
            mine = rows(mortal.file(name))
            assert mine[: len(small_site()[name])] == values(name), name
        assert mortal.manifest()["tables"][HALFWAY]["rows"] == len(rows(mortal.file(HALFWAY))) == 30020
        assert mortal.manifest()["snapshots"] == 2


FEW = """
import os, time, types
import loader.mysql, tenacity

def noted(call, says):
    def calls(*args, **kwargs):
        with open(os.environ["NOTES"], "a") as notes:
            print(says, *args, file=notes)
        return call(*args, **kwargs)
    return calls

loader.mysql.CONNECTS = 3
loader.mysql.pymysql.connect = noted(loader.mysql.pymysql.connect, "connect")
tenacity.nap.time = types.SimpleNamespace(sleep=noted(time.sleep, "wait"))
"""  # three tries; each connection and each wait, in seconds, are noted


def test_after_a_server_that_never_comes_back_the_rest_fails_soon(mortal: Cloud, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    succeeded(mortal.extract())
    before = contents(mortal.data_dir)
    mortal.sql(f"DELETE FROM {COPIED_BEFORE}")
    with locked(mortal, HALFWAY) as lock, started(mortal, {"NOTES": str(notes)}, before=FEW) as process:
        with stopped(mortal, process, lock):
            os.kill(mortal.server.pid, signal.SIGKILL)
        run = finished(process)
    assert run.returncode == 1
    tables = mortal.manifest()["tables"]
    names = list(tables)
    later = [name for name in small_site() if names.index(name) >= names.index(HALFWAY)]
    assert [name for name in small_site() if tables[name]["status"] == "failed"] == later
    begun, lost, *tries = notes.read_text().splitlines()
    assert (begun, lost) == ("connect", "wait 0.5"), "before the table is read again"
    failed = [name for name in names if tables[name]["status"] == "failed"]
    assert tries == ["connect", "wait 1.0", "connect", "wait 2.0", "connect"] + (len(failed) - 1) * ["connect"], (
        "three tries for the first, then one try each"
    )
    *warnings, error = run.stderr.splitlines()
    assert error == "Error: not everything was extracted: site (see the warnings above)"
    for name in later:
        assert tables[name]["code"] == 2003
        assert f"{name}.parquet" in before
        assert mortal.file(name).read_bytes() == before[f"{name}.parquet"]
        [warning] = [w for w in warnings if w.startswith(f"Warning: {name} failed: Can't connect to MySQL server")]
        assert warning.endswith("; the file of an earlier extraction stays")
    assert rows(mortal.file(COPIED_BEFORE)) == []


def test_a_server_has_about_half_a_minute_to_come_back() -> None:
    waits = wait_exponential(min=1, max=20)
    state = RetryCallState(Retrying(), None, (), {})
    total = 0.0
    for state.attempt_number in range(1, mysql.CONNECTS):
        total += waits(state)
    assert 25 <= total <= 40


# --- limits of the server ---


@contextmanager
def setting(cloud: Cloud, variable: str, value: object) -> Iterator[None]:
    """A global variable of the server for a while; sessions that begin meanwhile have it."""
    [(usual,)] = cloud.sql(f"SELECT @@global.{variable}")
    cloud.sql(f"SET GLOBAL {variable} = {value}")
    try:
        yield
    finally:
        cloud.sql(f"SET SESSION {variable} = {usual}", f"SET GLOBAL {variable} = {usual}")


def test_a_table_that_stays_locked_fails_and_the_others_are_copied(cloud: Cloud, lock: pymysql.Connection) -> None:  # noqa: ARG001
    with setting(cloud, "lock_wait_timeout", 1):
        run = cloud.extract()
    assert run.returncode == 1
    warning, error = run.stderr.splitlines()
    words = "Lock wait timeout exceeded; try restarting transaction (MySQL error 1205)"
    assert warning.startswith(f"Warning: {HALFWAY} failed: {words}; without it these metrics are incomplete: ")
    assert error == "Error: not everything was extracted: site (see the warnings above)"
    tables = cloud.manifest()["tables"]
    entry = {name: tables[HALFWAY][name] for name in ("status", "code", "reason")}
    assert entry == {"status": "failed", "code": 1205, "reason": words}
    assert {p.name for p in cloud.data_dir.glob("*.parquet")} == {f"{t}.parquet" for t in small_site() if t != HALFWAY}
    assert cloud.manifest()["snapshots"] == 1, "a lock is no reason to connect again"
    assert rows(cloud.file(COPIED_AFTER)) == values(COPIED_AFTER)


@pytest.mark.parametrize(("servers_limit", "ours"), [(1, 1), (86400, 300)])
def test_the_shorter_limit_of_waiting_for_a_lock_counts(servers_limit: int, ours: int, cloud: Cloud) -> None:
    with setting(cloud, "lock_wait_timeout", servers_limit):
        server = mysql.Server(mysql.parse_uri(cloud.account.uri, "the test"))
        with closing(server):
            assert server.execute("SELECT @@session.lock_wait_timeout") == ((str(ours),),)


def test_a_table_may_take_longer_than_the_servers_limit_of_a_statement(cloud: Cloud, lock: pymysql.Connection) -> None:
    with setting(cloud, "max_statement_time", 0.5), started(cloud) as process:
        with halfway(cloud, process, lock):
            time.sleep(0.7)
        run = succeeded(finished(process))
    assert run.stderr == ""
    assert rows(cloud.file(HALFWAY)) == values(HALFWAY)


def test_the_server_waits_for_a_slow_reader(cloud: Cloud) -> None:
    enlarge(cloud)
    with setting(cloud, "net_write_timeout", 1), locked(cloud, HALFWAY) as lock, started(cloud) as process:
        with stopped(cloud, process, lock):
            time.sleep(2.5)
        run = succeeded(finished(process))
    assert run.stderr == "", "not even a new connection"
    assert pq.read_table(cloud.file(HALFWAY), columns=["id"])["id"].to_pylist()[20:] == list(range(1001, 31001))
