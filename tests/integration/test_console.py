"""What a person sees on a terminal and in cron, and a machine in its log, while tables are copied."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

from loader import catalogue
from tests import database
from tests.cloud import COPIED_AFTER, Cloud, small_site
from tests.commands import BIN, succeeded, usage
from tests.terminal import on_a_terminal

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROWS = 1_000_000


def enlarge(cloud: Cloud) -> None:
    cloud.sql(
        f"INSERT INTO {COPIED_AFTER} (id, instance_uuid, spec)"
        f" SELECT 1000000 + seq, md5(seq), repeat(md5(seq), 2) FROM nova.seq_1_to_{ROWS}",
        f"ANALYZE TABLE {COPIED_AFTER}",
    )


def extracted_on_a_terminal(cloud: Cloud, *flags: str, stdout: Path | None = None) -> tuple[int, str]:
    return on_a_terminal(*cloud.flags(), *flags, stdout=stdout, DATABASE_URI=cloud.account.uri)


def test_a_terminal_shows_a_bar_with_rows_and_rate(cloud: Cloud) -> None:
    enlarge(cloud)
    code, sent = extracted_on_a_terminal(cloud)
    assert code == 0, sent
    text = ESCAPE.sub("", sent)
    bars = re.findall(rf"{re.escape(COPIED_AFTER)} [━╸╺]+ ([\d,]+) rows ([\d,]+)/s +\d:\d\d:\d\d", text)
    seen = [int(rows.replace(",", "")) for rows, _ in bars]
    assert len(set(seen)) > 2, "it was to move"
    assert seen == sorted(seen)
    assert any(0 < rows < ROWS for rows in seen)
    assert any(int(rate.replace(",", "")) > 0 for _, rate in bars)
    assert re.search(rf"{re.escape(COPIED_AFTER)} +1,000,020 rows +[\d.]+ MB +[\d.]+ s\r\n", text), "and leaves a line"


def test_lines_for_a_file_are_in_the_file(cloud: Cloud, tmp_path: Path) -> None:
    code, sent = extracted_on_a_terminal(cloud, stdout=tmp_path / "log")
    assert code == 0
    assert "━" in sent
    assert "tables, 200 rows in" not in sent
    text = (tmp_path / "log").read_text()
    assert "\x1b" not in text
    assert [line.split()[0] for line in text.splitlines()[: len(small_site())]] == small_site_in_order()


def test_a_machine_on_a_terminal_gets_no_bar(cloud: Cloud) -> None:
    code, sent = extracted_on_a_terminal(cloud, "--log-format", "json")
    assert code == 0
    assert "\x1b" not in sent
    assert all(json.loads(line) for line in sent.splitlines())


def test_cron_gets_plain_lines_and_a_table(cloud: Cloud) -> None:
    run = succeeded(cloud.extract())
    assert "\x1b" not in run.stdout + run.stderr
    assert "━" not in run.stdout + run.stderr
    lines, _, table = run.stdout.partition("table ")
    assert [line.split()[0] for line in lines.splitlines()] == list(small_site_in_order())
    head, *body = ("table " + table).splitlines()
    assert head.split() == ["table", "rows", "gone", "kept", "size", "time"]
    assert all(len(line) <= 80 for line in body[: len(small_site())])
    expected = [[name, str(small_site()[name].num_rows)] for name in small_site_in_order()]
    assert [line.split()[:2] for line in body[: len(expected)]] == expected


def small_site_in_order() -> list[str]:
    return [name for name in catalogue.load() if name in small_site()]


def test_a_machine_reads_an_object_a_line(cloud: Cloud) -> None:
    succeeded(cloud.extract())
    cloud.sql(
        "DELETE FROM blazar.leases LIMIT 4",
        "SET sql_mode = ''",
        "INSERT INTO blazar.leases (id, start_date) VALUES ('zero', '0000-00-00')",
        "DROP TABLE nova.instance_actions",
    )
    run = usage(*cloud.flags(), "--log-format", "json", env={"DATABASE_URI": cloud.account.uri})
    assert run.returncode == 1
    out, err = ([json.loads(line) for line in text.splitlines()] for text in (run.stdout, run.stderr))
    assert {line["level"] for line in out} == {"info"}
    assert {line["level"] for line in err} == {"warning", "error"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"]) for line in out + err)
    assert all("  " not in line["message"] for line in out + err)
    tables = {line["table"]: line for line in out if line.get("event") == "table"}
    assert set(tables) == small_site().keys() - {"nova.instance_actions"}
    leases = tables["blazar.leases"]
    assert (leases["site"], leases["status"], leases["rows"], leases["fall"]) == ("site", "copied", 17, 3)
    [missing] = [line for line in err if line.get("status") == "skipped"]
    assert (missing["table"], missing["code"]) == ("nova.instance_actions", 1146)
    [summary] = [line for line in out if line.get("event") == "summary"]
    assert summary["run_id"] == cloud.manifest()["run_id"]
    assert summary["snapshot_at"] == cloud.manifest()["snapshot_at"]
    assert (summary["copied"], summary["failed"]) == (len(small_site()) - 1, 0)
    assert summary["bytes"] == sum(t["bytes"] for t in tables.values())
    assert [line["message"] for line in err if line.get("event") == "fall"] == [
        "blazar.leases: 3 rows fewer than in the last extraction, 17 now: what the cloud has purged is lost from here "
        "on; `history: true` keeps it"
    ]
    assert err[-1]["message"] == "not everything was extracted: site (see the warnings above)"


def test_a_failure_is_an_object_too_and_shows_no_password(cloud: Cloud, tmp_path: Path) -> None:
    config = tmp_path / "site.yml"
    config.write_text(
        f"away: {{db_uri: 'mysql://u:hunter2@127.0.0.1:1', data_dir: {tmp_path}/away}}\n"
        f"here: {{db_uri: '{cloud.account.uri}', data_dir: {tmp_path}/here}}\n"
    )
    run = usage("--config", config, "extract", "--log-format", "json")
    assert run.returncode == 1
    first, last = map(json.loads, run.stderr.splitlines())
    assert (first["level"], first["site"]) == ("error", "away")
    assert first["message"].startswith("away: cannot connect to the database as u@127.0.0.1:1: ")
    assert last["message"] == "not everything was extracted: away (see the warnings above)"
    assert database.PASSWORD not in run.stdout + run.stderr
    assert "hunter2" not in run.stdout + run.stderr


def test_a_reader_that_goes_away_does_not_end_the_copy(cloud: Cloud) -> None:
    command = shlex.join([str(BIN / "chameleon-usage"), *cloud.flags()])
    run = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -1"],
        env={**os.environ, "DATABASE_URI": cloud.account.uri},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert cloud.manifest()["tables"].keys() >= small_site().keys()
