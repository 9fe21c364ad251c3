"""The report in a real browser, with the network cut: charts are drawn, controls work, everybody can read it."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests import browser as browsers
from tests.browser import DESKTOP, PHONE, looked
from tests.commands import CHECKOUT, copy_checkout, rows, succeeded, usage

AREAS = 'path[fill^="#"]'  # colours of the areas; text and lines have the reader's


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.started() as started:
        yield started


@pytest.fixture(scope="module")
def report(by_day: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("looked at") / "report.html"
    succeeded(usage("--config", by_day / "data/site.yml", "report", "--output", by_day / "out", "--html", file))
    return file


def drawn(page: Page) -> None:
    page.wait_for_selector("html[data-drawn]")


def chart(site: str) -> str:
    return f'.panel[data-site="sample_{site}"] .chart'


def outlines(site: str) -> str:
    """JavaScript: what is drawn of each area."""
    return f"[...document.querySelectorAll('{chart(site)} .mark-area path')].map(path => path.getAttribute('d'))"


def areas(page: Page, site: str) -> int:
    """How many areas there are; each is one path."""
    return page.locator(f"{chart(site)} .mark-area {AREAS}").count()


def shown_at(page: Page, site: str) -> dict[str, float]:
    """What the line above a chart says: name and value; `day` apart."""
    day, _, text = page.inner_text(f'.panel[data-site="sample_{site}"] .readout').partition(": ")
    values = re.findall(r"([a-z ]+) ([-\d,.]+)(?:, |$)", text)
    return {"day": day, **{name.strip(): float(value.replace(",", "")) for name, value in values}}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_opens_without_network_and_everybody_can_read_it(
    size: tuple[int, int], colours: str, report: Path, browser: Browser
) -> None:
    with looked(browser, report, size, color_scheme=colours) as seen:
        drawn(seen.page)
        assert seen.said == []
        assert seen.asked == [report.as_uri()]
        # bare metal and KVM have all four areas, an edge has nothing on demand; and two lines each
        assert [areas(seen.page, site) for site in ("baremetal", "kvm", "edge")] == [4, 4, 3]
        assert seen.page.locator(f"{chart('kvm')} .mark-line path").count() == 2
        assert seen.page.locator("#comparison .mark-line path").count() == 3
        assert seen.violations() == []
        assert seen.page.evaluate("document.documentElement.scrollWidth") == size[0], "nothing sticks out"


def test_pointing_at_a_day_reads_its_values(by_day: Path, report: Path, browser: Browser) -> None:
    """In the middle of the chart; they are the means of usage_resampled.parquet."""
    published = {
        (f"{row['timestamp']:%Y-%m-%d}", row["metric"]): row["mean"]
        for row in rows(by_day / "out/sample_kvm/usage_resampled.parquet")
        if (row["collector_type"], row["resource"]) == ("current", "nodes")
    }
    with looked(browser, report) as seen:
        drawn(seen.page)
        seen.page.hover(f"{chart('kvm')} svg")
        at = shown_at(seen.page, "kvm")
        day = at.pop("day")
        assert "2024-06-01" < day < "2024-07-31"
        assert at == {
            "occupied in reservations": pytest.approx(published[day, "occupied_reservation"], abs=0.005),
            "occupied on demand": pytest.approx(published[day, "occupied_ondemand"], abs=0.005),
            "idle in reservations": pytest.approx(published[day, "idle"], abs=0.005),
            "available": pytest.approx(
                published[day, "available_reservable"] + published[day, "available_ondemand"], abs=0.005
            ),
            "total": pytest.approx(published[day, "total"], abs=0.005),
            "reservable": pytest.approx(published[day, "reservable"], abs=0.005),
        }


def test_the_keyboard_reads_day_after_day(report: Path, browser: Browser) -> None:
    with looked(browser, report) as seen:
        drawn(seen.page)
        seen.page.focus(chart("edge"))
        days = []
        for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "PageDown", "End", "ArrowRight"):
            seen.page.keyboard.press(key)
            days.append(shown_at(seen.page, "edge")["day"])
        assert days == [f"2024-{day}" for day in ("01-01", "01-02", "01-03", "01-02", "02-01", "12-31", "12-31")]
        assert "idle in reservations" in shown_at(seen.page, "edge")


def test_series_are_hidden_and_shown(report: Path, browser: Browser) -> None:
    with looked(browser, report) as seen:
        drawn(seen.page)
        before = seen.page.evaluate(outlines("kvm"))
        seen.page.uncheck("[name=shown][value=available]")
        seen.page.wait_for_function(f"{outlines('kvm')}.length == 3")
        seen.page.check("[name=shown][value=available]")
        seen.page.wait_for_function(f"{outlines('kvm')}.length == 4")
        assert seen.page.evaluate(outlines("kvm")) == before
        assert seen.said == []


def test_another_resource_is_shown_where_it_is_tracked(report: Path, browser: Browser) -> None:
    with looked(browser, report) as seen:
        drawn(seen.page)
        seen.page.check("[name=resource][value=memory_mb]")
        axis = seen.page.locator(f"{chart('kvm')} .role-axis-title").filter(has_text="memory (MB)")
        axis.wait_for()
        untracked = [seen.page.locator(f'.panel[data-site="sample_{s}"] .untracked') for s in ("kvm", "edge")]
        assert [u.is_visible() for u in untracked] == [False, True]
        seen.page.check("[name=resource][value=nodes]")
        seen.page.wait_for_function(f"{outlines('edge')}.length == 3")
        assert seen.said == []


def test_dragging_zooms_all_charts_and_a_double_click_shows_all(report: Path, browser: Browser) -> None:
    with looked(browser, report) as seen:
        drawn(seen.page)
        days = [seen.page.locator(f"[name={name}]") for name in ("from", "to")]
        assert [d.input_value() for d in days] == ["2024-01-01", "2024-12-31"]
        line = seen.page.locator(f"{chart('edge')} .mark-line path").first
        whole = line.get_attribute("d")
        seen.page.locator(f"{chart('kvm')}").scroll_into_view_if_needed()
        box = seen.page.locator(f"{chart('kvm')} svg").bounding_box()
        seen.page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 100)
        seen.page.mouse.down()
        seen.page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 110, steps=4)
        seen.page.mouse.up()
        first, last = (d.input_value() for d in days)
        assert "2024-05-01" < first < "2024-06-10" < "2024-07-20" < last < "2024-08-31"
        seen.page.wait_for_function(
            "w => document.querySelector(w[0]).getAttribute('d') !== w[1]",
            arg=[f"{chart('edge')} .mark-line path", whole],
        )
        seen.page.dblclick(f"{chart('kvm')} svg")
        assert [d.input_value() for d in days] == ["2024-01-01", "2024-12-31"]
        seen.page.wait_for_function(
            "w => document.querySelector(w[0]).getAttribute('d') === w[1]",
            arg=[f"{chart('edge')} .mark-line path", whole],
        )
        assert seen.said == []


def test_without_scripts_the_tables_are_there(report: Path, browser: Browser) -> None:
    with looked(browser, report, java_script_enabled=False) as seen:
        assert seen.page.locator("table").count() > 10
        assert "every number they show is in the tables" in seen.page.inner_text("body")


def test_on_paper_the_tables_of_months_are_open(report: Path, browser: Browser) -> None:
    with looked(browser, report) as seen:
        drawn(seen.page)
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        seen.page.emulate_media(media="print")
        opened = seen.page.locator("details[open]").evaluate_all("all => all.map(d => d.dataset.resource)")
        assert opened == ["nodes"] * 3
        assert not seen.page.locator(".controls").is_visible()
        assert seen.page.pdf(format="A4")[:4] == b"%PDF"


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make docs` makes, in a fresh checkout."""
    checkout = copy_checkout(tmp_path_factory.mktemp("docs") / "checkout")
    (checkout / ".venv").symlink_to(CHECKOUT / ".venv")
    made = subprocess.run(
        ["make", "--old-file=.venv/installed", "docs"], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert succeeded(made).stdout.count("wrote target/lineage.html\n") == 1
    return checkout / "target"


@pytest.mark.parametrize("page", ["lineage", "columns"])
def test_a_lineage_site_opens_without_network(page: str, docs: Path, browser: Browser) -> None:
    file = docs / f"{page}.html"
    with looked(browser, file) as seen:
        seen.page.get_by_text("chameleon_usage").first.wait_for(state="attached")
        seen.page.wait_for_load_state("networkidle")
        assert [line for line in seen.said if not line.startswith("log: ")] == []
        assert seen.asked == [file.as_uri()]
        if page == "columns":
            assert "telemetry is disabled" in "".join(seen.said)


def test_the_lineage_site_shows_columns_and_what_is_made_of_what(docs: Path, browser: Browser) -> None:
    with looked(browser, docs / "lineage.html") as seen:
        model = "#!/model/model.chameleon_usage.spans_committed?g_v=1&g_i=%2Bspans_committed%2B"
        seen.page.goto((docs / "lineage.html").as_uri() + model)
        seen.page.get_by_text("reservation_id").first.wait_for()
        assert seen.page.locator("canvas").count() >= 1, "the graph is drawn"
        assert seen.said == []


def test_a_column_is_followed_to_what_it_is_made_of(docs: Path) -> None:
    """Both ends of the way: an output column, and what tells an instance's reservation."""
    found = json.loads((docs / "docs/columns/colibri-manifest.json").read_text())
    edges = found["lineage"]["edges"]
    pairs = {(e["source"].split(".")[-1], e["target"].split(".")[-1], e.get("targetColumn")) for e in edges}
    assert ("usage", "usage_wide", "committed") in pairs
    assert ("stg_nova_api__request_specs", "instance_bookings", "reservation_id") in pairs
