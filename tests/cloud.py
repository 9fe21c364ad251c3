"""A small site in a real MariaDB that is extracted while it, or the way to it, is disturbed."""

import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pyarrow as pa
import pymysql

from loader import catalogue, sample
from loader.mysql import Server, parse_uri
from tests import database, servers
from tests.commands import BIN, CHECKOUT, Row, contents, metadata, rows, usage

COPIED_BEFORE, HALFWAY, COPIED_AFTER = "blazar.leases", "nova.instances", "nova_api.request_specs"
LOST = "Warning: site: the connection was lost; the tables come from 2 snapshots"
SECONDS = 60  # that anything may take
CUT = 3 << 20  # bytes from the server: in the middle of the large table


@cache
def small_site() -> dict[str, pa.Table]:
    """The tables of a KVM site, a few rows of each: nothing of zun and no devices."""
    return {name: table.slice(0, 20) for name, table in sample.generate("kvm").items()}


@dataclass
class Cloud:
    """A small site in MariaDB and the account that may read it, with a data_dir for its files."""

    server: servers.MariaDB
    account: database.Account
    data_dir: Path | str  # a string is an address in S3

    def sql(self, *statements: str) -> tuple:
        """Run SQL as the administrator; the rows of the last statement."""
        with self.server.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def flags(self) -> list[str]:
        return ["--data-dir", str(self.data_dir), "extract"]

    def extract(self, uri: str | None = None, **kw) -> subprocess.CompletedProcess[str]:
        env = {"DATABASE_URI": uri or self.account.uri, **kw.pop("env", {})}
        return usage(*self.flags(), env=env, **kw)

    def file(self, table: str) -> Path:
        return self.data_dir / f"{table}.parquet"

    def manifest(self) -> dict:
        return json.loads((self.data_dir / "_manifest.json").read_text())

    def origin(self) -> dict[str, str]:
        """What each entry of the manifest says of its run."""
        return {name: self.manifest()[name] for name in ("run_id", "snapshot_at")}

    def direct(self, table: str) -> tuple[Server, catalogue.Table]:
        """A connection of the loader's own, in this process."""
        return Server(parse_uri(self.account.uri, "the test's URI")), catalogue.load()[table]


def make_cloud(server: servers.MariaDB, data_dir: Path | str) -> Cloud:
    """The small site, fresh, in that server."""
    database.create(server, small_site())
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP USER IF EXISTS 'usage_exporter'@'%'")  # grants outlive their tables
    return Cloud(server, database.grant(server), data_dir)


def wait_until(done: Callable[[], object], what: str, every: float = 0.02) -> None:
    deadline = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(every)


