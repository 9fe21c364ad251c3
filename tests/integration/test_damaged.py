"""Extracted files that are damaged: one call over all of them, a site each."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loader import sample
from tests.commands import WINDOW, contents, usage

TABLE, OTHER = "nova.instances.parquet", "blazar.leases.parquet"


def replace(file: Path, column: str, values: list) -> None:
    table = pq.read_table(file)
    index = table.column_names.index(column)
    pq.write_table(table.set_column(index, column, pa.array(values * len(table))), file)


def drop(file: Path, *columns: str) -> None:
    pq.write_table(pq.read_table(file).drop_columns(list(columns)), file)


def damage(folder: Path, kind: str) -> None:
    """Do to a folder of good files what `kind` says."""
    file, other = folder / TABLE, folder / OTHER
    if kind == "folder":
        file.unlink()
        file.mkdir()
    elif kind == "text":
        file.write_text("uuid,node\n" * 1000)
    elif kind == "truncated":
        file.write_bytes(file.read_bytes()[:-300])
    elif kind == "overwritten":
        content = file.read_bytes()
        file.write_bytes(content[:500] + bytes(2000) + content[2500:])
    elif kind == "zero_bytes":
        file.write_bytes(b"")
    elif kind == "no_rows_no_columns":
        pq.write_table(pa.table({"other": pa.array([], pa.int64())}), file)
    elif kind == "column_missing":
        drop(file, "uuid")
    elif kind == "columns_missing":
        drop(file, "uuid", "created_at")
        drop(other, "start_date")
    elif kind == "no_date":
        replace(file, "created_at", ["yesterday"])
    elif kind == "no_number":
        replace(file, "vcpus", ["many"])
    elif kind == "list":
        replace(file, "vcpus", [[1, 2]])
    elif kind == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    elif kind == "foreign":
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "notes.txt").write_text("nothing of ours")
        (folder / "other.table.parquet").write_bytes(b"nor this")
    elif kind == "a_file":
        shutil.rmtree(folder)
        folder.write_text("not a folder")
    elif kind == "gone":
        shutil.rmtree(folder)


NOTHING = "no extracted table in data_dir {folder} (<schema>.<table>.parquet); run extract first"
DAMAGED = {
    "folder": (TABLE,),
    "text": (f"{{folder}}/{TABLE}", "truncated or not parquet; extract the table again"),
    "truncated": (f"{{folder}}/{TABLE}", "truncated or not parquet; extract the table again"),
    "overwritten": (TABLE.removesuffix(".parquet"), "truncated or not parquet; extract the table again"),
    "zero_bytes": (f"{{folder}}/{TABLE}", "truncated or not parquet; extract the table again"),
    "no_rows_no_columns": (TABLE, "uuid, created_at", "extract the table again"),
    "column_missing": (f"{TABLE} in {{folder}} lacks the required column(s) uuid; extract the table again",),
    "columns_missing": (
        f"{TABLE} in {{folder}} lacks the required column(s) uuid, created_at; extract",
        f"{OTHER} in {{folder}} lacks the required column(s) start_date; extract the table again",
    ),
    "no_date": (TABLE.removesuffix(".parquet"), "created_at"),
    "no_number": (TABLE.removesuffix(".parquet"), "vcpus"),
    "list": (TABLE.removesuffix(".parquet"), "vcpus"),
    "empty": (NOTHING,),
    "foreign": (NOTHING,),
    "a_file": ("{folder}",),
    "gone": (NOTHING,),
}


@dataclass(frozen=True)
class Damaged:
    """The one call, and every site's earlier output before and after it."""

    result: subprocess.CompletedProcess[str]
    data: Path
    before: dict[str, bytes]
    after: dict[str, bytes]

    def lines(self, kind: str) -> list[str]:
        return [line for line in self.result.stderr.splitlines() if line.startswith(f"Error: {kind}: ")]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    folder = tmp_path_factory.mktemp("damaged")
    data, out = folder / "data", folder / "out"
    sample.write("kvm", data / "fine")
    for kind in DAMAGED:
        shutil.copytree(data / "fine", data / kind)
        damage(data / kind, kind)
        (out / kind).mkdir(parents=True)
        for name in ("usage", "spans"):
            (out / kind / f"{name}.parquet").write_bytes(b"of an earlier run")
    sites = folder / "site.yml"
    sites.write_text("".join(f"{kind}: {{data_dir: {data}/{kind}}}\n" for kind in (*DAMAGED, "fine")))
    before = contents(out)
    flags = ["--output", out, "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    result = usage("--config", sites, "process", *flags)
    return Damaged(result, data, before, contents(out))


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_input_is_named_in_one_line_and_publishes_nothing(kind: str, damaged: Damaged) -> None:
    [line] = damaged.lines(kind) or [f"no line about {kind}:\n{damaged.result.stderr}"]
    assert [says for says in DAMAGED[kind] if says.format(folder=damaged.data / kind) not in line] == [], line
    assert {n for n in damaged.before if n.startswith(f"{kind}/")} == {
        n for n in damaged.after if n.startswith(f"{kind}/")
    }
    assert all(damaged.after[n] == c for n, c in damaged.before.items() if n.startswith(f"{kind}/"))


def test_damaged_sites_do_not_stop_the_others(damaged: Damaged) -> None:
    assert damaged.result.returncode == 1
    assert "Traceback" not in damaged.result.stderr
    assert {"fine/usage.parquet", "fine/spans.parquet"} <= damaged.after.keys()
    *each, last = damaged.result.stderr.splitlines()
    assert all(line.startswith("Error: ") for line in each)
    assert last.startswith(
        f"Error: {len(DAMAGED)} of {len(DAMAGED) + 1} sites not processed, their files are as before"
    )
    assert set(last.partition("as before: ")[2].split(", ")) == set(DAMAGED)
