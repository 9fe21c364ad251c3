"""The wide table: as parquet, and exported into a real MariaDB for dashboards."""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loader import sample
from tests import servers
from tests.commands import CHECKOUT, OUTPUTS, WINDOW, contents, rows, succeeded, usage
from tests.commands import process as processed
from tests.extracted import RUN, extracted_again

PASSWORD = "p@ss/w:rd"  # noqa: S105
NAMED = {"occupied_reserved": "occupied_reservation"}
METRICS = ("total", "reservable", "committed", "occupied_ondemand", "occupied_reserved")
COLUMNS = ("time", "site", "resource", *METRICS, "active_ondemand", "active_reserved")
SELECT = f"SELECT {', '.join(COLUMNS)} FROM usage_compat.usage_wide"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wide")
    for kind in ("baremetal", "edge"):
        sample.write(kind, made / kind)
    (made / "site.yml").write_text("".join(f"{k}: {{data_dir: {made}/{k}}}\n" for k in ("baremetal", "edge")))
    return made


@pytest.fixture
def uri(mariadb: servers.MariaDB) -> Iterator[str]:
    """A user who may do with usage_compat what docs/operating says, and no more."""
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS usage_compat")
        cursor.execute(f"CREATE OR REPLACE USER 'dashboards'@'%' IDENTIFIED BY '{PASSWORD}'")
        cursor.execute("GRANT SELECT, INSERT, DELETE, CREATE ON usage_compat.* TO 'dashboards'@'%'")
    yield mariadb.uri("dashboards", PASSWORD)
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS usage_compat")


def process(folder: Path, output: Path, *flags: str, window: tuple[str, str] = WINDOW, env: dict | None = None):
    dates = ("--start-date", window[0], "--end-date", window[1])
    return usage("--config", folder / "site.yml", "process", "--output", output, *dates, *flags, env=env)


def table(server: servers.MariaDB) -> list[tuple]:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"{SELECT} ORDER BY site, resource, time")
        return list(cursor.fetchall())


def of_files(output: Path, *sites: str) -> list[tuple]:
    found = [tuple(r[c] for c in COLUMNS) for site in sites for r in rows(output / site / "usage_wide.parquet")]
    return sorted(found, key=lambda r: (r[1], r[2], r[0]))


def test_wide_is_usage_side_by_side(folder: Path, tmp_path: Path) -> None:
    """At every instant at which a metric changes, each has the value of its own latest row in usage.parquet."""
    succeeded(process(folder, tmp_path, "--wide"))
    for site in ("baremetal", "edge"):
        assert list(contents(tmp_path / site)) == sorted([*OUTPUTS, "usage_wide.parquet"])
        series: dict[tuple[str, str], list[tuple[datetime, float]]] = defaultdict(list)
        for r in rows(tmp_path / site / "usage.parquet"):
            if r["collector_type"] == "current":
                series[r["resource"], r["metric"]].append((r["timestamp"], r["value"]))
        wide = rows(tmp_path / site / "usage_wide.parquet")
        for resource in {resource for resource, _ in series}:
            shown = [NAMED.get(m, m) for m in METRICS]
            instants = {t for m in shown for t, _ in series.get((resource, m), [])}
            assert instants <= {r["time"] for r in wide if r["resource"] == resource}
        for r in wide:
            for metric in METRICS:
                points = series.get((r["resource"], NAMED.get(metric, metric)))
                at = bisect_right([t for t, _ in points], r["time"]) - 1 if points else None
                assert r[metric] == (points[at][1] if points else None)
            assert (r["active_ondemand"], r["active_reserved"]) == (r["occupied_ondemand"], r["occupied_reserved"])
        assert tuple(pq.read_schema(tmp_path / site / "usage_wide.parquet").names) == COLUMNS


def test_a_run_without_wide_takes_the_file_away(folder: Path, tmp_path: Path) -> None:
    succeeded(process(folder, tmp_path, "--wide", "--site", "edge"))
    succeeded(process(folder, tmp_path, "--site", "edge"))
    assert list(contents(tmp_path / "edge")) == OUTPUTS


def test_export_replaces_the_rows_of_the_sites(
    folder: Path, uri: str, mariadb: servers.MariaDB, tmp_path: Path
) -> None:
    ran = succeeded(process(folder, tmp_path, "--export-uri", uri))
    first = table(mariadb)
    assert first == of_files(tmp_path, "baremetal", "edge")
    assert len(first) > 1000
    assert re.search(
        rf"exported {len(first):,} rows to usage_compat.usage_wide as dashboards@127.0.0.1:\d+\n", ran.stdout
    )
    assert PASSWORD not in ran.stdout + ran.stderr
    # one site again, of another window, by the variable: the other's rows stay
    half = ("2024-01-01", "2024-07-01")
    succeeded(process(folder, tmp_path, "--site", "edge", window=half, env={"EXPORT_URI": uri}))
    assert table(mariadb) == of_files(tmp_path, "baremetal", "edge")
    assert [r for r in table(mariadb) if r[1] == "baremetal"] == [r for r in first if r[1] == "baremetal"]
    assert max(r[0] for r in table(mariadb) if r[1] == "edge") < datetime(2024, 7, 1)


