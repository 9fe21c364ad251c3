"""`check` and `status`: what is wrong with the numbers, and how old they are."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from loader import meanings
from tests.cloud import Cloud
from tests.commands import process, rows, succeeded, usage
from tests.small_site import allocation, bare_instance, blazar_host, host, instance, lease, write

MARCH = ("2024-03-01", "2024-04-01")


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A site with findings whose hours in March (744) can be told by hand.

    `late` is 2 days after its lease (orphan, 48 h); `long` 3 days longer than it (clipped, 72 h); `failed` never ran
    (24 h); `elsewhere` is 10 days on `b`, which nova has not (unknown_host, 240 h). `big` has 16 of 8 vcpus: negative.
    An allocation of a host that is nowhere claims the 15 days of its lease (orphan, 360 h).
    """
    work = tmp_path_factory.mktemp("small")
    site = write(
        work / "data",
        *(host("a"), blazar_host("a"), lease("r", 5, 20, "a"), allocation("r", "nowhere")),
        *(instance("late", 22, 24, "r"), instance("long", 6, 23, "r"), instance("failed", 2, 3, launched_at=None)),
        *(bare_instance("elsewhere", 2, 12, node="b", vcpus=1), instance("big", 25, 29, vcpus=16)),
    )
    (site / "zun.container.parquet").unlink()
    (site / "keystone.project.parquet").unlink()
    process(site, work / "out", window=MARCH)
    return work / "out"


def checked(output: Path, *flags: str) -> list[dict]:
    found = succeeded(usage("check", "--output", output, "--format", "json", *flags)).stdout
    return json.loads(found)["findings"]


def test_findings_by_hours(small: Path) -> None:
    found = [(f["kind"], f["subject"], f["rows"], f["hours"]) for f in checked(small)]
    for finding in (
        ("missing_optional", "zun.container (occupied_reservation)", None, None),
        ("orphan", "committed", 1, 360.0),
        ("unknown_host", "occupied_ondemand", 1, 240.0),
        ("negative", "available_ondemand in vcpus", None, None),
        ("clipped", "occupied_reservation", 1, 72.0),
        ("orphan", "occupied_reservation", 1, 48.0),
        ("never_launched", "occupied_ondemand", 1, 24.0),
    ):
        assert any(f[:2] == finding[:2] and finding[2:] in (f[2:], (None, None)) for f in found), finding
    known = [hours for _, _, _, hours in found if hours is not None]
    assert known == sorted(known, reverse=True)
    unknown = [f for f in found if f[3] is None]
    assert found[-len(unknown) :] == unknown, "what has no hours comes last; no required table is missing"
    assert "keystone.project" in [f[1] for f in unknown]


def test_a_required_table_is_another_kind_and_comes_first(small: Path, tmp_path: Path) -> None:
    """Instances that nobody extracted."""
    data = shutil.copytree(small.parent / "data", tmp_path / "data")
    (data / "nova.instances.parquet").unlink()
    process(data, tmp_path / "out", window=MARCH)
    first = checked(tmp_path / "out")[0]
    assert (first["kind"], first["subject"].split()[0]) == ("missing_table", "nova.instances")
    ran = usage("check", "--output", tmp_path / "out", "--fail-on", "missing_table")
    assert "here: 1 finding that --fail-on names: missing_table" in ran.stderr


