"""The pages of docs/metrics: `python -m tests.metric_pages` draws their pictures; what they claim is read here.

The rows and the levels of a page are written by hand. Its picture is made of what the models make of the rows.
"""

import re
import tempfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import yaml

from loader import catalogue
from loader.outputs import operands
from tests.random_site.draw import Row
from tests.small_site import FIRST, MARCH, Builder, Result, Tables, day

PAGES = catalogue.project_dir() / "docs" / "metrics"
MARKERS = ("<!-- picture -->\n", "<!-- end of picture -->")
LAST = f"{day(MARCH[1]):%Y-%m-%d}"


@dataclass(frozen=True)
class Page:
    """A page, and what it says."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @property
    def metric(self) -> str:
        return self.path.stem

    @property
    def site(self) -> Tables:
        """The rows of its example; their dates are instants."""
        (block,) = re.findall(r"```yaml\n(.*?)```", self.text, re.DOTALL)
        return {name: [_instants(row) for row in rows] for name, rows in yaml.safe_load(block).items()}

    @property
    def levels(self) -> list[tuple[str, float]]:
        """Its table: from when, and how many nodes."""
        return [(since, float(level)) for since, level in re.findall(r"^\| (\d{4}-.*?) \| (.*?) \|$", self.text, re.M)]

    @property
    def hours(self) -> float:
        """The node-hours that it names."""
        (found,) = re.findall(r"March 2024 has ([\d,.]+) node-hours", self.text)
        return float(found.replace(",", ""))

    @property
    def picture(self) -> str:
        """What is between its markers."""
        return self.text.split(MARKERS[0])[1].split(MARKERS[1])[0]


def _instants(row: Row) -> Row:
    return {k: datetime(v.year, v.month, v.day) if isinstance(v, date) else v for k, v in row.items()}


def pages() -> list[Page]:
    """A page a metric, by name."""
    return [Page(path) for path in sorted(PAGES.glob("*.md")) if path.stem != "README"]


def levels(site: Result, metric: str) -> list[tuple[str, float]]:
    """The steps of a metric, as a page's table has them."""
    return [(f"{day(since):%Y-%m-%d}", level) for since, level in site.steps(metric)]


def _bars(site: Result, metric: str) -> list[str]:
    steps = levels(site, metric)
    ends = [since for since, _ in steps[1:]] + [LAST]
    return [
        f"    {level:g} {'node' if level == 1 else 'nodes'} :{since}, {end}"
        for (since, level), end in zip(steps, ends, strict=True)
        if level
    ]


def _claims(site: Result, metric: str) -> list[str]:
    """A bar a claim of the metric, before it is clamped, inside the window."""
    last = FIRST + timedelta(days=MARCH[1] - MARCH[0])
    seen: dict[tuple[str, datetime], str] = {}
    for row in site.rows("spans"):
        if row["metric"] != metric:
            continue
        start, end = max(row["original_start_at"], FIRST), min(row["original_end_at"] or last, last)
        kind = "" if row["is_valid"] else "crit, "
        name = f"{row['source_table'].partition('.')[2]} {row['source_id']} ({row['action']})"
        seen[(name, start)] = f"    {name} :{kind}{start:%Y-%m-%d}, {end:%Y-%m-%d}"
    return list(seen.values())


def picture(site: Result, metric: str) -> str:
    """What the metric is made of, its claims or its operands, and its levels, as a Gantt chart."""
    parts = [] if metric in (of := operands()[metric]) else [(operand, _bars(site, operand)) for operand in of]
    claims = [] if parts else [("source rows", _claims(site, metric))]
    lines = ["```mermaid", "gantt", "    dateFormat YYYY-MM-DD", "    axisFormat %-d %b"]
    for name, bars in (*claims, *parts, (metric, _bars(site, metric))):
        lines += [f"    section {name}", *bars]
    return "\n".join([*lines, "```", ""])


def main() -> None:
    """Put the pictures into the pages."""
    with tempfile.TemporaryDirectory() as work:
        build = Builder(Path(work))
        for page in pages():
            before, _, rest = page.text.partition(MARKERS[0])
            after = rest.partition(MARKERS[1])[2]
            drawn = picture(build(page.site), page.metric)
            page.path.write_text(f"{before}{MARKERS[0]}{drawn}{MARKERS[1]}{after}", "utf-8")


if __name__ == "__main__":
    main()
