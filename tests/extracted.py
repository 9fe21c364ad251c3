"""Files as an extraction leaves them: each says which run wrote it, and a manifest says what became of all."""

import json
from pathlib import Path

import pyarrow.parquet as pq

RUN = "1" * 32


def mark(file: Path, run: str) -> None:
    """Let a file say which extraction wrote it."""
    table = pq.read_table(file)
    pq.write_table(table.replace_schema_metadata({"chameleon_usage.run_id": run}), file)


def tell(folder: Path, snapshots: int = 1, run: str = RUN, snapshot_at: str | None = None, **failed: str) -> None:
    """Write the manifest of an extraction; `schema__table="failed"` says what became of one."""
    entries = {f.stem: {"status": "copied", "run_id": run} for f in folder.glob("*.parquet")}
    entries |= {
        name.replace("__", "."): {"status": status, "code": 0, "reason": "broken"} for name, status in failed.items()
    }
    told = {"format": 2, "run_id": run, "snapshots": snapshots, "snapshot_at": snapshot_at, "tables": entries}
    (folder / "_manifest.json").write_text(json.dumps(told))


def extracted_again(folder: Path, run: str, snapshot_at: str | None) -> None:
    """All files and the manifest as of that run."""
    for file in folder.glob("*.parquet"):
        mark(file, run)
    tell(folder, run=run, snapshot_at=snapshot_at)
