"""The report: one page of the published files; every number in it is one of theirs."""

import json
import re
from collections import defaultdict
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loader.outputs import opened
from loader.report import figures, page
from tests.commands import contents, rows, succeeded, usage

KINDS = ("baremetal", "kvm", "edge")
HELD = {"reserved": ["occupied_reservation"], "ondemand": ["occupied_ondemand"], "idle": ["idle"]}
DRAWN = {
    **HELD,
    "available": ["available_reservable", "available_ondemand"],
    "total": ["total"],
    "reservable": ["reservable"],
}


@pytest.fixture(scope="module")
def output(by_day: Path) -> Path:
    """Three sites, day by day."""
    return by_day / "out"


def config(output: Path) -> list[str | Path]:
    return ["--config", output.parent / "data/site.yml"]


@pytest.fixture(scope="module")
def html(output: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("report") / "report.html"
    ran = succeeded(usage(*config(output), "report", "--output", output, "--html", file, "--title", "Sites & <more>"))
    assert re.fullmatch(rf"wrote {file} \(3 sites, [12]\.\d MB\)\n", ran.stdout)
    return file.read_text()


@pytest.fixture(scope="module")
def payload(html: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', html, re.DOTALL)
    return json.loads(text)


class Tables(HTMLParser):
    """The tables of a page: caption and rows of cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.rows: list[list[str]] = []
        self.text, self.caption = "", ""

    def handle_starttag(self, tag: str, _attrs: list) -> None:
        if tag == "table":
            self.rows, self.caption = [], ""
        elif tag == "tr":
            self.rows.append([])
        if tag in ("td", "th", "caption"):
            self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.rows[-1].append(self.text.strip())
        elif tag == "caption":
            self.caption = self.text.strip()
        elif tag == "table":
            self.tables[self.caption] = self.rows


@pytest.fixture(scope="module")
def tables(html: str) -> dict[str, list[list[str]]]:
    parser = Tables()
    parser.feed(re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))
    return parser.tables


def hours(output: Path, site: str, resource: str = "nodes", collector: str = "current") -> dict[str, float]:
    """Hours of the whole window, summed here."""
    found: dict[str, float] = defaultdict(float)
    for row in rows(output / site / "usage_resampled.parquet"):
        if (row["collector_type"], row["resource"]) == (collector, resource):
            found[row["metric"]] += row["hours"]
    return found


def number(text: str) -> float | None:
    return None if text == "–" else float(text.rstrip("%").replace(",", ""))


def is_shown(text: str, value: float | None) -> bool:
    """Hours are written without decimals from ten on, with two below."""
    shown = number(text)
    return shown is value is None or abs(shown - value) <= (0.5 if abs(value) >= 10 else 0.005) + 1e-9


def test_the_page_asks_for_nothing(html: str) -> None:
    """No element of it names another file or place, so it works from a mail."""
    markup = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert re.findall(r"""(?:src|href|action|data|poster)\s*=\s*["'](?!#)[^"']*""", markup) == []
    assert not re.search(r"@import|url\(", markup)
    assert "Sites &amp; &lt;more&gt;" in markup
    assert "<more>" not in markup


@pytest.mark.parametrize("kind", KINDS)
def test_the_charts_have_the_values_of_the_file(kind: str, output: Path, payload: dict) -> None:
    site = payload["sites"][f"sample_{kind}"]
    published: dict[tuple[str, str], dict[datetime, float]] = defaultdict(dict)
    for row in rows(output / f"sample_{kind}/usage_resampled.parquet"):
        if row["collector_type"] == "current":
            published[row["resource"], row["metric"]][row["timestamp"]] = row["mean"]
    starts = sorted(next(iter(published.values())))
    assert [datetime.utcfromtimestamp(t / 1000) for t in site["starts"]] == starts
    assert len(starts) == 366
    assert set(site["resources"]) == {resource for resource, _ in published}
    for resource, columns in site["resources"].items():
        wanted = {
            name: [published[resource, m] for m in metrics if (resource, m) in published]
            for name, metrics in DRAWN.items()
        }
        assert set(columns) == {name for name, found in wanted.items() if found}
        for name, values in columns.items():
            last = None
            for start, value in zip(starts, values, strict=True):
                last = last if value is None else value  # as the one before
                assert last == pytest.approx(sum(m[start] for m in wanted[name]), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_months_add_up_to_the_file(kind: str, output: Path, tables: dict) -> None:
    by_month: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows(output / f"sample_{kind}/usage_resampled.parquet"):
        if (row["collector_type"], row["resource"]) == ("current", "nodes"):
            by_month[f"{row['timestamp']:%Y-%m}", row["metric"].replace("_", " ")] += row["hours"]
    head, *body, foot = tables[f"Sample {kind}: nodes, hours by month"]
    assert [cells[0] for cells in body] == [f"2024-{m:02}" for m in range(1, 13)]
    assert set(head[1:-1]) == {metric for _, metric in by_month}
    for cells in body:
        assert all(is_shown(t, by_month[cells[0], m]) for m, t in zip(head[1:-1], cells[1:-1], strict=True))
    whole = {m.replace("_", " "): h for m, h in hours(output, f"sample_{kind}").items()}
    assert all(is_shown(text, whole[metric]) for metric, text in zip(head[1:-1], foot[1:-1], strict=True))


def test_utilisation_is_what_its_definition_says(output: Path, tables: dict, html: str) -> None:
    head, *body = tables["Utilisation of nodes in the whole window"]
    assert head == [
        "site",
        *("in use", "taken", "reserved", "use of reservations", "use on demand"),
        "node-hours there were",
    ]
    for kind, cells in zip(KINDS, body, strict=True):
        h = hours(output, f"sample_{kind}")
        held = h["occupied_reservation"] + h["occupied_ondemand"]
        ratios = [
            held / h["total"],
            (h["committed"] + h["occupied_ondemand"]) / h["total"],
            h["committed"] / h["reservable"],
            h["occupied_reservation"] / h["committed"],
            h["occupied_ondemand"] / h["ondemand_capacity"] if kind != "edge" else None,
        ]
        assert cells[0] == f"Sample {kind}"
        for text, share in zip(cells[1:-1], ratios, strict=True):
            assert (text == "–") if share is None else abs(number(text) / 100 - share) <= 0.0005 + 1e-9
    assert "occupied_reservation ÷ committed" in html


@pytest.mark.parametrize("kind", KINDS)
def test_projects_add_up_and_the_largest_are_first(kind: str, output: Path, tables: dict) -> None:
    held: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows(output / f"sample_{kind}/usage_by_project_resampled.parquet"):
        if row["resource"] == "nodes":
            held[row["project_id"]][row["metric"]] += row["hours"]
    _, *body = tables[f"Sample {kind}: node-hours by project, those that took the most first"]
    taken = sorted((h["committed"] + h["occupied_ondemand"] for h in held.values()), reverse=True)
    shown = [(number(c[1]) or 0) + (number(c[3]) or 0) for c in body]
    assert len(body) == len(held)
    assert shown == pytest.approx(taken, abs=1.01)
    assert sum(number(c[-1]) for c in body) == pytest.approx(100, abs=0.05 * len(body))


def test_names_of_projects_stand_before_their_ids(tables: dict) -> None:
    _, *body = tables["Sample baremetal: node-hours by project, those that took the most first"]
    assert body[0][0] == "CH-822154 openstack"


@pytest.mark.parametrize("kind", KINDS)
def test_node_types_add_up_to_the_timeline(kind: str, output: Path, tables: dict) -> None:
    head, *body = tables[f"Sample {kind}: node-hours by node type"]
    whole = hours(output, f"sample_{kind}")
    for i, metric in enumerate(head[2:-1], 2):
        name = metric.replace(" ", "_")
        assert sum(number(cells[i]) or 0 for cells in body) == pytest.approx(whole[name], abs=0.51 * len(body)), metric


def test_legacy_stands_against_current(output: Path, tables: dict) -> None:
    _, *body = tables["Sample baremetal: node-hours in the window by the legacy collector and by this one"]
    legacy, current = (hours(output, "sample_baremetal", collector=c) for c in ("legacy", "current"))
    assert len(body) == 6
    for metric, old, new, difference in ((cells[0].replace(" ", "_"), *cells[1:]) for cells in body):
        assert is_shown(old, legacy[metric])
        assert is_shown(new, current[metric])
        assert is_shown(difference, current[metric] - legacy[metric])


def test_findings_are_those_of_check(output: Path, tables: dict) -> None:
    ran = succeeded(usage("check", "--output", output, "--site", "sample_kvm", "--format", "json"))
    found = [f for f in json.loads(ran.stdout)["findings"] if not f["kind"].startswith("missing")]
    _, *body = tables["Sample_kvm: findings, those with the most hours at stake first".replace("_", " ")]
    shown = [cells for cells in body if not cells[0].startswith("missing")]
    assert [(c[0], c[1]) for c in shown] == [(f["kind"].replace("_", " "), f["subject"]) for f in found]
    assert all(is_shown(cells[3], f["hours"]) for cells, f in zip(shown, found, strict=True))


def test_it_says_where_the_numbers_come_from(output: Path, tables: dict) -> None:
    _, *body = tables["Where the numbers come from"]
    runs = {
        r: pq.read_metadata(output / r / "usage.parquet").metadata[b"chameleon_usage.run_id"].decode()
        for r in (f"sample_{kind}" for kind in KINDS)
    }
    assert [cells[0].split()[-1] for cells in body] == list(runs)
    assert [cells[3] for cells in body] == list(runs.values())
    assert {cells[2] for cells in body} == {"2024-01-01 to 2025-01-01"}


def test_one_site_alone(output: Path, tmp_path: Path) -> None:
    file = tmp_path / "new folder/edge.html"
    succeeded(usage("report", "--output", output, "--site", "sample_edge", "--html", file))
    text = file.read_text()
    assert "Sites compared" not in text
    assert 'id="comparison"' not in text
    assert sorted(contents(tmp_path)) == ["new folder/edge.html"]


def test_without_resampled_files_it_says_how_to_make_them(output: Path, tmp_path: Path) -> None:
    for name in ("usage", "usage_by_project", "spans", "quality"):
        (tmp_path / "out/a").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"out/a/{name}.parquet").write_bytes((output / f"sample_edge/{name}.parquet").read_bytes())
    ran = usage("report", "--output", tmp_path / "out", "--html", tmp_path / "r.html")
    says = f"Error: {tmp_path}/out/a/usage_resampled.parquet is not there: process a into --output {tmp_path}/out"
    assert (ran.returncode, ran.stderr) == (1, f"{says} with --resample 1d\n")
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("target", "says", "code"),
    [
        ("s3://bucket/r.html", "--html 's3://bucket/r.html' is not a local path", 2),
        ("{tmp}/file/r.html", "cannot write {tmp}/file/r.html: ", 1),
        ("{tmp}", "cannot write {tmp}: Is a directory", 1),
    ],
)
def test_a_page_that_cannot_be_written(target: str, says: str, code: int, output: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    ran = usage("report", "--output", output, "--site", "sample_edge", "--html", target.format(tmp=tmp_path))
    assert ran.returncode == code
    assert ran.stderr.startswith(f"Error: {says.format(tmp=tmp_path)}"), ran.stderr
    assert contents(tmp_path) == {"file": b"a file"}


def test_names_cannot_break_out_of_their_place(output: Path) -> None:
    """A site's name in text, attributes and the script's data."""
    name = "</script><img src=x onerror=alert(1)> 'q\""
    with opened(str(output), "sample_edge", resampled=True) as published:
        site = figures.read(published, "sample_edge", name)
    text = page.page([site, site], "</title><script>1</script>")
    assert "<img src=x" not in text
    assert text.count("</script>") == text.count("<script") == 3
    assert text.count("</title>") == 1


@pytest.mark.parametrize("html", [".", "/", ""])
def test_a_page_needs_a_name(html: str, output: Path, tmp_path: Path) -> None:
    ran = usage(*config(output), "report", "--output", output, "--html", html, cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (2, f"Error: --html {html!r} is not a local path\n")
