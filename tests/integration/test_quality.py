"""quality.parquet, and its short form on the terminal, against a plain count over spans.parquet and usage.parquet."""

import json
import re
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loader import catalogue, sample
from tests.commands import WINDOW, Row, process, rows, succeeded, usage

START, END = map(datetime.fromisoformat, WINDOW)
VALID = ("none", "clipped", "superseded")


@pytest.fixture(scope="module", params=sample.KINDS)
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The outputs of a sample site, and what was printed."""
    folder = tmp_path_factory.mktemp(request.param)
    sample.write(request.param, folder / "data")
    return folder / "out" / "here", process(folder / "data", folder / "out").stdout


def inside(start: datetime | None, end: datetime | None) -> float:
    """Hours of a span in the window."""
    if start is None:
        return 0.0
    return max((min(end or END, END) - max(start, START)).total_seconds(), 0) / 3600


def findings(out: Path, check: str) -> list[Row]:
    return [row for row in rows(out / "quality.parquet") if row["check"] == check]


def by(found: list[Row], *keys: str) -> dict[tuple, tuple]:
    """Rows and hours by these columns."""
    return {tuple(f[k] for k in keys): (f["rows"], pytest.approx(f["hours"], abs=1e-6)) for f in found}


def test_rows_and_hours_by_action(done: tuple[Path, str]) -> None:
    out, _ = done
    ids, claims, kept = defaultdict(set), defaultdict(dict), defaultdict(float)
    for span in rows(out / "spans.parquet"):
        name = (span["source_table"], span["source_id"])
        claim = (*name, span["original_start_at"], span["original_end_at"])
        for action in (span["action"], None):
            ids[span["metric"], action].add(name)
            claims[span["metric"], action][(*claim, span["action"])] = inside(*claim[2:])
        if span["is_valid"]:
            kept[span["metric"], span["action"]] += inside(span["start_at"], span["end_at"])
    counted = {key: (len(ids[key]), sum(claims[key].values())) for key in ids}
    assert by(findings(out, "rows"), "metric", "action") == counted
    assert any(action not in VALID for _, action in counted)
    cut = {k: (counted[k][0], counted[k][1] - kept[k]) for k in counted if k[1] in ("clipped", "superseded")}
    assert by(findings(out, "cut_off"), "metric", "action") == cut
    assert any(hours > 0 for _, hours in cut.values())


def test_every_source_row_is_accounted_for(done: tuple[Path, str]) -> None:
    """SPEC 5: original hours of valid rows = kept hours + hours cut off."""
    out, _ = done
    spans = rows(out / "spans.parquet")
    for metric in {span["metric"] for span in spans}:
        valid = sum(f["hours"] for f in findings(out, "rows") if f["metric"] == metric and f["action"] in VALID)
        cut = sum(f["hours"] for f in findings(out, "cut_off") if f["metric"] == metric)
        kept = sum(inside(s["start_at"], s["end_at"]) for s in spans if s["metric"] == metric and s["is_valid"])
        assert valid == pytest.approx(kept + cut, abs=1e-6)


def test_marks(done: tuple[Path, str]) -> None:
    out, _ = done
    ids, hours = defaultdict(set), defaultdict(float)
    for span in rows(out / "spans.parquet"):
        for mark in (span["note"] or "").split(", ") if span["note"] else ():
            ids[span["metric"], mark].add((span["source_table"], span["source_id"]))
            hours[span["metric"], mark] += inside(span["start_at"], span["end_at"]) if span["is_valid"] else 0
    assert by(findings(out, "note"), "metric", "detail") == {k: (len(ids[k]), hours[k]) for k in ids}


def test_a_column_that_only_history_makes_is_not_missed(done: tuple[Path, str]) -> None:
    """Such as zun.container.deleted_at: the samples have every column that a database has."""
    assert findings(done[0], "missing_column") == []


def test_missing_inputs_are_named(tmp_path: Path) -> None:
    sample.write("kvm", tmp_path / "data")
    file = tmp_path / "data" / "nova.instances.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["hidden", "terminated_at"]), file)
    told = {"format": 2, "tables": {"nova.instances": {"status": "copied", "zero_dates": {"deleted_at": 7, "id": 0}}}}
    (tmp_path / "data" / "_manifest.json").write_text(json.dumps(told))
    printed = process(tmp_path / "data", tmp_path / "out").stdout
    out = tmp_path / "out" / "here"
    columns = ["nova.instances.hidden", "nova.instances.terminated_at"]
    assert [f["detail"] for f in findings(out, "missing_column")] == columns
    tables = [f["detail"] for f in findings(out, "missing_table")]
    assert {"ironic.nodes", "blazar.devices", "zun.container"} <= set(tables) <= catalogue.load().keys()
    assert not [t for t in tables if "shadow_" in t or "audit" in t], "nobody's loss"
    assert [(f["detail"], f["rows"]) for f in findings(out, "zero_dates")] == [("nova.instances.deleted_at", 7)]
    words = " ".join(printed.split())
    assert "columns not there nova.instances.hidden, nova.instances.terminated_at" in words
    assert "zero dates nova.instances.deleted_at 7" in words


def test_without_blazar_its_tables_are_not_missed(tmp_path: Path) -> None:
    sample.write("kvm", tmp_path / "data")
    config = tmp_path / "site.yml"
    config.write_text(f"here: {{data_dir: '{tmp_path}/data', blazar: false}}\n")
    flags = ["--output", tmp_path / "out", "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    succeeded(usage("--config", config, "process", *flags))
    out = tmp_path / "out" / "here"
    assert not [f for f in findings(out, "missing_table") if f["detail"].startswith("blazar.")]
    series = {(r["metric"], r["resource"]): r["value"] for r in rows(out / "usage.parquet")}
    assert series["reservable", "nodes"] == series["committed", "vcpus"] == 0


def test_the_short_form_says_the_same(done: tuple[Path, str]) -> None:
    out, printed = done
    words = " ".join(printed[printed.index("what here lacks") :].split())
    for f in findings(out, "rows"):
        if f["action"] is None:
            lost = [
                g for g in findings(out, "rows") if g["metric"] == f["metric"] and g["action"] not in (*VALID, None)
            ]
            count = sum(g["rows"] for g in lost)
            found = re.search(rf"{f['metric']} ([\d,]+) of ([\d,]+) rows don't count \((.*?)\): ([\d,.]+) h", words)
            assert bool(found) == bool(lost)
            if found:
                assert (found[1], found[2]) == (f"{count:,}", f"{f['rows']:,}")
                assert set(found[3].split(", ")) == {f"{g['rows']:,} {g['action']}" for g in lost}
                assert found[4] == f"{sum(g['hours'] for g in lost):,.1f}"
    for f in findings(out, "note"):
        assert f"{f['metric']} {f['detail']}: {f['rows']:,} rows, {f['hours']:,.1f} h" in words
    for f in findings(out, "cut_off"):
        line = f"{f['metric']} {f['hours']:,.1f} h of {f['rows']:,} rows were cut off ({f['action']})"
        assert (line in words) == bool(f["hours"])
    assert all(len(line) <= 85 for line in printed.splitlines() if not line.startswith("wrote"))


def test_negative_values_are_found_with_their_worst_instant(tmp_path: Path) -> None:
    """Every allocation 32 times over: more is committed than is reservable, so what is available goes below zero."""
    sample.write("kvm", tmp_path / "data")
    allocations = tmp_path / "data" / "blazar.computehost_allocations.parquet"
    table = pq.read_table(allocations)
    for _ in range(5):
        copies = table.to_pylist()
        table = pq.read_table(allocations).from_pylist(
            [r | {"id": f"{r['id']}-{i}"} for r in copies for i in range(2)], table.schema
        )
    pq.write_table(table, allocations)
    printed = process(tmp_path / "data", tmp_path / "many").stdout
    out = tmp_path / "many" / "here"
    values = [
        (r["value"], r["timestamp"])
        for r in rows(out / "usage.parquet")
        if (r["metric"], r["resource"]) == ("available_reservable", "nodes")
    ]
    [finding] = [
        f for f in findings(out, "negative") if (f["metric"], f["resource"]) == ("available_reservable", "nodes")
    ]
    worst = min(values)
    assert worst[0] < 0
    assert (finding["worst_value"], finding["worst_at"]) == worst
    assert finding["rows"] == len([v for v, _ in values if v < 0])
    ends = [ts for _, ts in values[1:]] + [END]
    hours = sum((end - ts).total_seconds() / 3600 for (v, ts), end in zip(values, ends, strict=True) if v < 0)
    assert finding["hours"] == pytest.approx(hours)
    line = f"available_reservable negative nodes for {hours:,.1f} h, down to {worst[0]:,.2f} at {worst[1]}"
    assert line in " ".join(printed.split())
