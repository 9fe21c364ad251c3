"""The dbt project as dbt people meet it, in the checkout and in the wheel."""

import json
import shutil
from pathlib import Path

import pytest

from loader import sample
from tests.commands import CHECKOUT, WINDOW, dbt_build, run, succeeded

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
    succeeded(run("dbt", "docs", "generate", "--static", "--target-path", tmp_path, cwd=CHECKOUT))
    page = (tmp_path / "static_index.html").read_text()
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
    ran = dbt_build(data_dir, tmp_path, variables={"start_date": "yesterday"})
    assert ran.returncode in (1, 2)
    assert "start_date is not a date or ISO date-time: yesterday" in ran.stdout
    assert "START sql" not in ran.stdout, "nothing may be built"
    assert not list(tmp_path.iterdir())


def test_a_missing_column_reads_as_null_and_a_required_one_stops(data_dir: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    raw = tmp_path / "raw"
    shutil.copytree(data_dir, raw)
    file = raw / "blazar.devices.parquet"
    table = pq.read_table(file)
    pq.write_table(table.drop_columns(["deleted_at"]), file)
    succeeded(dbt_build(raw, tmp_path / "out"))
    pq.write_table(table.drop_columns(["id", "created_at"]), file)
    ran = dbt_build(raw, tmp_path / "out2")
    assert ran.returncode in (1, 2)
    assert f"blazar.devices.parquet in {raw} lacks the required column(s) id, created_at" in ran.stdout
