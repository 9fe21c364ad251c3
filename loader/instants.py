"""Dates and instants as users write them."""

import re
from datetime import datetime, timezone

from loader.errors import UsageError

INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d{6})?)?([zZ]|[+-]\d\d:\d\d)?)?")  # as macros/config.sql


def parse_instant(text: str, flag: str) -> datetime:
    """A date or ISO date-time as naive UTC; UsageError names the flag."""
    try:
        if not INSTANT.fullmatch(text.strip()):
            raise ValueError(text)
        instant = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text.strip()))
        return instant.astimezone(timezone.utc).replace(tzinfo=None) if instant.tzinfo else instant
    except (ValueError, OverflowError):
        raise UsageError(f"{flag} {text!r} is not a date; write 2024-01-31 or 2024-01-31T06:00:00 (UTC)") from None


def parse_window(start_date: str, end_date: str) -> tuple[str, str]:
    """The reporting window [start, end) as ISO text in UTC; UsageError if there is no time in it."""
    start, end = parse_instant(start_date, "--start-date"), parse_instant(end_date, "--end-date")
    if start >= end:
        raise UsageError(
            f"--start-date {start_date} is not before --end-date {end_date} (the end is not in the window)"
        )
    return start.isoformat(), end.isoformat()
