"""Published files against the independent count of tests/oracle, number by number."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from tests.commands import Row, rows
from tests.oracle import Result
from tests.oracle import count as count_of
from tests.oracle.resampling import bucket_starts, resampled
from tests.oracle.values import RESOURCES, Tables
from tests.random_site import RANDOM_BUCKET, RANDOM_WINDOW

if TYPE_CHECKING:
    from tests.compiled import Plan

EXACT = (
    *("action", "is_valid", "original_start_at", "original_end_at", "start_at", "end_at", "hypervisor_hostname"),
    *("node_type", "project_id", "user_id", "reservation_id", "lease_id", "booking_source"),
)
VALID_ONLY = ("note", *RESOURCES)
KEY = ("metric", "source_table", "source_id", "piece")
TOLERANCE = 1e-6  # of a node: the sweep keeps 12 decimals of it


def read_site(data_dir: Path) -> Tables:
    return {p.name.removesuffix(".parquet"): pq.read_table(p).to_pylist() for p in data_dir.glob("*.parquet")}


def same(mine: object, theirs: object) -> bool:
    if isinstance(mine, float) and theirs is not None:
        return abs(mine - float(theirs)) <= TOLERANCE
    return mine == theirs


SITE_SERIES = ("collector_type", "metric", "resource")
PROJECT_SERIES = ("metric", "project_id", "resource")
RESAMPLED = ("value", "mean", "min", "max", "hours")


def assert_equals_count(
    data_dir: Path, output: Path, window: tuple[str, str], has_blazar: bool = True, resample: str | None = None
) -> Result:
    """Every span, and every series at every instant of change, is what the independent count says; buckets, too.

    Projects have the names that keystone.project gives them.
    """
    return assert_equal(data_dir, lambda name: rows(output / f"{name}.parquet"), window, has_blazar, resample)


def assert_equal(
    data_dir: Path,
    outputs: Callable[[str], list[Row]],
    window: tuple[str, str],
    has_blazar: bool = True,
    resample: str | None = None,
    count: Result | None = None,
) -> Result:
    """The same, of outputs by name; `count` where it is known already."""
    start, end = map(datetime.fromisoformat, window)
    tables = read_site(data_dir)
    count = count or count_of(tables, start, end, has_blazar)
    assert_same_spans(outputs("spans"), count.spans)
    for name, keys, counted in (
        ("usage", SITE_SERIES, count.usage),
        ("usage_by_project", PROJECT_SERIES, count.by_project),
    ):
        assert_same_usage(series(outputs(name), keys), counted)
        if resample:
            assert_same_buckets(outputs(f"{name}_resampled"), keys, counted, (start, end), resample)
    for name in ("usage_by_project", *(["usage_by_project_resampled"] if resample else [])):
        assert_named_projects(outputs(name), tables)
    return count


def assert_plan_equals_count(plan: "Plan", data_dir: Path, has_blazar: bool = True) -> None:
    """The same, of a random site, by the models' SQL alone."""
    with plan.run(data_dir) as built:
        assert_equal(data_dir, built.rows, RANDOM_WINDOW, has_blazar, RANDOM_BUCKET)


def assert_named_projects(published: list[Row], tables: Tables) -> None:
    """The name that keystone.project has for the id, and null where it has none."""
    names = {row["id"]: row.get("name") or None for row in tables.get("keystone.project", []) if row["id"]}
    for row in published:
        assert row["project_name"] == names.get(row["project_id"]), row


def assert_same_spans(published: list[Row], counted: list[Row]) -> None:
    mine = {tuple(s[k] for k in KEY): s for s in published}
    theirs = {tuple(s[k] for k in KEY): s for s in counted}
    assert len(mine) == len(published), "two spans have one key"
    assert mine.keys() == theirs.keys()
    for key, span in mine.items():
        for column in (*EXACT, *(VALID_ONLY if span["is_valid"] else ())):
            assert same(span[column], theirs[key][column]), (key, column, span, theirs[key])


def series(published: list[Row], keys: tuple[str, ...] = SITE_SERIES) -> dict[tuple, list[tuple[datetime, float]]]:
    """The rows of a timeline by series, in the order of the file."""
    found = defaultdict(list)
    for row in published:
        found[tuple(row[k] for k in keys)].append((row["timestamp"], row["value"]))
    return dict(found)


def assert_same_usage(mine: dict, counted: dict) -> None:
    assert mine.keys() == counted.keys()
    for name, points in mine.items():
        assert [ts for ts, _ in points] == [ts for ts, _ in counted[name]], name
        for (ts, value), (_, expected) in zip(points, counted[name], strict=True):
            assert same(value, expected), (name, ts, value, float(expected))


def assert_same_hours(published: list[Row], counted: dict, window: tuple[str, str]) -> None:
    """The resource-hours of each series in the whole window."""
    start, end = map(datetime.fromisoformat, window)
    mine = {tuple(row[k] for k in SITE_SERIES): row["hours"] for row in published}
    assert mine.keys() == counted.keys()
    for name, hours in mine.items():
        assert same(hours, resampled(counted[name], start, end, [start])[0][-1]), name


def assert_same_buckets(
    published: list[Row], keys: tuple[str, ...], counted: dict, window: tuple[datetime, datetime], step: str
) -> None:
    """Each bucket of each series, its instant exact and its hours to a millionth."""
    starts = bucket_starts(*window, step)
    mine = defaultdict(list)
    for row in published:
        mine[tuple(row[k] for k in keys)].append((row["timestamp"], *(row[c] for c in RESAMPLED)))
    assert mine.keys() == counted.keys()
    for name, buckets in mine.items():
        expected = resampled(counted[name], *window, starts)
        assert [b[0] for b in buckets] == starts, name
        for bucket, theirs in zip(buckets, expected, strict=True):
            assert all(same(a, b) for a, b in zip(bucket[1:], theirs[1:], strict=True)), (name, bucket, theirs)
