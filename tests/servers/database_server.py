"""MariaDB."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pymysql

from tests.servers import processes

CHECKOUT = Path(__file__).parent.parent.parent
NO_ROOT = {1045, 1698}  # MariaDB's errors once root is gone: it answers
SOCKET_LIMIT = 100  # a Unix socket's path holds about 107 characters


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
            raise processes.MissingServer(
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
    revived: processes.Revive = field(repr=False)  # starts it once more after its end: same port, same data

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
    return f"mysql+pymysql://{quote(user, safe='')}:{quote(password, safe='')}@{processes.HOST}:{port}"


@contextmanager
def mariadb(folder: Path) -> Iterator[MariaDB]:
    """A MariaDB of our own in `folder`, with no anonymous user and no account without a password."""
    binaries = _find_mariadb()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, **binaries.env}
    _install(binaries, folder, env)
    with _short_folder(folder) as short:
        path, pid_file, port = short / "mariadb.sock", folder / "mariadbd.pid", 0

        def start(_attempt: int) -> processes.Plan:
            nonlocal port
            port = processes.free_port()
            command = _command(binaries, folder, path, pid_file, port)
            return command, lambda process: _is_ours(path, pid_file, process.pid)

        with processes.started(start, folder / "mariadbd.log", env) as (process, revived):
            user, password = "admin", secrets.token_hex(12)
            _replace_root(path, user, password)
            server = MariaDB(
                host=processes.HOST,
                port=port,
                socket=path,
                root_uri=_uri(user, password, port),
                pid=process.pid,
                user=user,
                password=password,
                client=_client(binaries, path, user),
                env={**env, "MYSQL_PWD": password},
                revived=revived,
            )
            _check_is_ours(server, pid_file)
            yield server


def _install(binaries: _Binaries, folder: Path, env: dict[str, str]) -> None:
    """An empty data folder; ServerError with the installer's last words."""
    # install-db gets no --user: as root it would change the owner of the installed package's auth_pam_tool_dir
    installed = subprocess.run(
        [
            str(binaries.install_db),
            "--no-defaults",
            *binaries.install_options,
            f"--datadir={folder / 'data'}",
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
        said = f"{installed.stdout[-2000:]}\n{installed.stderr[-2000:]}"
        raise processes.ServerError(f"mariadb-install-db failed:\n{said}")


def _command(binaries: _Binaries, folder: Path, path: Path, pid_file: Path, port: int) -> list[str | Path]:
    return [
        binaries.server,
        "--no-defaults",
        *binaries.options,
        *(["--user=root"] if os.geteuid() == 0 else []),
        f"--datadir={folder / 'data'}",
        f"--tmpdir={folder}",
        f"--bind-address={processes.HOST}",
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


def _client(binaries: _Binaries, path: Path, user: str) -> tuple[str, ...]:
    flags = ("--no-defaults", "--default-character-set=utf8mb4", "--protocol=socket")
    return (str(binaries.client), *flags, f"--socket={path}", f"--user={user}")


def _check_is_ours(server: MariaDB, pid_file: Path) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@pid_file")
        if cursor.fetchone() != (str(pid_file),):
            raise processes.ServerError(f"another server answers on port {server.port}")


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
        for host in (processes.HOST, "localhost"):
            cursor.execute("CREATE USER %s@%s IDENTIFIED BY %s", (user, host, password))
            cursor.execute("GRANT ALL PRIVILEGES ON *.* TO %s@%s WITH GRANT OPTION", (user, host))
        cursor.execute("SELECT User, Host FROM mysql.user WHERE User = 'root'")
        for account in cursor.fetchall():
            cursor.execute("DROP USER %s@%s", account)
