"""Parts of the report that need no page."""

from datetime import datetime

import pytest

from loader.report import figures, page


@pytest.mark.parametrize(
    ("start", "end", "one"),
    [
        ((2024, 1, 1), (2024, 2, 1), True),
        ((2024, 1, 31), (2024, 2, 1), True),
        ((2024, 1, 31, 18), (2024, 2, 1, 18), False),
        ((2024, 1, 1), (2025, 1, 1), False),
        ((2024, 1, 29), (2024, 2, 5), False),
        ((2024, 1, 1), (2024, 3, 1), False),
    ],
)
def test_a_bucket_is_in_one_month_or_the_page_says_so(start: tuple, end: tuple, one: bool) -> None:
    assert page._in_one_month(datetime(*start), datetime(*end)) is one


def test_what_a_project_took_is_counted_once() -> None:
    """Another project's instance in my reservation: what is reserved is mine, what it holds is nobody's twice."""
    site = {"committed": 100.0, "occupied_reservation": 60.0, "idle": 40.0, "occupied_ondemand": 10.0}
    mine, theirs = {"committed": 100.0}, {"occupied_reservation": 60.0, "occupied_ondemand": 10.0}
    assert figures.taken(mine, site) + figures.taken(theirs, site) == figures.taken(site, site) == 110
    assert figures.taken({"occupied_reservation": 5.0}, {"occupied_reservation": 5.0}) == 5, "nothing is reserved there"
