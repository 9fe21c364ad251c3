"""The dbt project as dbt people meet it, in the checkout and in the wheel."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loader import sample
from tests.commands import CHECKOUT, OUTPUTS, WINDOW, contents, copy_checkout, dbt_build, process, rows, run, succeeded

VARS = '{site: x, data_dir: /none, output: /none, start_date: "2024-01-01", end_date: "2024-02-01"}'


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    sample.write("edge", folder)
    return folder


def manifest(target: Path, *flags: str) -> dict:
    succeeded(run("dbt", "parse", "--target-path", target, "--no-partial-parse", *flags, cwd=CHECKOUT))
    return json.loads((target / "manifest.json").read_text())


def nodes(found: dict) -> dict[str, tuple]:
    """What a run depends on, of every node, less what says where and when it was parsed."""
    return {
        key: (node["config"], node["depends_on"], node.get("raw_code"), node.get("relation_name"))
        for key, node in found["nodes"].items()
    } | {key: (source["identifier"], source["relation_name"]) for key, source in found["sources"].items()}


def test_nothing_depends_on_vars_while_parsing(tmp_path: Path) -> None:
    """Else a parsed project would belong to one site, and process would leave models out silently."""
    without, with_vars = manifest(tmp_path / "a"), manifest(tmp_path / "b", "--vars", VARS)
    assert nodes(without) == nodes(with_vars)


def test_lineage_site_needs_no_vars(tmp_path: Path) -> None:
    ran = succeeded(run("chameleon-usage", "docs", "--html", tmp_path / "new/lineage.html", cwd=tmp_path))
    assert ran.stdout == f"wrote {tmp_path}/new/lineage.html\n"
    page = (tmp_path / "new/lineage.html").read_text()
    assert "stg_nova__instances" in page
    assert "spans_occupied" in page


WRONG_VARS = [
    ({"site": None}, "missing --vars site"),
    ({"output": None, "end_date": None}, "missing --vars output"),
    ({"site": "../x"}, "site may only hold letters, digits, _ . and -"),
    ({"start_date": "yesterday"}, "start_date is not a date or ISO date-time: yesterday"),
    ({"start_date": "2024-02-30"}, "start_date is not a date or ISO date-time: 2024-02-30"),
    ({"end_date": "infinity"}, "end_date is not a date or ISO date-time: infinity"),
    ({"start_date": "2025-06-01"}, "start_date 2025-06-01 is not before end_date 2025-01-01"),
    ({"data_dir": "/nowhere"}, "no extracted table in data_dir /nowhere"),
    ({"data_dir": "it's; drop table x"}, "no extracted table in data_dir it's; drop table x"),
    ({"start_dat": "2024-01-01"}, "unknown --vars start_dat; did you mean start_date?"),
    ({"zzz": "1"}, "unknown --vars zzz; known are site, data_dir, output, "),
    ({"site": "here\n"}, "site may only hold letters, digits, _ . and -: here"),
    ({"site": "../here"}, "site may only hold letters, digits, _ . and -: ../here"),
    ({"start_date": "2024-01-01\n"}, "start_date is not a date or ISO date-time: 2024-01-01"),
    ({"end_date": "2025-01-01' or true --"}, "end_date is not a date or ISO date-time: 2025-01-01' or true --"),
    ({"resample": "1d\n"}, "resample is not a length like"),
    ({"resample": "1d' --"}, "resample is not a length like"),
    ({"default_cpu_allocation_ratio": True}, "default_cpu_allocation_ratio is not a number above 0"),
    ({"default_cpu_allocation_ratio": float("inf")}, "default_cpu_allocation_ratio is not a number above 0"),
    ({"resample": "daily"}, "resample is not a length like 15m, 1h, 1d, 7d, 1w, 1mo, 1y: daily"),
    ({"has_blazar": "maybe"}, "has_blazar is not true or false: maybe"),
    ({"default_cpu_allocation_ratio": "many"}, "default_cpu_allocation_ratio is not a number above 0"),
]
EACH_IN_ONE_PROCESS = """
import json, sys
from pathlib import Path
from tests.compiled import Project
work, wrong = Path(sys.argv[1]), json.loads(sys.argv[2])
project = Project(work)
for given in wrong:
    try:
        project.invoke("build", "--no-populate-cache", **given)
        print(json.dumps("it ran"))
    except AssertionError as e:
        print(json.dumps(str(e)))
