"""The shapes of rows and results, exact numbers, ids and JSON."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]
Resources = dict[str, Fraction | None]
Interval = tuple[datetime, datetime]  # half-open; FOREVER is "still so"
Claim = tuple[datetime | None, datetime]  # as an interval, but the source may lack the start
Outcome = tuple[Interval | None, str]  # what is left of a claim, and the action
Points = list[tuple[datetime, Fraction]]  # a timeline
Series = tuple[str, str, str]  # collector_type, metric, resource
RESOURCES = ("nodes", "vcpus", "vcpus_overcommit", "memory_mb", "disk_gb")
FLAVOR_PREFIX = "reservation:"
JSON_NUMBER = re.compile(r"[ \t\r\n]*-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?[ \t\r\n]*")
NOT_JSON = object()


def exact(value: Any) -> Fraction:
    """SPEC 8: a FLOAT "counts as the shortest decimal number that it stands for" (decision 16)."""
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


def amount(value: Any) -> Fraction | None:
    """SPEC 4: "0 is unknown for capacities of hosts only: an instance's root_gb of 0 is 0"."""
    return None if value is None else exact(value)


def known(value: Any) -> Fraction | None:
    """SPEC 2: "A capacity of 0 or null is unknown"."""
    return None if value is None or value == 0 else exact(value)


def known_number(value: Any) -> Fraction | None:
    """A capacity in ironic.nodes.properties (decision 23)."""
    if isinstance(value, str):
        value = float(value) if JSON_NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return exact(value) if math.isfinite(float(value)) and float(value) > 0 else None
    except OverflowError:  # an integer beyond all doubles
        return None


def text(value: Any) -> str | None:
    """A key or a name; the empty string is none (decision 1)."""
    return None if value is None or value == "" else str(value)


def id_order(value: Any) -> tuple[int, int, str]:
    """SPEC 4: "the larger id is the later, ids of digits as numbers" (decision 12)."""
    name = str(value)
    return (0, int(name), name) if name.isascii() and name.isdigit() else (1, 0, name)


def parsed(document: Any) -> Any:
    """The JSON value of a text, or NOT_JSON (a null is no JSON; the literal `null` is)."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return json.loads(document, parse_constant=refuse)
    except (TypeError, ValueError, RecursionError):
        return NOT_JSON


def dig(value: Any, *keys: str) -> Any:
    """value[key][key]…, or None where an object or a key on the way is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def named(value: Any) -> str | None:
    """An id from a JSON document (decision 13)."""
    return value if isinstance(value, str) and value else None


def flavor_reservation(name: Any) -> str | None:
    """SPEC 4: the id in "the flavor name `reservation:<id>`"."""
    return named(name.removeprefix(FLAVOR_PREFIX)) if isinstance(name, str) and name.startswith(FLAVOR_PREFIX) else None
