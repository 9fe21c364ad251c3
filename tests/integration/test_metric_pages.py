"""docs/metrics: a page a metric, whose example's rows make the levels, hours and picture that it shows."""

import re
from pathlib import Path

import pytest

from loader.outputs import operands
from tests.metric_pages import PAGES, Page, levels, pages, picture
from tests.small_site import Builder


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(tmp_path_factory.mktemp("pages"))


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.metric)
def test_the_example_gives_what_its_page_says(page: Page, build: Builder) -> None:
    site = build(page.site)
    assert page.levels == levels(site, page.metric)
    assert page.hours == pytest.approx(site.hours(page.metric))
    assert page.picture == picture(site, page.metric), "run: python -m tests.metric_pages"


def test_every_metric_has_a_page_and_a_row_of_the_index() -> None:
    assert {page.metric for page in pages()} == operands().keys()
    index = (PAGES / "README.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| \[(\w+)\]\(\1\.md\)", index, re.MULTILINE)) == sorted(operands())


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.metric)
def test_a_derived_metric_says_what_it_is_the_difference_of(page: Page) -> None:
    of = operands()[page.metric]
    if page.metric not in of:
        (whole,) = [name for name, sign in of.items() if sign == 1]
        less = [f" − `{name}`" for name, sign in of.items() if sign == -1]
        assert f"`{page.metric}` = `{whole}`{''.join(less)}, at every instant." in page.text


def test_every_link_leads_to_a_file() -> None:
    for path in PAGES.glob("*.md"):
        lacking = [
            link for link in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")) if not Path(PAGES, link).exists()
        ]
        assert lacking == [], path.name