@contextmanager
def started(
    cloud: Cloud, env: dict[str, str] | None = None, before: str | None = None, **kw
) -> Iterator[subprocess.Popen]:
    """An extraction as a process that may be disturbed; it is gone afterwards. `before`: Python that it runs first."""
    wrapped = [sys.executable, "-c", f"import sys\n{before}\nfrom loader.cli import main\nmain(sys.argv[1:])"]
    process = subprocess.Popen(
        [*(wrapped if before else [BIN / "chameleon-usage"]), *cloud.flags()],
        env={**os.environ, "DATABASE_URI": cloud.account.uri, **(env or {})},
        stdout=subprocess.PIPE,
        text=True,
        **{"stderr": subprocess.PIPE, "cwd": CHECKOUT, **kw},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def locked(cloud: Cloud, table: str) -> Iterator[pymysql.Connection]:
    """A connection of the administrator that has locked the table."""
    with cloud.server.connect() as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLES {table} WRITE")
        yield connection


@contextmanager
def halfway(cloud: Cloud, process: subprocess.Popen, locked: pymysql.Connection) -> Iterator[int]:
    """The extraction waits for a table's lock; yields the number of its connection, then lets it go on."""
    found: list[int] = []

    def waits() -> bool:
        assert process.poll() is None, process.communicate()
        found[:] = [
            id
            for (id,) in cloud.sql(
                "SELECT id FROM information_schema.processlist WHERE user = 'usage_exporter'"
                " AND state LIKE 'Waiting for table metadata lock'"
            )
        ]
        return bool(found)

    wait_until(waits, "the extraction was to wait for the lock")
    yield found[0]
    with locked.cursor() as cursor:
        cursor.execute("UNLOCK TABLES")


def finished(process: subprocess.Popen) -> subprocess.CompletedProcess[str]:
    out, err = process.communicate(timeout=SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def values(table: str, source: dict[str, pa.Table] | None = None) -> list[Row]:
    """What the file of a sample table must hold: its rows and the columns that nothing reads."""
    return [r | database.others(table) for r in (source or small_site())[table].to_pylist()]


@dataclass
class Room:
    """Folders of an extraction's own, so that everything it leaves is found."""

    home: Path
    cwd: Path
    tmp: Path

    def env(self) -> dict[str, str]:
        return {"HOME": str(self.home), "TMPDIR": str(self.tmp), "XDG_CACHE_HOME": "", "XDG_DATA_HOME": ""}

    def files(self) -> dict[str, bytes]:
        return {f"{p.name}/{n}": c for p in (self.home, self.cwd, self.tmp) for n, c in contents(p).items()}


@dataclass
class Proxy:
    """A way to the server whose connections end early: each is cut after as many bytes as the plan says.

    The last entry of the plan holds for all that follow; None is never, 0 is at once. Whatever the plan says, a
    connection is cut where the server sends the `marker`; `marked` counts these.
    """

    to: int
    plan: list[int | None]
    reset: bool = False
    marker: bytes | None = None
    port: int = 0
    connections: int = 0
    marked: int = 0
    listener: socket.socket = field(default_factory=socket.socket)

    def serve(self) -> None:
        self.listener.bind((servers.HOST, 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                limit = self.plan[min(self.connections, len(self.plan) - 1)]
                self.connections += 1
                server = socket.create_connection((servers.HOST, self.to))
                threading.Thread(target=self._forward, args=(client, server, None), daemon=True).start()
                threading.Thread(target=self._forward, args=(server, client, limit), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        passed, last = 0, b""
        with suppress(OSError, ValueError):  # a socket that the other direction has closed
            while limit is None or passed < limit:
                if not select.select([source], [], [], 0.05)[0]:  # no longer, else close() would wait for it
                    continue
                data = source.recv(1 << 16)
                if not data:
                    break
                if self.marker and (at := (last + data).find(self.marker)) >= 0:
                    target.sendall((last + data)[len(last) : at])
                    self.marked += 1
                    break
                target.sendall(data)
                passed += len(data)
                last = data[-100:]
            if self.reset and limit is not None and passed >= limit:
                target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                target.close()  # with a reset, so that the reader gets an error
                source.close()
                return
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(cloud: Cloud, plan: list[int | None], reset: bool = False, marker: bytes | None = None) -> Iterator[Proxy]:
    """Make the site's last table large and put a proxy before the server; the account's URI then names the proxy."""
    cloud.sql(
        f"INSERT INTO {COPIED_AFTER} (id, instance_uuid, spec)"
        " SELECT 1000000 + seq, md5(seq), repeat(md5(seq), 64) FROM nova.seq_1_to_3000"
    )
    proxy = Proxy(cloud.server.port, plan, reset, marker)
    with proxy.listener:
        proxy.serve()
        uri = cloud.account.uri
        cloud.account = database.Account(cloud.account.name, uri.replace(f":{cloud.server.port}", f":{proxy.port}"))
        yield proxy


@dataclass
class Versions:
    """Contents of the database, one after the other, and what of them lies in the files."""

    cloud: Cloud
    number: int = 0
    runs: dict[str, int] = field(default_factory=dict)  # by run_id

    def advance(self) -> None:
        """Every row of every table changes."""
        self.number += 1
        self.cloud.sql(*(f"UPDATE {name} SET {column(name)} = 'v{self.number}'" for name in small_site()))

    def check(self, folder: Path, moment: str) -> None:
        """Every file is a table as it was in one version, which its run_id tells; a manifest is true."""
        files = {path.name.removesuffix(".parquet"): path for path in folder.glob("[!.]*.parquet")}
        written = {name: metadata(path)["run_id"] for name, path in files.items()}
        new = set(written.values()) - self.runs.keys()
        assert len(new) <= 1, moment
        self.runs |= dict.fromkeys(new, self.number)
        for name, path in files.items():
            version = {column(name): f"v{self.runs[written[name]]}"}
            assert rows(path) == [row | version for row in values(name)], (moment, name)
        told = contents(folder).get("_manifest.json")
        if told is not None:
            told = Cloud(self.cloud.server, self.cloud.account, folder).manifest()
            copied = {name for name, entry in told["tables"].items() if entry["status"] == "copied"}
            assert copied == files.keys(), moment
            assert set(written.values()) == {told["run_id"]}, moment

    def check_complete(self, folder: Path) -> None:
        """All files are of the last version, the manifest is there, and nothing else."""
        self.check(folder, "a run that ended")
        assert set(contents(folder)) == {f"{name}.parquet" for name in small_site()} | {"_manifest.json"}
        assert self.runs[metadata(folder / f"{next(iter(small_site()))}.parquet")["run_id"]] == self.number


def column(name: str) -> str:
    """A column of text that every row of the table has, and that nothing reads."""
    return next(iter(database.others(name)))
