"""SPEC 6, values by bucket."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from tests.oracle.values import Points


def bucket_starts(start: datetime, end: datetime, step: str) -> list[datetime]:
    """SPEC 6: buckets are "stepping from `start_date`": the n-th starts at start + n × step, with months counted from
    the start's day and clamped to the month's end. `15m`, `1h`, `7d`, `1w`, `1mo`, `1y`."""
    match = re.fullmatch(r"([1-9][0-9]*)(m|h|d|w|mo|y)", step)
    if match is None:
        raise ValueError(f"no step: {step!r}")
    size, unit = int(match[1]), match[2]
    lengths = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
    found: list[datetime] = []
    begin = start
    while begin < end:
        found.append(begin)
        units = len(found) * size
        begin = start + units * lengths[unit] if unit in lengths else later(start, units * (12 if unit == "y" else 1))
    return found


def later(start: datetime, months: int) -> datetime:
    """Months later, on the same day of the month or its last one."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def resampled(
    points: Points, start: datetime, end: datetime, bucket_starts: list[datetime]
) -> list[tuple[datetime, Fraction, Fraction, Fraction, Fraction, Fraction]]:
    """SPEC 6: "one row a bucket and series: `timestamp` (the bucket's start), `value` (at the bucket's start), `mean`,
    `min`, `max`, and `hours` (the integral in resource-hours). The last bucket may be short; `mean` is over its real
    length." The points are a series of the window [start, end): the first of them is at `start`."""
    instants = [start, *(instant for instant, _ in points[1:]), end]
    steps = [(a, b, value) for (a, b), (_, value) in zip(pairwise(instants), points, strict=True)]
    result = []
    for first, last in pairwise([*bucket_starts, end]):
        inside = [(max(a, first), min(b, last), value) for a, b, value in steps if a < last and first < b]
        integral = sum((in_hours(b - a) * value for a, b, value in inside), Fraction(0))
        values = [value for _, _, value in inside]
        mean = integral / in_hours(last - first)
        result.append((first, values[0], mean, min(values), max(values), integral))
    return result


def in_hours(length: timedelta) -> Fraction:
    return Fraction(length // timedelta(microseconds=1), 3_600_000_000)
