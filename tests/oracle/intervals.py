"""Half-open intervals, and what clamping and superseding leave of a claim."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

from tests.oracle.values import Claim, Interval, Outcome

FOREVER = datetime.max


def until(end: datetime | None) -> datetime:
    """SPEC 1: "`end_at` null means 'still so'"."""
    return FOREVER if end is None else end


def earliest(instants: Iterable[datetime | None]) -> datetime:
    """The least of several ends, "nulls ignored"; without any it is open."""
    return min((instant for instant in instants if instant is not None), default=FOREVER)


def latest(instants: Iterable[datetime | None]) -> datetime | None:
    """The greatest of several starts, "nulls ignored"."""
    return max((instant for instant in instants if instant is not None), default=None)


def is_empty(claim: Claim) -> bool:
    """SPEC 4: "A claim whose start is null, or not before its end, is `empty`"."""
    return claim[0] is None or claim[0] >= claim[1]


def holds(interval: Interval, instant: datetime) -> bool:
    return interval[0] <= instant < interval[1]


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals in time order that do not overlap: those that touch become one."""
    result: list[Interval] = []
    for begin, end in intervals:
        if result and result[-1][1] == begin:
            result[-1] = (result[-1][0], end)
        else:
            result.append((begin, end))
    return result


def clamp(claim: Interval, parents: list[Interval]) -> list[Interval]:
    """SPEC 5: "Parents are merged into disjoint windows per key before a child is clamped"; "a child that overlaps n
    disjoint windows yields n pieces".

    Cut the claim at every end of a parent, keep what at least one parent covers, join what touches.
    """
    near = [parent for parent in parents if parent[0] < claim[1] and claim[0] < parent[1]]
    inside = {instant for parent in near for instant in parent if claim[0] < instant < claim[1]}
    elementary = pairwise(sorted({*claim, *inside}))
    return joined((a, b) for a, b in elementary if any(parent[0] <= a and b <= parent[1] for parent in near))


def outcomes(
    claim: Claim, keyed: bool, parents: list[Interval] | None, shortened_to: datetime | None = None
) -> list[Outcome]:
    """SPEC 5: what is left of a claim: "of several that apply the first of this list counts: hidden, never_launched,
    empty, null_key, orphan, superseded, clipped, none" (the first two are for the caller to know).

    `parents` None: the metric has no parent. `shortened_to`: where a later row supersedes it.
    """
    rest = claim if shortened_to is None else (claim[0], shortened_to)
    if is_empty(claim) or is_empty(rest):
        return [(None, "empty")]
    if not keyed:
        return [(None, "null_key")]
    pieces = [rest] if parents is None else clamp(rest, parents)
    if not pieces:
        return [(None, "orphan")]
    action = "superseded" if rest != claim else "none" if pieces == [claim] else "clipped"
    return [(piece, action) for piece in pieces]
