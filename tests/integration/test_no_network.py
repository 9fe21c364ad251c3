"""No network but the database and the object store: commands in a network of their own, in which there is nothing."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cloud import Cloud
from tests.commands import CHECKOUT, OUTPUTS, WINDOW

# Runs a command and writes down what it tries to reach, the database's Unix socket apart.
WATCHED = """
import os
import sys
tried = open(sys.argv.pop(1), "a", buffering=1)

def watch(event, arguments):
    is_name = event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.sendto")
    if is_name or (event == "socket.connect" and not isinstance(arguments[1], str)):
        print(event, arguments, file=tried)

sys.addaudithook(watch)
if "REACH" in os.environ:
    import socket
    socket.create_connection(("127.0.0.1", 9))
from loader.cli import main
main()
"""


def alone(tried: Path, *arguments: str | Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run our command without a network; skips where no network of one's own can be had."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare, which gives a command its own network")
    command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", WATCHED, tried, *arguments]
    done = subprocess.run(command, env=env, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode == 1 and re.match("unshare", done.stderr):
        pytest.skip(f"no network of one's own may be made here: {done.stderr.strip()}")
    return done


def test_every_command_works_and_reaches_for_nothing_else(cloud: Cloud, tmp_path: Path, home: Path) -> None:
    tried, out = tmp_path / "tried", tmp_path / "out"
    account = cloud.account.uri.split("@")[0]
    env = {"HOME": str(home), "DATABASE_URI": f"{account}@localhost?unix_socket={quote(str(cloud.server.socket))}"}
    env |= {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    shared = ["--site", "here", "--data-dir", cloud.data_dir]
    page, lineage = tmp_path / "report.html", tmp_path / "lineage.html"
    dates = ["--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    for command in (
        [*shared, "extract"],
        [*shared, "process", "--output", out, *dates, "--resample", "1d"],
        [*shared, "status", "--output", out],
        [*shared, "check", "--output", out],
        [*shared, "explain", "--output", out, "--at", WINDOW[0]],
        [*shared, "report", "--output", out, "--html", page],
        [*shared, "plot", "--output", out, "--to", tmp_path / "plots"],
        ["docs", "--html", lineage],
    ):
        done = alone(tried, *command, env=env)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert tried.read_text() == ""
    assert {f"{name}" for name in OUTPUTS} <= {file.name for file in (out / "here").iterdir()}
    assert page.exists() and lineage.exists() and list((tmp_path / "plots").iterdir())


def test_what_is_reached_for_is_seen(tmp_path: Path) -> None:
    """The watcher itself, and that there is no network."""
    tried = tmp_path / "tried"
    done = alone(tried, env={"PATH": "/usr/bin:/bin", "REACH": "1"})
    assert "OSError" in done.stderr or "ConnectionRefusedError" in done.stderr, done.stderr
    assert "socket.connect" in tried.read_text() and "127.0.0.1" in tried.read_text()
