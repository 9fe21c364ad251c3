"""The real schemas of nova, blazar and zun, made by these releases' own migrations.

`openstack.lock` pins them; `make test` installs them (`python -m tests.openstack`) into a venv of their own below
`.openstack/`. Their migrations run once for each version of MariaDB, and what they made is kept there as SQL.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import servers

CHECKOUT = Path(__file__).parent.parent
LOCK = Path(__file__).with_name("openstack.lock")
CACHE = CHECKOUT / ".openstack"
NEWEST_PYTHON = (3, 13)  # that the pinned releases have wheels for
UNSUITED = (
    f"the releases in {LOCK.name} don't know Python {sys.version_info.major}.{sys.version_info.minor}"
    if sys.version_info[:2] > NEWEST_PYTHON
    else None
)
PROJECTS = {"nova": ("nova_api", "nova"), "blazar": ("blazar",), "zun": ("zun",)}
SCHEMAS = tuple(schema for schemas in PROJECTS.values() for schema in schemas)
MIGRATIONS = (
    ("nova-manage", "api_db", "sync"),
    ("nova-manage", "db", "sync", "--local_cell"),  # without a cell0
    ("blazar-db-manage", "upgrade", "head"),
    ("zun-db-manage", "upgrade"),
)
CHARSET = "utf8mb3"  # as DevStack makes them; utf8mb4 gives the same columns


class NotInstalled(RuntimeError):
    """The releases aren't there."""


# --- packages ---


def _venv() -> Path:
    """Where this checkout keeps the pinned releases for this Python."""
    facts = LOCK.read_bytes() + repr((sys.version_info[:3], sys.platform, sys.base_prefix)).encode()
    return CACHE / hashlib.sha256(facts).hexdigest()[:16]


def install() -> None:
    """Make the venv if it isn't there: with uv, else (where only pip knows the way to packages) with pip."""
    if UNSUITED or _venv().exists():
        return
    shutil.rmtree(CACHE, ignore_errors=True)  # other pins, and what interrupted runs left
    part = CACHE / "part"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", part], check=True)
    flags = ["install", "--quiet", "--no-deps", "--require-hashes", "-r", LOCK]
    uv = [Path(sys.executable).parent / "uv", "pip", *flags, "--python", part / "bin/python"]
    if subprocess.run(uv, check=False).returncode:
        subprocess.run([sys.executable, "-m", "pip", "--python", part / "bin/python", *flags], check=True)
    part.rename(_venv())


# --- commands ---


def _settings(project: str, server: servers.MariaDB, folder: Path) -> Path:
    """A configuration file that says which databases to use."""
    sections = [f"[DEFAULT]\nstate_path = {folder}\n"]
    for schema in PROJECTS[project]:
        section = "api_database" if schema.endswith("_api") else "database"
        sections.append(f"[{section}]\nconnection = {server.root_uri}/{schema}\n")
    file = folder / f"{project}.conf"
    file.write_text("".join(sections))
    return file


def run(server: servers.MariaDB, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the releases against the server's databases; no file but ours configures it."""
    venv = _venv()
    if not venv.exists():
        raise NotInstalled(f"no OpenStack in {CACHE}: run `make test`, or python -m tests.openstack, which installs it")
    with tempfile.TemporaryDirectory() as work:
        folder, empty = Path(work), Path(work) / "empty"
        empty.mkdir()
        file = _settings(program.split("-")[0], server, folder)
        return subprocess.run(
            [venv / "bin/python", venv / "bin" / program, "--config-file", file, "--config-dir", empty, *arguments],
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": work},
            cwd=work,
            capture_output=True,
            text=True,
            check=False,
        )


# --- schemas ---


def create(server: servers.MariaDB) -> None:
    """Fresh and empty databases as the migrations make them: by themselves, or by the SQL that they left."""
    for schema in SCHEMAS:
        _sql(server, f"DROP DATABASE IF EXISTS {schema}; CREATE DATABASE {schema} CHARACTER SET {CHARSET};")
    [[version]] = _rows(server, "SELECT VERSION()")
    made = _venv() / f"{version}.sql"
    if made.exists():
        _sql(server, made.read_text("utf-8"))
        return
    with ThreadPoolExecutor() as pool:  # each has a database of its own
        for command, done in zip(MIGRATIONS, pool.map(lambda c: run(server, *c), MIGRATIONS), strict=True):
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    part = made.with_suffix(f".{os.getpid()}")
    part.write_text("\n".join(_dump(server)), "utf-8")
    part.rename(made)


def _dump(server: servers.MariaDB) -> Iterator[str]:
    """The SQL of all tables (without rows: a schema's version is all that the migrations put in)."""
    yield "SET foreign_key_checks = 0;"
    for schema in SCHEMAS:
        yield f"USE {schema};"
        for (table,) in _rows(server, f"SHOW TABLES IN {schema}"):
            yield _rows(server, f"SHOW CREATE TABLE {schema}.{table}")[0][1] + ";"


def _rows(server: servers.MariaDB, query: str) -> tuple:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def _sql(server: servers.MariaDB, sql: str) -> None:
    done = server.run(sql)
    if done.returncode:
        raise RuntimeError(done.stderr)


if __name__ == "__main__":
    if UNSUITED:
        print(f"OpenStack isn't installed, and its tests will be skipped: {UNSUITED}")
    install()
