"""Our commands as a user runs them: processes of their own, judged by exit code, output and files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from tests import forked

BIN = Path(sys.executable).parent
CHECKOUT = Path(__file__).parent.parent
WINDOW = ("2024-01-01", "2025-01-01")
OUTPUTS = ["quality.parquet", "spans.parquet", "usage.parquet", "usage_by_project.parquet"]
Row = dict[str, object]


def run(*command: str | Path, env: dict[str, str] | None = None, **kw) -> subprocess.CompletedProcess[str]:
    """Run a program of our venv; the output is kept apart in stdout and stderr."""
    program, *arguments = map(str, command)
    env, changed = {**os.environ, "CHAMELEON_USAGE_DATABASE": ":memory:", **(env or {})}, env or {}
    if forked.can_run(program, arguments, changed, kw):
        return forked.run(BIN / program, arguments, env, **kw)
    return subprocess.run(
        [str(BIN / program), *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        **kw,
    )


def usage(*arguments: str | Path, **kw) -> subprocess.CompletedProcess[str]:
    """Run chameleon-usage."""
    return run("chameleon-usage", *arguments, **kw)


def succeeded(process: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert process.returncode == 0, f"exit {process.returncode}\n{process.stdout}\n{process.stderr}"
    return process


def process(
    data_dir: Path | str,
    output: Path | str,
    site: str = "here",
    window: tuple[str, str] = WINDOW,
    flags: list[str] | None = None,
    **kw,
):
    """Run `chameleon-usage process` for one site, which must succeed."""
    needed = ["--output", output, "--start-date", window[0], "--end-date", window[1]]
    return succeeded(usage("--site", site, "--data-dir", data_dir, "process", *needed, *(flags or []), **kw))


def dbt_build(
    data_dir: Path | str,
    output: Path | str,
    *flags: str,
    project: Path = CHECKOUT,
    variables: dict | None = None,
    database: Path | str = ":memory:",
):
    """Run `dbt build --vars` by hand in a checkout."""
    values = {"site": "here", "data_dir": str(data_dir), "output": str(output)}
    values |= {"start_date": WINDOW[0], "end_date": WINDOW[1]} | (variables or {})
    given = json.dumps({k: v for k, v in values.items() if v is not None}, ensure_ascii=False)
    env = {"CHAMELEON_USAGE_DATABASE": str(database)}
    return run("dbt", "--no-use-colors", "build", "--vars", given, *flags, cwd=project, env=env)


def copy_checkout(folder: Path) -> Path:
    """A copy of the project as in a fresh clone, to be broken."""
    left_out = shutil.ignore_patterns(".*", "target", "logs", "work", "__pycache__", "dist", "*.duckdb")
    return shutil.copytree(CHECKOUT, folder, ignore=left_out)


def rows(file: Path | str, filesystem=None) -> list[Row]:
    return pq.read_table(str(file), filesystem=filesystem).to_pylist()


def metadata(file: Path | str) -> dict[str, str]:
    """The facts of ours in a parquet file's key-value metadata, less their prefix."""
    found = pq.read_metadata(str(file)).metadata or {}
    prefix = b"chameleon_usage."
    return {k.removeprefix(prefix).decode(): v.decode() for k, v in found.items() if k.startswith(prefix)}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