"""


def test_a_wrong_var_stops_the_run(data_dir: Path, tmp_path: Path) -> None:
    """Parsed once: by hand, each run with other vars parses anew, which takes seconds."""
    right = {"site": "here", "data_dir": str(data_dir), "output": str(tmp_path / "out")}
    right |= {"start_date": WINDOW[0], "end_date": WINDOW[1]}
    given = json.dumps([right | wrong for wrong, _ in WRONG_VARS])
    ran = succeeded(run("python", "-c", EACH_IN_ONE_PROCESS, tmp_path / "work", given, cwd=CHECKOUT))
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(said) == len(WRONG_VARS)
    assert [message for message, (_, says) in zip(said, WRONG_VARS, strict=True) if says not in message] == []
    assert not (tmp_path / "out").exists(), "nothing may be built"


def test_by_hand_a_wrong_var_is_said_in_the_end(data_dir: Path, tmp_path: Path) -> None:
    ran = dbt_build(data_dir, tmp_path, variables={"start_dat": "2024-01-01"})
    assert ran.returncode in (1, 2)
    assert "unknown --vars start_dat; did you mean start_date?" in ran.stdout
    assert "START sql" not in ran.stdout, "nothing may be built"
    assert not list(tmp_path.iterdir())


def test_a_missing_column_reads_as_null_and_a_required_one_stops(data_dir: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(data_dir, raw)
    file = raw / "blazar.devices.parquet"
    table = pq.read_table(file)
    pq.write_table(table.drop_columns(["deleted_at"]), file)
    process(raw, tmp_path / "out")
    pq.write_table(table.drop_columns(["id", "created_at"]), file)
    ran = dbt_build(raw, tmp_path / "out2")
    assert ran.returncode in (1, 2)
    assert f"blazar.devices.parquet in {raw} lacks the required column(s) id, created_at" in ran.stdout


@dataclass(frozen=True)
class Kept:
    """dbt by hand with a database that stays, as in a checkout."""

    data_dir: Path
    folder: Path

    @property
    def output(self) -> Path:
        return self.folder / "out"

    def dbt(self, command: str, *flags: str, database: str = "kept", **changed: str) -> subprocess.CompletedProcess:
        variables = {"site": "here", "data_dir": str(self.data_dir), "output": str(self.output)}
        variables |= {"start_date": "2024-01-01", "end_date": "2024-07-01"} | changed
        target = ("--target-path", self.folder / "target", "--log-path", self.folder / "logs")
        env = {"CHAMELEON_USAGE_DATABASE": str(self.folder / f"{database}.duckdb")}
        words = ("dbt", "--no-use-colors", command, "--vars", json.dumps(variables), *target, *flags)
        return run(*words, cwd=CHECKOUT, env=env)


@pytest.fixture(scope="module")
def kept(data_dir: Path, tmp_path_factory) -> Kept:
    """Built once."""
    made = Kept(data_dir, tmp_path_factory.mktemp("kept"))
    succeeded(made.dbt("build"))
    return made


def test_dbt_test_works_on_what_a_build_left(kept: Kept) -> None:
    before = contents(kept.output)
    assert len(before) == len(OUTPUTS)
    tested = succeeded(kept.dbt("test"))
    assert re.search(r"PASS=[1-9]\d WARN=0 ERROR=0 SKIP=0", tested.stdout)
    assert contents(kept.output) == before


def test_dbt_test_says_what_a_database_was_built_of(kept: Kept) -> None:
    ran = kept.dbt("test", end_date="2024-08-01")
    assert ran.returncode in (1, 2)
    assert "was built of site: here, " in ran.stdout
    assert "run dbt build with these --vars first" in ran.stdout
    ran = kept.dbt("test", database="new")
    assert f"dbt test: {kept.folder / 'new.duckdb'} was built of nothing; run dbt build" in ran.stdout


def test_dbt_test_finds_what_is_wrong_in_the_published_files(kept: Kept) -> None:
    """The rows of usage.parquet in another order."""
    file = kept.output / "here/usage.parquet"
    published, table = file.read_bytes(), pq.read_table(file)
    pq.write_table(table.take(list(reversed(range(table.num_rows)))), file)
    ran = kept.dbt("test", "--select", "usage")
    file.write_bytes(published)
    assert ran.returncode == 1
    assert "sorted_file_usage" in ran.stdout


def test_what_was_built_of_other_vars_is_not_built_on(kept: Kept) -> None:
    shutil.copy(kept.folder / "kept.duckdb", kept.folder / "copy.duckdb")
    # unit tests look for the same relations, in words of dbt's own, and the models would not be tried
    models = ("build", "--select", "tag:usage", "--exclude-resource-type", "unit_test")
    ran = kept.dbt(*models, database="copy", start_date="2024-02-01")
    assert ran.returncode == 1
    assert "does not exist" in ran.stdout


def test_a_layer_alone_is_built_on_the_one_below_and_publishes_nothing(data_dir: Path, tmp_path: Path) -> None:
    kept = Kept(data_dir, tmp_path)
    ran = kept.dbt("build", "--select", "tag:spans")
    assert ran.returncode == 1, "nothing is below it yet"
    assert "stg_" in ran.stdout
    succeeded(kept.dbt("build", "--select", "tag:staging"))
    succeeded(kept.dbt("build", "--select", "tag:spans metric_operands"))
    ran = succeeded(kept.dbt("build", "--select", "tag:usage"))
    assert "nothing published; not in this run" in ran.stdout
    assert not kept.output.exists()
    succeeded(kept.dbt("test"))
    succeeded(kept.dbt("run"))
    assert not kept.output.exists(), "nothing was tested"


def test_variables_stand_for_vars_that_are_not_given(data_dir: Path, tmp_path: Path) -> None:
    """A var wins over the variable; numbers and booleans are read as such."""
    names = ("site", "data_dir", "output", "start_date", "end_date", "default_cpu_allocation_ratio", "has_blazar")
    values = ("there", str(data_dir), str(tmp_path / "o"), "2024-01-01", "2024-07-01", "2.5", "false")
    names, values = (*names, "resample"), (*values, "1d")
    env = {f"CHAMELEON_USAGE_{name.upper()}": value for name, value in zip(names, values, strict=True)}
    flags = ("--target-path", tmp_path / "target")
    flags += ("--vars", '{site: "here", has_blazar: true}')
    succeeded(run("dbt", "build", *flags, cwd=CHECKOUT, env=env))
    resampled = ["usage_resampled.parquet", "usage_by_project_resampled.parquet"]
    assert sorted(contents(tmp_path / "o")) == sorted(f"here/{name}" for name in (*OUTPUTS, *resampled))
    committed = [r for r in rows(tmp_path / "o/here/usage.parquet") if r["metric"] == "committed"]
    assert max(r["value"] for r in committed) > 0, "Blazar was read"


def test_debug_and_ls_need_no_vars(tmp_path: Path) -> None:
    fresh = copy_checkout(tmp_path / "fresh")
    file = {"CHAMELEON_USAGE_DATABASE": "chameleon_usage.duckdb", "PYTHONPATH": str(fresh)}
    assert "All checks passed!" in succeeded(run("dbt", "debug", cwd=fresh, env=file)).stdout
    listed = succeeded(run("dbt", "-q", "ls", "--resource-type", "exposure", cwd=fresh)).stdout.split()
    names = {name.removeprefix("exposure:chameleon_usage.") for name in listed}
    assert names == {"usage", "usage_by_project", "usage_wide", "spans", "quality", "resampled", "report"}


def test_every_output_has_an_exposure(tmp_path: Path) -> None:
    found = manifest(tmp_path / "target")
    published = {k for k, n in found["nodes"].items() if n["config"].get("materialized") == "published"}
    exposed = {parent for e in found["exposures"].values() for parent in e["depends_on"]["nodes"]}
    assert exposed == published