def test_databases_that_the_config_does_not_name_are_not_missed(small: Path, tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(f"here: {{output: {small}, schemas: [nova, nova_api, blazar]}}\n")
    ran = succeeded(usage("--config", tmp_path / "site.yml", "check", "--format", "json"))
    found = json.loads(ran.stdout)["findings"]
    assert not [f for f in found if f["kind"].startswith("missing")]
    assert len(found) == len([f for f in checked(small) if not f["kind"].startswith("missing")])


def test_every_finding_that_matters_has_a_meaning_and_advice(small: Path) -> None:
    """Each action, mark and check of quality.parquet that isn't plainly right."""
    for row in rows(small / "here/quality.parquet"):
        meaning = meanings.meaning(row["check"], row["action"], row["detail"])
        is_right = row["check"] == "rows" and row["action"] in (None, "none", "clipped", "superseded")
        assert (meaning is None) == is_right, row
    assert all(f["meaning"] and f["advice"] for f in checked(small))


def test_as_text_and_csv(small: Path) -> None:
    text = succeeded(usage("check", "--output", small)).stdout
    assert text.startswith("here, 2024-03-01 00:00:00 to 2024-04-01 00:00:00 (UTC): ")
    assert "  orphan: occupied_reservation: 48.0 h, 1 row\n" in text
    assert "  missing_optional: " in text
    assert text.count("nothing in the level above overlaps") == 1, "what a kind means is said once"
    assert max(map(len, text.splitlines()[1:])) <= 80
    lines = list(csv.DictReader(io.StringIO(succeeded(usage("check", "--output", small, "--format", "csv")).stdout)))
    assert {(line["site"], line["kind"], line["hours"]) for line in lines} >= {("here", "never_launched", "24.0")}


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        ([], 0, ""),
        (["--fail-on", "hidden"], 0, ""),
        (["--fail-on", "orphan"], 1, "here: 2 findings that --fail-on names: orphan"),
        (["--fail-on", "orphan", "--min-hours", "100"], 1, "here: 1 finding that --fail-on names: orphan"),
        (["--fail-on", "orphan", "--min-hours", "400"], 0, ""),
        (["--fail-on", "missing_table"], 0, ""),  # every cloud's tables are there
        (["--fail-on", "missing_optional"], 1, "here: 2 findings that --fail-on names: missing_optional"),
        (["--min-hours", "-1"], 2, "-1.0 is not in the range x>=0"),
        (["--fail-on", "any"], 1, "findings that --fail-on names: "),
        (["--fail-on", "orphans"], 2, "'orphans' is not one of 'any', 'orphan'"),
        (["--site", "there"], 1, "usage.parquet is not there: process there into --output"),
    ],
)
def test_exit_codes(flags: list[str], code: int, says: str, small: Path) -> None:
    ran = usage("check", "--output", small, *flags)
    assert ran.returncode == code, ran.stderr
    assert says in ran.stderr
    assert bool(says) == bool(ran.stderr)


def test_no_outputs_at_all(tmp_path: Path) -> None:
    for command in ("check", "status"):
        ran = usage(command, cwd=tmp_path)
        assert ran.returncode == 2
        assert ran.stderr == "Error: no site has outputs in output/usage; give --output, or --config with `output`\n"


def test_status_from_nothing_to_outdated(cloud: Cloud, tmp_path: Path) -> None:
    """Before and after extract and process; then the tables are extracted anew."""
    config = tmp_path / "site.yml"
    config.write_text(f"here: {{site_name: Here, data_dir: {cloud.data_dir}, output: {tmp_path / 'out'}}}\n")

    def told() -> dict:
        ran = succeeded(usage("--config", config, "status", "--format", "json"))
        return json.loads(ran.stdout)["sites"][0]

    before = told()
    assert (before["site"], before["snapshot_at"], before["processed_at"], before["is_outdated"]) == (
        *("here", None, None),
        False,
    )
    cloud.extract()
    extracted = told()
    assert extracted["snapshot_at"] is not None
    assert extracted["copied"] == len(list(cloud.data_dir.glob("*.parquet")))
    window = ("--start-date", MARCH[0], "--end-date", MARCH[1])
    succeeded(usage("--config", config, "process", *window))
    processed = told()
    assert processed["processed_snapshot_at"] == extracted["snapshot_at"]
    assert (processed["start_date"], processed["end_date"]) == ("2024-03-01T00:00:00", "2024-04-01T00:00:00")
    assert not processed["is_outdated"]
    text = succeeded(usage("--config", config, "status")).stdout
    assert text.splitlines()[1].split() == [*["Here", "just", "now", "just", "now", "2024-03-01", "to", "2024-04-01"]]
    cloud.extract()
    assert told()["is_outdated"]
    assert "since it was processed" in succeeded(usage("--config", config, "status")).stdout


def test_status_of_a_place_that_cannot_be_read_goes_on_with_the_others(small: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/_manifest.json").write_text("{")
    config = tmp_path / "site.yml"
    config.write_text(f"bad: {{data_dir: {tmp_path / 'bad'}}}\nhere: {{data_dir: {tmp_path / 'none'}}}\n")
    ran = usage("--config", config, "status", "--output", small)
    assert ran.returncode == 1
    assert "bad: " in ran.stderr
    assert "is not a manifest of ours" in ran.stderr
    assert "2024-03-01 to 2024-04-01" in ran.stdout


def test_few_hours_are_left_out_of_every_format(small: Path) -> None:
    found = succeeded(usage("check", "--output", small, "--format", "json", "--min-hours", "1000000")).stdout
    assert [f for f in json.loads(found)["findings"] if f["hours"] is not None] == []
    assert json.loads(found)["findings"], "those without hours stay"
