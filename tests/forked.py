"""Runs our commands in forks of one process that has imported everything: each import of dbt takes seconds.

A command in a fork is what a command is otherwise: a process with arguments, environment, folder, streams and exit code
of its own. tests/commands.py asks; jobs come as JSON lines on stdin, exit codes go out as lines on stdout.
"""

import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
IMPORTED = ("dbt.cli.main", "dbt.adapters.duckdb", "dlt", "fsspec", "pymysql", "pyarrow.parquet", "rich.table", "s3fs")
AT_START = ("PYTHON", "LC_", "LANG", "LD_", "TZ")  # variables that an interpreter reads when it starts


def can_run(program: str, arguments: list[str], env: dict[str, str], extra: dict) -> bool:
    """Whether a fork does, or an interpreter must be started anew."""
    if program == "python" and arguments[:2] != ["-m", "loader"]:
        return False
    return not set(extra) - {"cwd"} and not any(name.startswith(AT_START) for name in env)


def run(
    program: Path, arguments: list[str], env: dict[str, str], cwd: Path | str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script of a venv, as subprocess.run(text=True, stdin=DEVNULL) does."""
    with tempfile.TemporaryDirectory(prefix="forked-") as folder:
        streams = [str(Path(folder, name)) for name in ("out", "err")]
        job = {
            "program": str(program),
            "arguments": arguments,
            "env": env,
            "cwd": str(cwd or Path.cwd()),
            "streams": streams,
        }
        server = _server()
        server.stdin.write(json.dumps(job) + "\n")
        server.stdin.flush()
        code = server.stdout.readline()
        assert code, "the process that runs commands has ended"
        out, err = (Path(s).read_text("utf-8", "surrogateescape") for s in streams)
    return subprocess.CompletedProcess([str(program), *arguments], int(code), out, err)


@cache
def _server() -> subprocess.Popen[str]:
    """Ends when this process does: then its stdin is closed."""
    command = [sys.executable, "-m", "tests.forked"]
    return subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _serve() -> dict | None:
    """Answer jobs. A fork leaves with its job."""
    answers = os.fdopen(os.dup(1), "w")
    for line in iter(sys.stdin.readline, ""):
        job = json.loads(line)
        child = os.fork()
        if not child:
            answers.close()
            return job
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answers.write(f"{code}\n")
        answers.flush()
    return None


def _become(job: dict) -> None:
    """Take on what a job says: streams, folder, environment, arguments."""
    for number, path in enumerate((os.devnull, *job["streams"])):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 (until the end)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    tempfile.tempdir = None
    sys.argv = [job["program"], *job["arguments"]]
    sys.path[0] = str(Path(job["program"]).parent)


def _run(job: dict) -> None:
    _become(job)
    if job["arguments"][:2] == ["-m", "loader"]:
        sys.argv, sys.path[0] = sys.argv[2:], job["cwd"]
        runpy.run_module("loader", run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(job["program"], run_name="__main__")


if __name__ == "__main__":
    for module in IMPORTED:
        importlib.import_module(module)
    for file in sorted((CHECKOUT / "loader").glob("*.py")):
        if not file.stem.startswith("__"):
            importlib.import_module(f"loader.{file.stem}")
    gc.freeze()
    if job := _serve():
        _run(job)
