"""`explain`: every number down to its source rows, as people and machines read it."""

import csv
import io
import json
import random
import re
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loader import sample
from loader.errors import UsageError
from loader.explain import explain, stack
from loader.outputs import FILES, opened
from tests.commands import OUTPUTS, process, rows, succeeded, usage
from tests.small_site import bare_instance, blazar_host, flavor_lease, host, instance, lease, write

MARCH = ("2024-03-01", "2024-04-01")


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> Path:
    """The outputs of the three made-up sites."""
    work = tmp_path_factory.mktemp("samples")
    sample.write_sites(work / "data")
    window = ("--start-date", "2024-01-01", "--end-date", "2025-01-01")
    succeeded(usage("--config", work / "data/site.yml", "process", "--output", work / "out", *window))
    return work / "out"


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A site of one host whose vcpus are sold twice: 8, and 16 with over-commitment.

    On 10 March at noon: instance `in lease` (2 vcpus, a quarter of the host) of the lease `r` of the whole host, which
    goes from 5 to 20 March; `free` (4 vcpus, half of it) on demand. `lost` is of the lease, too, but after it.
    """
    work = tmp_path_factory.mktemp("small")
    write(
        work / "data",
        *(host("a"), blazar_host("a"), lease("r", 5, 20, "a")),
        *(instance("in lease", 6, None, "r"), instance("free", 2, 30, vcpus=4, project_id="q")),
        instance("lost", 22, 24, "r"),
    )
    process(work / "data", work / "out", window=MARCH)
    return work / "out"


def explained(output: Path, *flags: str, site: str = "here") -> str:
    return succeeded(usage("explain", "--output", output, "--site", site, *flags)).stdout


@pytest.mark.parametrize("kind", sample.KINDS)
def test_every_value_is_the_sum_of_the_spans_that_it_shows(kind: str, samples: Path) -> None:
    """At instants of change, and between them, every metric and resource; read again by plain loops."""
    site = f"sample_{kind}"
    timeline = [r for r in rows(samples / site / "usage.parquet") if r["collector_type"] == "current"]
    spans = [s for s in rows(samples / site / "spans.parquet") if s["is_valid"]]
    instants = random.Random(kind).sample(sorted({r["timestamp"] for r in timeline}), 6)  # noqa: S311
    seen = 0
    with opened(str(samples), site) as published:
        for at in instants:
            series: dict[tuple, float] = {}
            for row in timeline:  # in the order of time
                if row["timestamp"] <= at:
                    series[row["metric"], row["resource"]] = row["value"]
            for (metric, resource), value in series.items():
                found = explain(published, at, metric, resource)
                assert found.value == value
                held = [s for s in spans if s["start_at"] <= at and (s["end_at"] is None or at < s["end_at"])]
                keys = [
                    (s["metric"], s["source_table"], s["source_id"], s["piece"])
                    for s in held
                    if s[resource] is not None and s["metric"] in {f["metric"] for f in found.spans}
                ]
                shown = [(s["metric"], s["source_table"], s["source_id"], s["piece"]) for s in found.spans]
                assert sorted(shown) == sorted(keys)
                assert found.total == pytest.approx(value, abs=1e-6)
                seen += len(shown)
    assert seen > 100


def test_values_of_a_project_add_up_to_those_of_the_site(samples: Path) -> None:
    with opened(str(samples), "sample_kvm") as published:
        at = datetime(2024, 6, 1)
        ids = {r["project_id"] for r in rows(samples / "sample_kvm/usage_by_project.parquet")}
        whole = explain(published, at, "committed", "vcpus")
        parts = {}
        for project in ids:
            values = stack(published, at, "null" if project is None else project)
            if any(v["metric"] == "committed" for v in values):
                parts[project] = explain(published, at, "committed", "vcpus", project or "null").value
        assert whole.value > 0
        assert sum(parts.values()) == pytest.approx(whole.value)


def test_the_tree(small: Path) -> None:
    """total 8 vcpus, 16 over-committed; committed the whole host; the instances 2 and 4 vcpus, 1/4 and 1/2 of it."""
    lines = explained(small, "--at", "2024-03-10T12:00").splitlines()
    assert lines[0] == "here at 2024-03-10 12:00:00 (UTC)"
    cells = {line.strip("│├└─ ").split()[0]: line.split()[-5:] for line in lines[3:]}
    assert cells == {
        "total": ["1", "8", "16", "64", "100"],
        "reservable": ["1", "8", "16", "64", "100"],
        "committed": ["1", "8", "16", "64", "100"],
        "occupied_reservation": ["0.25", "2", "2", "16", "10"],
        "idle": ["0.75", "6", "14", "48", "90"],
        "available_reservable": ["0", "0", "0", "0", "0"],
        "ondemand_capacity": ["0", "0", "0", "0", "0"],
        "occupied_ondemand": ["0.5", "4", "4", "16", "10"],
        "available_ondemand": ["-0.5", "-4", "-4", "-16", "-10"],
    }
    assert max(map(len, lines)) <= 80


def test_the_rows_behind_a_value(small: Path) -> None:
    """idle = the commitment's 8 vcpus less the 2 of the instance in it."""
    text = explained(small, "--at", "2024-03-10T12:00", "--metric", "idle", "--resource", "vcpus")
    assert "idle = committed − occupied_reservation" in text
    assert "idle in vcpus: 6.0000, of 2 spans" in text
    assert "8.0000 blazar.computehost_allocations/allocation " in text
    assert "-2.0000 nova.instances/in lease" in text
    assert "2024-03-06 00:00:00 to 2024-03-20 00:00:00; clipped, claimed 2024-03-06" in " ".join(text.split())
    assert "reservation r, reservation by the scheduler hint, on a" in " ".join(text.split())
    assert "6.0000 sum, as in usage.parquet" in text


