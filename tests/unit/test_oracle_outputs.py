"""The oracle by hand: series by project, legacy and resampled."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from tests.oracle.resampling import bucket_starts, resampled
from tests.oracle.values import Row
from tests.oracle_site import DAY, at, hours, instance, node, one_lease, run, spec, steps


def test_legacy_series() -> None:
    # Day 0: 24 + 48 = 72 hours in all, 12 in maintenance, 6 reserved, 18 used: 3, 1/2, 1/4 and 3/4 of a node.
    # Day 1: the same numbers in one row. Day 2: no row. Day 3: 24 hours in all, nothing else.
    names = ("total_hours", "maint_hours", "reserved_hours", "used_hours", "idle_hours")

    def day(hour: float | None, *values: float | None) -> Row:
        return {"date": at(hour), **dict(zip(names, values, strict=True))}

    cache = "chameleon_usage.node_usage_report_cache"
    rows = [
        *(day(0, 24.0, 12.0, None, 18.0, 7.0), day(0, 48.0, None, 6.0, 0.0, 7.0)),
        *(day(24, 72.0, 12.0, 6.0, 18.0, None), day(72, 24.0, None, None, None, None)),
        *(day(-24, 999.0, None, None, None, None), day(None, 999.0, None, None, None, None)),
    ]
    tables = {cache: rows, "nova.compute_nodes": []}
    result = run(tables, 12, 200)
    found = {key: points for key, points in result.usage.items() if key[0] == "legacy"}
    assert {metric: [(hours(ts), value) for ts, value in points] for (_, metric, _), points in found.items()} == {
        "total": [(12, 3), (48, 0), (72, 1), (96, 0)],
        "reservable": [(12, Fraction(5, 2)), (48, 0), (72, 1), (96, 0)],
        "committed": [(12, 1), (48, 0)],
        "occupied_reservation": [(12, Fraction(3, 4)), (48, 0)],
        "idle": [(12, Fraction(1, 4)), (48, 0)],
        "available_reservable": [(12, Fraction(3, 2)), (48, 0), (72, 1), (96, 0)],
    }
    assert {resource for _, _, resource in found} == {"nodes"}
    assert {s["source_table"] for s in result.spans} == set()
    assert steps(result, "total") == [(12, 0)]
    assert not any(key[0] == "legacy" for key in run(tables | {cache: []}).usage)
    # A row without a date makes it tracked, and zero.
    assert run({cache: rows[-1:]}).usage["legacy", "total", "nodes"] == [(DAY, 0)]
    # 0.1 + 0.2 hours are 0.3: no change; a time of day is its day's.
    hours_of = [day(5, 0.1, 0, 0, 0, 0), day(0, 0.2, 0, 0, 0, 0), day(24, 0.3, 0, 0, 0, 0)]
    assert run({cache: hours_of}, 0, 48).usage["legacy", "total", "nodes"] == [(DAY, Fraction(1, 80))]


def test_usage_by_project() -> None:
    # In the window [10, 50): p holds 2 vcpus until 20; nobody 2 from 30; q ended where the window begins; s starts
    # where it ends; t's row is hidden. u's node, so its share of one, is unknown: its nodes are zero.
    tables = {
        "nova.compute_nodes": [node(1, "a", 0)],
        "nova.instances": [
            instance("i", 0, 20),
            instance("j", 30, None, project_id=None),
            instance("k", 0, 10, project_id="q"),
            instance("l", 50, 60, project_id="s"),
            instance("m", 0, 60, project_id="t", hidden=1),
            instance("n", 0, 60, project_id="u", node="elsewhere"),
        ],
        "nova_api.request_specs": [spec(uuid) for uuid in "ijklmn"],
    }
    result = run(tables, 10, 50)
    found = {
        (metric, project): [(hours(ts), value) for ts, value in points]
        for (metric, project, resource), points in result.by_project.items()
        if resource == "nodes"
    }
    share = Fraction(1, 4)
    metric = "occupied_ondemand"
    assert found == {
        (metric, "p"): [(10, share), (20, 0)],
        (metric, None): [(10, 0), (30, share)],
        (metric, "u"): [(10, 0)],
    }
    assert result.by_project[metric, "u", "vcpus"] == [(at(10), 2)]
    assert {resource for _, _, resource in result.by_project} == {
        *("nodes", "vcpus", "vcpus_overcommit", "memory_mb", "disk_gb")
    }
    # Committed and occupied, by the project of the lease and of the instance; committed is not cut to what is occupied.
    tables |= one_lease(0, 30) | {"nova_api.request_specs": [spec("i", "r")]}
    tables["nova.instances"] = [instance("i", 0, 20, project_id="q")]
    result = run(tables)
    assert {(m, p): len(points) for (m, p, r), points in result.by_project.items() if r == "nodes"} == {
        ("committed", "p"): 2,
        ("occupied_reservation", "q"): 2,
    }


@pytest.mark.parametrize(
    ("start", "end", "step", "expected"),
    [
        ("2024-01-01", "2024-01-01T00:40", "15m", ["2024-01-01", "2024-01-01T00:15", "2024-01-01T00:30"]),
        ("2024-01-01T00:30", "2024-01-01T02:30", "1h", ["2024-01-01T00:30", "2024-01-01T01:30"]),
        ("2024-01-03", "2024-01-18", "1w", ["2024-01-03", "2024-01-10", "2024-01-17"]),
        ("2024-01-03", "2024-01-17", "7d", ["2024-01-03", "2024-01-10"]),
        # the day of the start, or the last one of the month; never drifting to the 29th
        ("2024-01-31", "2024-05-01", "1mo", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        ("2023-01-31T06:00", "2023-04-01", "1mo", ["2023-01-31T06:00", "2023-02-28T06:00", "2023-03-31T06:00"]),
        ("2023-11-30", "2024-06-01", "3mo", ["2023-11-30", "2024-02-29", "2024-05-30"]),
        ("2024-02-29", "2028-03-01", "2y", ["2024-02-29", "2026-02-28", "2028-02-29"]),
        ("2024-01-01", "2024-01-01", "1d", []),
    ],
)
def test_bucket_starts(start: str, end: str, step: str, expected: list[str]) -> None:
    found = bucket_starts(datetime.fromisoformat(start), datetime.fromisoformat(end), step)
    assert found == [datetime.fromisoformat(instant) for instant in expected]


@pytest.mark.parametrize("step", ["0h", "h", "1", "-1h", "1 h", "1M", "1.5h", ""])
def test_what_is_no_step(step: str) -> None:
    with pytest.raises(ValueError, match="no step"):
        bucket_starts(DAY, DAY, step)


def test_resampled() -> None:
    # 4 from 0, −2 from 6, 1 from 10, 3 from 20, up to 25, in buckets of 10 hours:
    # [0, 10): 6 × 4 − 4 × 2 = 16; [10, 20): 10; [20, 25), which is short: 5 × 3 = 15, 3 on average.
    points = [(at(0), Fraction(4)), (at(6), Fraction(-2)), (at(10), Fraction(1)), (at(20), Fraction(3))]
    begin, end = at(0), at(25)
    assert begin is not None
    assert end is not None
    assert resampled(points, begin, end, bucket_starts(begin, end, "10h")) == [  # type: ignore[arg-type]
        (at(0), 4, Fraction(8, 5), -2, 4, 16),
        (at(10), 1, 1, 1, 1, 10),
        (at(20), 3, 3, 3, 3, 15),
    ]
    # A third of an hour: exact. The value at the start of a bucket is what holds there.
    third = resampled([(DAY, Fraction(1, 3))], DAY, DAY + timedelta(minutes=20), [DAY])
    assert third == [(DAY, Fraction(1, 3), Fraction(1, 3), Fraction(1, 3), Fraction(1, 3), Fraction(1, 9))]
