"""Other programs that copy MySQL tables to parquet, in a virtual environment that is not ours."""

import json
import subprocess
import sys
from pathlib import Path

from loader.catalogue import Table

HERE = Path(__file__).resolve().parent
PACKAGES = [
    "duckdb-extension-mysql-scanner",
    "dlt[filesystem,parquet]>=1.31,<2",
    "sqlalchemy",
    "pymysql",
    "pyarrow",
    "polars",
]
SHOWN = ("duckdb", "dlt", "sqlalchemy", "polars")
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}


def installed(work: Path) -> Path:
    """The environment's python; made when it is missing or PACKAGES has changed."""
    folder = work / "peers"
    python, mark = folder / "bin" / "python", folder / "packages.json"
    if not mark.exists() or json.loads(mark.read_text("utf-8")) != PACKAGES:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *PACKAGES], check=True)
        mark.write_text(json.dumps(PACKAGES), "utf-8")
    return python


def versions(python: Path) -> str:
    """What was compared with."""
    code = "import sys, importlib.metadata as m; print(', '.join(f'{p} {m.version(p)}' for p in sys.argv[1:]))"
    return subprocess.run([python, "-c", code, *SHOWN], check=True, capture_output=True, text=True).stdout.strip()


def command(python: Path, peer: str, tables: list[Table], work: Path, output: Path) -> list[str]:
    """Copy the columns that `extract` copies; the peer reads DATABASE_URI."""
    plan = work / "tables.json"
    plan.write_text(json.dumps({t.full_name: [t.schema, t.name, list(t.copied or t.columns)] for t in tables}), "utf-8")
    return [str(python), str(HERE / f"peer_{peer}.py"), str(plan), str(output)]
