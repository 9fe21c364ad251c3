"""Plots and their data as files: by the command and by the examples."""

import csv
import json
import re
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loader import sample
from loader.outputs import opened
from loader.report import figures
from loader.report.plots import device_rows
from tests.commands import CHECKOUT, WINDOW, contents, rows, run, succeeded, usage

TABLES = [f"usage_{shape}.{kind}" for shape in ("long", "wide") for kind in ("csv", "json", "parquet")]
MONTHS = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sites, month by month."""
    made = tmp_path_factory.mktemp("plots")
    sample.write("baremetal", made / "data/metal")
    sample.write("edge", made / "data/edge")
    sites = "".join(f"{key}: {{site_name: The {key}, data_dir: {made}/data/{key}}}\n" for key in ("metal", "edge"))
    (made / "site.yml").write_text(sites)
    flags = ["--output", made / "out", "--start-date", WINDOW[0], "--end-date", WINDOW[1], "--resample", "1mo"]
    succeeded(usage("--config", made / "site.yml", "process", *flags))
    return made


@pytest.fixture(scope="module")
def plots(folder: Path) -> Path:
    events = "- {date: 2024-03-01, text: new <racks>}\n- {date: 2024-07-01T12:00, text: power cut, site: edge}\n"
    (folder / "events.yml").write_text(events)
    flags = ["--output", folder / "out", "--to", folder / "plots", "--events", folder / "events.yml"]
    ran = succeeded(usage("--config", folder / "site.yml", "plot", *flags, "--operations", "openstack"))
    wrote = sorted(re.findall(r"(?m)^wrote (.+)$", ran.stdout))
    assert wrote == sorted(str(folder / "plots" / name) for name in contents(folder / "plots"))
    return folder / "plots"


def texts(svg: Path) -> set[str]:
    return set(re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", svg.read_text()))


def test_each_plot_is_there_as_png_and_svg(plots: Path) -> None:
    resources = ("nodes", "vcpus", "vcpus_overcommit", "memory_mb", "disk_gb")
    names = {f"metal/stack_{r}" for r in resources} | {"metal/collectors", "metal/devices"}
    names |= {"edge/stack_nodes", "edge/devices", "comparison"}
    images = {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    data = {f"{site}/{table}" for site in ("metal", "edge") for table in TABLES}
    found = contents(plots)
    assert set(found) == images | data
    assert {content[:8] for name, content in found.items() if name.endswith(".png")} == {b"\x89PNG\r\n\x1a\n"}


def test_a_stack_has_its_areas_lines_and_utilisation(plots: Path) -> None:
    said = texts(plots / "metal/stack_nodes.svg")
    assert {"The metal: nodes", "nodes", "utilisation", "total", "reservable", "in use"} <= said
    areas = ("occupied in reservations", "occupied on demand", "idle in reservations", "available")
    assert set(areas) <= said
    drawn = re.findall(r'aria-roledescription="area mark"', (plots / "metal/stack_nodes.svg").read_text())
    assert len(drawn) == 4
    assert "occupied on demand" not in texts(plots / "edge/stack_nodes.svg"), "an edge has none"


def test_the_comparison_has_the_sites_and_the_events(plots: Path) -> None:
    said = texts(plots / "comparison.svg")
    assert {"The metal", "The edge", "new &lt;racks&gt;", "The edge: power cut"} <= said


def test_collectors_are_compared_with_their_difference(plots: Path) -> None:
    said = texts(plots / "metal/collectors.svg")
    assert {"legacy", "current", "difference", "total", "reservable", "committed", "idle"} <= said


def test_devices_are_split_into_operations_and_user_projects(folder: Path, plots: Path) -> None:
    assert {"operations", "user projects", "available"} <= texts(plots / "edge/devices.svg")
    by_month: dict[str, dict] = defaultdict(lambda: defaultdict(float))
    for r in rows(folder / "out/edge/usage_by_project_resampled.parquet"):
        if r["metric"] == "committed":
            by_month["operations" if r["project_id"] == "openstack" else "user projects"][r["timestamp"]] += r["mean"]
    for r in long_rows(folder, "edge"):
        if r["metric"] == "available_reservable":
            by_month["available"][r["timestamp"]] += r["mean"]
    with opened(str(folder / "out"), "edge", resampled=True) as published:
        found = device_rows(figures.read(published, "edge", "The edge"), published, ["openstack"])
    assert len(found) == 3 * (MONTHS + 1), "the last month again at the end of the window"
    for row in found[: 3 * MONTHS]:
        start = datetime.fromtimestamp(row["t"] / 1000, timezone.utc).replace(tzinfo=None)
        assert row["value"] == pytest.approx(by_month[row["part"]][start], abs=1e-9)
    assert max(by_month["operations"].values()) > 0, "the sample has leases of operations"


def long_rows(folder: Path, site: str) -> list[dict]:
    return rows(folder / f"out/{site}/usage_resampled.parquet")


@pytest.mark.parametrize("site", ["metal", "edge"])
def test_the_data_are_those_of_the_published_file(site: str, folder: Path, plots: Path) -> None:
    published = long_rows(folder, site)
    assert rows(plots / f"{site}/usage_long.parquet") == published
    with (plots / f"{site}/usage_long.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [(r["metric"], r["resource"], float(r["mean"])) for r in read] == [
        (r["metric"], r["resource"], r["mean"]) for r in published
    ]
    assert [r["hours"] for r in json.loads((plots / f"{site}/usage_long.json").read_text())] == [
        r["hours"] for r in published
    ]


@pytest.mark.parametrize("site", ["metal", "edge"])
def test_the_wide_data_have_a_column_a_metric(site: str, folder: Path, plots: Path) -> None:
    wanted: dict[tuple, dict[str, float]] = defaultdict(dict)
    for r in long_rows(folder, site):
        wanted[r["timestamp"], r["collector_type"], r["resource"]][r["metric"]] = r["mean"]
    wide = rows(plots / f"{site}/usage_wide.parquet")
    assert len(wide) == len(wanted)
    keys = ("timestamp", "site", "collector_type", "resource")
    for r in wide:
        values = {k: v for k, v in r.items() if k not in keys}
        assert len(values) == 9
        tracked = wanted[r["timestamp"], r["collector_type"], r["resource"]]
        assert {k: v for k, v in values.items() if v is not None} == tracked
    columns = pq.read_schema(plots / f"{site}/usage_wide.parquet").names
    with (plots / f"{site}/usage_wide.csv").open() as file:
        assert next(csv.reader(file)) == columns
    assert list(json.loads((plots / f"{site}/usage_wide.json").read_text())[0]) == columns


BAD_EVENTS = {
    "text": ("x", "write a list of {date: 2024-03-01, text: what happened}"),
    "no date": ("- {text: x}", "entry 1: write a list of"),
    "wrong date": ("- {date: 2024-13-01, text: x}", "entry 1: date '2024-13-01' is not a date"),
    "unknown key": ("- {date: 2024-03-01, text: x, what: y}", "entry 1: write a list of"),
    "unknown site": ("- {date: 2024-03-01, text: x, site: y}", "y is none of the sites: edge"),
    "no YAML": ("- {date: [", "line 2: not valid YAML"),
}


@pytest.mark.parametrize("case", BAD_EVENTS)
def test_wrong_events_are_one_line_and_nothing_is_written(case: str, folder: Path, tmp_path: Path) -> None:
    text, says = BAD_EVENTS[case]
    (tmp_path / "events.yml").write_text(text + "\n")
    flags = ["--output", folder / "out", "--site", "edge", "--to", tmp_path / "to", "--events", tmp_path / "events.yml"]
    ran = usage("plot", *flags)
    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"Error: --events {tmp_path}/events.yml: ")
    assert says in line
    assert not (tmp_path / "to").exists()


def test_one_kind_of_image_alone(folder: Path, tmp_path: Path) -> None:
    flags = ["--output", folder / "out", "--site", "edge", "--to", tmp_path, "--format", "svg"]
    succeeded(usage("plot", *flags))
    assert sorted(contents(tmp_path)) == sorted(["edge/stack_nodes.svg", *(f"edge/{table}" for table in TABLES)])


def test_the_examples_of_the_readme_run(folder: Path, tmp_path: Path) -> None:
    example = [CHECKOUT / "examples/report.py", "--output", folder / "out", "--to", tmp_path / "all"]
    ran = succeeded(run("python", *example, "--events", folder / "events.yml", cwd=tmp_path))
    assert "metal: 18 files" in ran.stdout  # five stacks and the collectors twice, six tables
    assert "use of reservations" not in ran.stdout
    assert {"comparison.png", "metal/collectors.svg", "edge/stack_nodes.png"} <= set(contents(tmp_path / "all"))
    example = [CHECKOUT / "examples/report_edge.py", "--output", folder / "out", "--to", tmp_path / "edge"]
    succeeded(run("python", *example, "--site", "edge", "--operations", "openstack", cwd=tmp_path))
    assert {"edge/devices.png", "edge/devices.svg", "edge/usage_wide.csv"} <= set(contents(tmp_path / "edge"))


def test_the_notebook_runs(folder: Path, tmp_path: Path) -> None:
    """With its options after `--`, as marimo's own command has them."""
    ran = run("python", CHECKOUT / "examples/notebook.py", "--", "--output", folder / "out", cwd=tmp_path)
    assert re.fullmatch(r"edge: in_use \d+\.\d%, .*\n", succeeded(ran).stdout)


def test_operations_that_no_site_knows_are_an_error(folder: Path, tmp_path: Path) -> None:
    flags = [
        "--output",
        folder / "out",
        "--to",
        tmp_path / "plots",
        "--operations",
        "openstack",
        "--operations",
        "opss",
    ]
    ran = usage("--config", folder / "site.yml", "plot", *flags)
    says = "Error: --operations opss: no such project (id or name) reserved or used anything here\n"
    assert (ran.returncode, ran.stderr) == (2, says)
    assert not (tmp_path / "plots").exists()
