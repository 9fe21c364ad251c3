"""What every test may rely on: no network but loopback, a clean environment, and servers of our own."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers

CLEARED = ("AWS_", "CHAMELEON_USAGE_")


class OutsideConnection(RuntimeError):
    """A test tried to reach another machine. No OSError, which would pass for an unreachable server."""


def _is_loopback(address: object) -> bool:
    host = address[0] if isinstance(address, tuple) else None
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """Refuse every connection of this process that leaves the machine."""

    def guarded(method):
        def connect(self: socket.socket, address):
            if self.family != getattr(socket, "AF_UNIX", None) and not _is_loopback(address):
                raise OutsideConnection(f"tests connect to loopback only, not to {address!r}")
            return method(self, address)

        return connect

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield


def _clean(patch: pytest.MonkeyPatch, home: Path) -> None:
    for name in list(os.environ):
        if name == "DATABASE_URI" or name.startswith(CLEARED):
            patch.delenv(name)
    patch.setenv("HOME", str(home))
    patch.setenv("XDG_CACHE_HOME", str(home / ".cache"))


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home folder; the session's fixtures see the clean environment, too."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        _clean(patch, folder)
        yield folder


@pytest.fixture(autouse=True)
def clean_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the user's, or of another test, reaches a test."""
    _clean(monkeypatch, home)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.MariaDB]:
    """One MariaDB for the session: a test makes databases and users of its own names."""
    try:
        with servers.mariadb(tmp_path_factory.mktemp("mariadb")) as server:
            yield server
    except servers.MissingServer as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3]:
    """One S3 service for the session: a test makes a bucket of its own name."""
    with servers.s3(tmp_path_factory.mktemp("s3")) as server:
        yield server