def test_a_narrow_terminal_gets_several_tables_and_whole_numbers(small: Path) -> None:
    flags = ("explain", "--output", small, "--at", "2024-03-10T12:00")
    wide, narrow = (succeeded(usage(*flags, env={"COLUMNS": columns})).stdout for columns in ("200", "50"))
    numbers = [sorted(re.findall(r"-?\d[\d,.]*", text.split("\n", 1)[1])) for text in (wide, narrow)]
    assert numbers[0] == numbers[1]
    assert narrow.count("ondemand_capacity") > wide.count("ondemand_capacity") == 1
    assert "…" not in narrow


def test_a_resource_that_is_nowhere_tracked_is_said(samples: Path) -> None:
    ran = usage("explain", "--output", samples, "--site", "sample_edge", "--at", "2024-06-01", "--resource", "vcpus")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "Error: vcpus is not tracked at sample_edge; it has nodes\n"


def test_the_rows_that_are_not_shown_are_summed_up(small: Path) -> None:
    text = explained(small, "--at", "2024-03-10", "--metric", "idle", "--resource", "vcpus", "--limit", "1")
    assert "-2.0000 1 more span (--limit 2 shows all)" in text
    assert "nova.instances" not in text


def test_as_json_and_csv(small: Path) -> None:
    flags = ("--at", "2024-03-10T13:00+01:00", "--metric", "occupied_ondemand", "--resource", "vcpus", "--project", "q")
    found = json.loads(explained(small, *flags, "--format", "json"))
    assert (found["site"], found["at"], found["value"], found["sum"]) == ("here", "2024-03-10T12:00:00", 4, 4)
    [span] = found["spans"]
    facts = (span["source_table"], span["source_id"], span["start_at"], span["original_end_at"], span["project_id"])
    assert facts == ("nova.instances", "free", "2024-03-02T00:00:00", "2024-03-30T00:00:00", "q")
    [line] = csv.DictReader(io.StringIO(explained(small, *flags, "--format", "csv")))
    assert line["value"] == "4.0"
    assert line["original_end_at"] == "2024-03-30T00:00:00"
    tree = list(csv.DictReader(io.StringIO(explained(small, "--at", "2024-03-10", "--format", "csv"))))
    assert {"collector_type": "current", "metric": "idle", "resource": "vcpus", "value": "6.0"} in tree


def test_the_story_of_a_row_that_does_not_count(small: Path) -> None:
    """Its lease ended on 20 March, says the level above; the host was there all the time, says the uppermost."""
    text = " ".join(explained(small, "--span", "nova.instances/lost").split())
    assert "nova.instances/lost, piece 0: does not count: nothing in the level above overlaps it" in text
    assert "orphan; claimed 2024-03-22 00:00:00 to 2024-03-24 00:00:00" in text
    _, committed, reservable, total = text.split("above it, ")
    assert committed.startswith("committed of the same machine or reservation: 1")
    assert "2024-03-05 00:00:00 to 2024-03-20 00:00:00" in committed
    assert "blazar.computehosts/blazar a, piece 0: counts in full" in reservable
    assert "nova.compute_nodes/" in total
    assert "to still so" in total