def test_an_export_that_fails_changes_no_row(folder: Path, uri: str, mariadb: servers.MariaDB, tmp_path: Path) -> None:
    """The table refuses a row of the last site: the rows of the first are as before, too."""
    succeeded(process(folder, tmp_path, "--export-uri", uri))
    with mariadb.connect() as connection, connection.cursor() as cursor:
        check = "site <> 'edge' OR time <> '2024-02-03 04:05:06'"
        cursor.execute(f"ALTER TABLE usage_compat.usage_wide ADD CHECK ({check})")
    before = table(mariadb)
    ran = process(folder, tmp_path, "--export-uri", uri, window=("2024-02-03T04:05:06", "2024-03-01"))
    assert ran.returncode == 1
    (line,) = [line for line in ran.stderr.splitlines() if line.startswith("Error: ")]
    assert line.startswith("Error: cannot export to usage_compat.usage_wide as dashboards@127.0.0.1:")
    assert "CONSTRAINT" in line
    assert table(mariadb) == before


@pytest.mark.parametrize(
    ("made", "says", "code"),
    [
        ("postgres://u:p@h/x", "--export-uri has the scheme postgres://; write mysql://", 2),
        (
            "mysql://u:{password}@127.0.0.1:1",
            "cannot export to usage_compat.usage_wide as u@127.0.0.1:1: Can't connect",
            1,
        ),
    ],
)
def test_a_wrong_target_is_one_line(made: str, says: str, code: int, folder: Path, tmp_path: Path) -> None:
    ran = process(folder, tmp_path, "--site", "edge", "--export-uri", made.replace("{password}", "hunter2"))
    assert ran.returncode == code
    assert ran.stderr.splitlines()[-1].startswith(f"Error: {says}")
    assert "hunter2" not in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert (tmp_path / "edge/usage.parquet").exists() == (code == 1), "it is published before it is exported"


def test_grafanas_query_answers(folder: Path, uri: str, mariadb: servers.MariaDB, tmp_path: Path) -> None:
    """As docs/dashboards.md has it, with what Grafana puts for its macro."""
    succeeded(process(folder, tmp_path, "--export-uri", uri))
    (query,) = re.findall(r"```sql\n(.*?)```", (CHECKOUT / "docs/dashboards.md").read_text(), re.DOTALL)[:1]
    query = query.replace("$__timeFilter(time)", "time BETWEEN '2024-02-01' AND '2024-03-01'")
    query = query.replace("'$site'", "'baremetal'")
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchall()
    wide = [r for r in rows(tmp_path / "baremetal/usage_wide.parquet") if r["resource"] == "nodes"]
    inside = [r for r in wide if datetime(2024, 2, 1) <= r["time"] <= datetime(2024, 3, 1)]
    assert [r[0] for r in found] == [r["time"] for r in inside]
    assert len(inside) > 10
    assert found[0][1:] == (
        inside[0]["occupied_reserved"],
        inside[0]["occupied_ondemand"],
        inside[0]["committed"] - inside[0]["occupied_reserved"],
        inside[0]["total"],
    )


def test_names_that_differ_in_case_are_two_sites(
    folder: Path, uri: str, mariadb: servers.MariaDB, tmp_path: Path
) -> None:
    (edge,) = [line for line in (folder / "site.yml").read_text().splitlines() if line.startswith("edge:")]
    (tmp_path / "site.yml").write_text(edge.replace("edge:", "EDGE:", 1))
    succeeded(process(folder, tmp_path / "out", "--site", "edge", "--export-uri", uri))
    dates = ["--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    flags = ["process", "--output", tmp_path / "other", "--export-uri", uri, *dates]
    succeeded(usage("--config", tmp_path / "site.yml", *flags))
    sites = Counter(row[1] for row in table(mariadb))
    assert sites["edge"] == sites["EDGE"] > 0


def test_outputs_that_are_left_alone_are_exported(data: Path, uri: str, tmp_path: Path) -> None:
    """An export that failed is made up for without processing once more."""
    extracted_again(data, RUN, "2025-01-01 00:00:00.000000")
    first = processed(data, tmp_path / "out", flags=["--wide"])
    assert "exported" not in first.stdout
    again = processed(data, tmp_path / "out", flags=["--export-uri", uri]).stdout
    assert again.startswith("here: nothing to do, ")
    count = len(rows(tmp_path / "out/here/usage_wide.parquet"))
    assert f"exported {count:,} rows to usage_compat.usage_wide" in again
