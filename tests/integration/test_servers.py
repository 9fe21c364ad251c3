"""The servers that other tests rely on are real, refuse what they should, and are gone afterwards."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pymysql
import pytest

from tests import servers
from tests.servers import processes

CHECKOUT = Path(__file__).parent.parent.parent


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _query(connection: pymysql.Connection, sql: str) -> list[tuple]:
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def test_mariadb_answers_with_our_process(mariadb: servers.MariaDB) -> None:
    [(pid_file, path, port, charset)] = _query(
        mariadb.connect(), "SELECT @@pid_file, @@socket, @@port, @@character_set_server"
    )
    assert (path, port, charset) == (str(mariadb.socket), mariadb.port, "utf8mb4")
    assert int(Path(pid_file).read_text()) == mariadb.pid


def test_mariadb_has_no_account_without_a_password(mariadb: servers.MariaDB) -> None:
    for settings in ({"host": mariadb.host, "port": mariadb.port}, {"unix_socket": str(mariadb.socket)}):
        for user in ("root", "nobody-in-particular", mariadb.user):
            with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
                pymysql.connect(user=user, **settings)


@pytest.mark.parametrize("host", ["%", "127.0.0.1"])
def test_granted_user_reads_its_table_and_no_other(mariadb: servers.MariaDB, host: str) -> None:
    user = f"reader_{'any' if host == '%' else 'loopback'}"
    result = mariadb.run(
        f"""
        CREATE DATABASE {user};
        CREATE TABLE {user}.open (name VARCHAR(20));
        CREATE TABLE {user}.closed (name VARCHAR(20));
        INSERT INTO {user}.open VALUES ('Chamäleon 🦎');
        CREATE USER '{user}'@'{host}' IDENTIFIED BY 'its-password';
        GRANT SELECT ON {user}.open TO '{user}'@'{host}';
        """
    )
    assert (result.returncode, result.stderr) == (0, "")
    reader = {"user": user, "password": "its-password"}
    assert _query(mariadb.connect(**reader), f"SELECT name FROM {user}.open") == [("Chamäleon 🦎",)]
    with pytest.raises(pymysql.err.OperationalError, match="SELECT command denied"):
        _query(mariadb.connect(**reader), f"SELECT name FROM {user}.closed")
    with pytest.raises(pymysql.err.OperationalError, match="INSERT command denied"):
        _query(mariadb.connect(**reader), f"INSERT INTO {user}.open VALUES ('x')")
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        mariadb.connect(user=user, password="wrong")  # noqa: S106


def test_grant_script_stops_at_its_first_error(mariadb: servers.MariaDB) -> None:
    result = mariadb.run(
        """
        CREATE USER 'before'@'%';
        GRANT SELECT ON no_such_database.no_such_table TO 'before'@'%';
        CREATE USER 'after'@'%';
        """
    )
    assert result.returncode == 1
    assert "no_such_table" in result.stderr
    users = _query(mariadb.connect(), "SELECT User FROM mysql.user WHERE User IN ('before', 'after')")
    assert users == [("before",)]


def test_socket_path_may_not_be_too_long(tmp_path: Path) -> None:
    with servers.mariadb(tmp_path / ("long" * 30)) as server:
        assert _query(server.connect(), "SELECT 1") == [(1,)]
        assert server.run("SELECT 2").stdout == "2\n2\n"
        short = server.socket.parent
    assert not _exists(server.pid)
    assert not short.exists()


def test_s3_stores_and_lists(s3: servers.S3) -> None:
    bucket = s3.make_bucket("stores-and-lists")
    big = os.urandom(12_000_000)  # more than one part of a multipart upload
    s3.fs().pipe({f"{bucket}/a/small": b"small", f"{bucket}/a/big": big})
    reader = s3.fs(s3.reader_env)
    assert reader.find(bucket) == ["stores-and-lists/a/big", "stores-and-lists/a/small"]
    assert reader.cat_file(f"{bucket}/a/big") == big
    s3.fs().rm(bucket, recursive=True)
    assert not s3.fs().exists(bucket)


@pytest.mark.parametrize("wrong", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_s3_refuses_a_wrong_key(s3: servers.S3, wrong: str) -> None:
    bucket = s3.make_bucket(f"wrong-{wrong.lower().replace('_', '-')}")
    s3.fs().pipe_file(f"{bucket}/object", b"before")
    fs = s3.fs(s3.env | {wrong: "wrong"})
    for attempt in (
        lambda: fs.cat_file(f"{bucket}/object"),
        lambda: fs.ls(bucket),
        lambda: fs.pipe_file(f"{bucket}/object", b"after"),
    ):
        with pytest.raises(PermissionError):
            attempt()
    assert s3.fs().cat_file(f"{bucket}/object") == b"before"


def test_s3_reader_can_not_write(s3: servers.S3) -> None:
    bucket = s3.make_bucket("reader-can-not-write")
    s3.fs().pipe_file(f"{bucket}/object", b"before")
    reader = s3.fs(s3.reader_env)
    for attempt in (
        lambda: reader.pipe_file(f"{bucket}/object", b"after"),
        lambda: reader.pipe_file(f"{bucket}/new", b"after"),
        lambda: reader.rm_file(f"{bucket}/object"),
        lambda: reader.mkdir("bucket-of-the-reader"),
    ):
        with pytest.raises(PermissionError):
            attempt()
    assert reader.find(bucket) == ["reader-can-not-write/object"]
    assert reader.cat_file(f"{bucket}/object") == b"before"


@pytest.mark.parametrize("start", [servers.mariadb, servers.s3])
def test_process_is_gone_afterwards(start, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), start(tmp_path) as server:
        assert _exists(server.pid)
        raise KeyboardInterrupt
    assert not _exists(server.pid)


@pytest.mark.parametrize(
    ("start", "number"),
    [
        ("mariadb", signal.SIGTERM),
        ("s3", signal.SIGTERM),
        pytest.param("mariadb", signal.SIGKILL, marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux only")),
    ],
)
def test_process_is_gone_when_the_tests_are_ended(start: str, number: int, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from tests import servers\n"
        f"with servers.{start}(Path(sys.argv[1])) as server:\n"
        "    print(server.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(CHECKOUT)}
    ) as test:
        pid = int(test.stdout.readline())
        assert _exists(pid)
        test.send_signal(number)
    deadline = time.monotonic() + 20
    while _exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _exists(pid)


@pytest.mark.parametrize("start", [servers.mariadb, servers.s3])
def test_lost_port_is_tried_again(start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = processes.free_ports
    given = []

    def first_lost(count: int, companion: int = 0) -> list[int]:
        given.append(free(count, companion) if given else [taken.getsockname()[1]] * count)
        return given[-1]

    monkeypatch.setattr(processes, "free_ports", first_lost)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with start(tmp_path) as server:
            assert _exists(server.pid)
    assert len(given) == 2


def test_missing_mariadb_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARIADB_HOME", str(tmp_path))
    with pytest.raises(servers.MissingServer, match="make test"), servers.mariadb(tmp_path / "data"):
        pass


def test_connections_leave_this_machine_in_no_test() -> None:
    for family, address in ((socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET6, ("2001:db8::1", 80))):
        with socket.socket(family) as outside, pytest.raises(RuntimeError, match="loopback only"):
            outside.connect(address)
    with pytest.raises(RuntimeError, match="loopback only"):
        socket.create_connection(("192.0.2.1", 443), timeout=1)


def test_environment_of_the_user_reaches_no_test(home: Path) -> None:
    assert Path.home() == home
    assert Path(os.environ["XDG_CACHE_HOME"]).is_relative_to(home)
    assert not [name for name in os.environ if name.startswith(("AWS_", "CHAMELEON_USAGE_", "DATABASE_URI"))]