def test_the_story_of_a_lease_is_that_of_its_rows(small: Path) -> None:
    found = json.loads(explained(small, "--span", "blazar.leases/lease of r", "--format", "json"))
    told = {(level["metric"], span["source_id"]) for level in found["levels"] for span in level["spans"]}
    assert {name for metric, name in told if metric == "occupied_reservation"} == {"in lease", "lost"}
    assert len([metric for metric, _ in told if metric == "committed"]) == 1
    lines = list(csv.DictReader(io.StringIO(explained(small, "--span", "nova.instances/lost", "--format", "csv"))))
    assert [line["level"] for line in lines] == ["occupied_reservation", "committed", "reservable", "total"]
    assert [line["action"] for line in lines] == ["orphan", "none", "none", "none"]


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        ([], 2, "explain needs --at T (a value) or --span TABLE/KEY (a source row), one of the two"),
        (["--at", "2024-03-10", "--span", "a/b"], 2, "one of the two"),
        (["--span", "a/b", "--metric", "idle"], 2, "--metric, --resource and --project go with --at"),
        (["--at", "noon"], 2, "--at 'noon' is not a date; write 2024-01-31 or 2024-01-31T06:00:00 (UTC)"),
        (["--at", "2024-04-01"], 2, "is not in the window of"),
        (["--at", "2024-03-10", "--metric", "ocupied"], 2, "--metric 'ocupied' is none; choose one of total, "),
        (["--at", "2024-03-10", "--metric", "idle", "--resource", "gpus"], 2, "--resource 'gpus' is none; choose one"),
        (["--at", "2024-03-10", "--project", "nobody"], 2, "--project 'nobody': no project with that id or name in"),
        (["--at", "2024-03-10", "--metric", "idle", "--project", "q"], 1, "idle is not counted by project; by project"),
        (["--at", "2024-03-10", "--metric", "committed", "--project", "q"], 1, "project q has no committed in nodes"),
        (["--span", "nova.instances/none"], 2, "spans.parquet has no such row (was it extracted?)"),
        (["--span", "nova.instances"], 2, "write TABLE/KEY; tables with spans here are blazar.computehost_allocations"),
        (["--span", "nova.flavors/1"], 2, "write TABLE/KEY; tables with spans here are"),
        (
            ["--at", "2024-03-10", "--output", "s3:/x"],
            1,
            "usage.parquet is not there: process here into --output s3:/x",
        ),
        (["--at", "2024-03-10", "--format", "xml"], 2, "'xml' is not one of 'text', 'json', 'csv'"),
    ],
)
def test_mistakes(flags: list[str], code: int, says: str, small: Path) -> None:
    ran = usage("explain", "--output", small, "--site", "here", *flags)
    assert ran.returncode == code, ran.stderr
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_several_sites_are_to_be_chosen_from(samples: Path) -> None:
    ran = usage("explain", "--output", samples, "--at", "2024-06-01")
    assert ran.returncode == 2
    assert "choose with --site: sample_baremetal, sample_edge, sample_kvm" in ran.stderr


def test_an_untracked_metric_says_why(samples: Path) -> None:
    ran = usage("explain", "--output", samples, "--site", "sample_edge", "--at", "2024-06-01", "--metric", "idle")
    assert "idle in nodes" in ran.stdout
    ran = usage(
        *("explain", "--output", samples, "--site", "sample_edge", "--at", "2024-06-01"),
        *("--metric", "total", "--resource", "vcpus"),
    )
    assert ran.returncode == 1
    assert "total is not tracked in vcpus, only in nodes: no span of it knows its vcpus" in ran.stderr


def test_files_of_two_runs_are_refused(small: Path, tmp_path: Path) -> None:
    for name in FILES:
        source = small / "here" / f"{name}.parquet"
        target = tmp_path / "here" / f"{name}.parquet"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(source.read_bytes())
    write(tmp_path / "data", host("a"))
    process(tmp_path / "data", tmp_path / "other", window=MARCH)
    (tmp_path / "here/spans.parquet").write_bytes((tmp_path / "other/here/spans.parquet").read_bytes())
    ran = usage("explain", "--output", tmp_path, "--site", "here", "--at", "2024-03-10")
    assert ran.returncode == 1
    assert "the files are of different runs (run_id in their metadata): process again" in ran.stderr


def test_a_name_stands_for_its_project_unless_two_have_it(tmp_path: Path) -> None:
    names = {"keystone.project": [{"id": i, "name": n} for i, n in (("p", "alpha"), ("q", "beta"), ("s", "beta"))]}
    write(
        tmp_path / "data",
        *(host("a"), bare_instance("x", 2), bare_instance("y", 2, project_id="q"), names),
        bare_instance("z", 2, project_id="s"),
    )
    process(tmp_path / "data", tmp_path / "out", window=MARCH)
    with opened(str(tmp_path / "out"), "here") as published:
        at = datetime(2024, 3, 10)
        [span] = explain(published, at, "occupied_ondemand", "vcpus", "alpha").spans
        assert span["source_id"] == "x"
        with pytest.raises(UsageError, match=r"several have that name; give an id: "):
            explain(published, at, "occupied_ondemand", "vcpus", "beta")


def test_a_flavor_reservation_has_its_share(tmp_path: Path) -> None:
    """2 of 8 vcpus: a quarter of the host."""
    write(tmp_path / "data", host("a"), blazar_host("a"), flavor_lease("r", 5, 20, "a", 2))
    process(tmp_path / "data", tmp_path / "out", window=MARCH)
    text = explained(tmp_path / "out", "--at", "2024-03-10", "--metric", "committed")
    assert "committed in nodes: 0.2500, of 1 span\n" in text


def test_files_of_another_program_are_told(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    for name in OUTPUTS:
        pq.write_table(pa.table({"a": [1]}), tmp_path / "here" / name)
    ran = usage("explain", "--site", "here", "--output", tmp_path, "--at", "2024-06-01")
    says = f"Error: {tmp_path}/here/usage.parquet has no run_id in its metadata: process again\n"
    assert (ran.returncode, ran.stderr) == (1, says)
