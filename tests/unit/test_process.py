"""The window of `process`, and dbt's messages made plain."""

import re

import pytest

from loader.errors import UsageError
from loader.instants import parse_window
from loader.reasons import plain

END = "2030-01-01"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-01-31", "2024-01-31T00:00:00"),
        (" 2024-01-31 ", "2024-01-31T00:00:00"),
        ("2024-01-31T06:30", "2024-01-31T06:30:00"),
        ("2024-01-31 06:30:15", "2024-01-31T06:30:15"),
        ("2024-01-31T06:30:15.250000", "2024-01-31T06:30:15.250000"),
        ("2024-01-31T06:30:00Z", "2024-01-31T06:30:00"),
        ("2024-01-31T06:30:00z", "2024-01-31T06:30:00"),
        ("2024-01-31T06:30:00+02:00", "2024-01-31T04:30:00"),
        ("2024-01-31T22:30:00-06:00", "2024-02-01T04:30:00"),
        ("2024-02-29", "2024-02-29T00:00:00"),
        ("0001-01-01", "0001-01-01T00:00:00"),
    ],
)
def test_dates_and_instants_are_read_as_utc(text: str, instant: str) -> None:
    assert parse_window(text, END) == (instant, "2030-01-01T00:00:00")
    assert parse_window("0001-01-01", "2024-12-31T01:00:00+02:00")[1] == "2024-12-30T23:00:00"


WRONG = [
    "2024-13-01",
    "2023-02-29",
    "yesterday",
    "",
    "0000-01-01",
    "10000-01-01",
    "2024-01-01T25:00",
    "01/02/2024",
    "2024",
]


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("flag", ["--start-date", "--end-date"])
def test_what_is_no_date_is_told_with_its_flag(flag: str, text: str) -> None:
    window = (text, END) if flag == "--start-date" else ("2024-01-01", text)
    with pytest.raises(
        UsageError, match=re.escape(f"{flag} {text!r} is not a date; write 2024-01-31 or 2024-01-31T06")
    ):
        parse_window(*window)


@pytest.mark.parametrize(
    ("flag", "window"),
    [
        ("--start-date", ("0001-01-01T00:00:00+05:00", END)),
        ("--end-date", ("2024-01-01", "9999-12-31T23:00:00-05:00")),
    ],
)
def test_an_instant_that_utc_can_not_hold_is_told_with_its_flag(flag: str, window: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match=flag):
        parse_window(*window)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-02-01", "2024-01-01"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01", "2024-01-01T00:00:00.000000"),
        ("2024-01-01T02:00:00+02:00", "2024-01-01"),
    ],
)
def test_a_window_without_any_time_is_refused(start: str, end: str) -> None:
    says = f"--start-date {start} is not before --end-date {end} (the end is not in the window)"
    with pytest.raises(UsageError, match=re.escape(says)):
        parse_window(start, end)


def test_a_window_may_be_a_microsecond_long() -> None:
    window = ("2024-01-01T00:00:00", "2024-01-01T00:00:00.000001")
    assert parse_window(*window) == window


FRAME = """\
Runtime Error in model usage (models/usage/usage.sql)
  Conversion Error: Could not convert string 'x' to INT64
\x20\x20
  LINE 12:     a::bigint
               ^
  compiled code at target/run/usage.sql"""
MACRO = """\
Compilation Error
  nova.instances.parquet lacks the column uuid
  no extracted table
\x20\x20
  > in macro check_run (macros/config.sql)
  > called by <Unknown>"""
MESSAGES = [
    (FRAME, "Conversion Error: Could not convert string 'x' to INT64"),
    (MACRO, "nova.instances.parquet lacks the column uuid; no extracted table"),
    (
        "Database Error\n  Invalid Input Error: No magic bytes found at end of file 'a'",
        "No magic bytes found at end of file 'a'",
    ),
    (
        "Runtime Error\n  Out of Memory Error: failed to allocate 2 MB",
        "Out of Memory Error: failed to allocate 2 MB (raise --memory-limit, or free disk space for temporary files)",
    ),
    (
        "IO Error: Could not write file 'x': No space left on device",
        "Could not write file 'x': No space left on device (free disk space; temporary files go to $TMPDIR)",
    ),
    ("", "no message"),
    (None, "no message"),
    ("Got 1 result, configured to fail if != 0", "Got 1 result, configured to fail if != 0"),
]


@pytest.mark.parametrize(("message", "line"), MESSAGES)
def test_messages_of_dbt_become_one_line(message: str | None, line: str) -> None:
    assert plain(message) == line
