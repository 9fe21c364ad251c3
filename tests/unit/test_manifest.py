"""What a manifest says about the files beside it."""

from pathlib import Path

import pyarrow as pa
import pytest

from loader import catalogue, manifest
from loader.errors import Failure
from loader.manifest import Extraction, Outcome

TABLES = catalogue.load()
RUN = {"run_id": "now", "snapshots": 1, "tables": {}}
ORIGIN = {"run_id": "run", "snapshot_at": "2024-01-01 00:00:00"}
NODES, SERVICES = TABLES["nova.compute_nodes"], TABLES["nova.services"]


def extraction(*outcomes: Outcome) -> Extraction:
    return Extraction([*outcomes], "run", "2024-01-01 00:00:00", 1, "10.11", "host:a:3306", history=False)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    assert manifest.read(str(tmp_path)) == {}
    copied = Outcome(NODES, "copied", 3, 0.12345, 99, {"created_at": 1}, ["id"], fall=2, vanished=0)
    extraction(Outcome(SERVICES, "skipped", code=1146, reason="no such table"), copied).write(
        str(tmp_path), tmp_path, {}
    )
    told = manifest.read(str(tmp_path))
    assert manifest.identity(told) == "host:a:3306"
    assert list(told["tables"]) == ["nova.compute_nodes", "nova.services"], "in the order of the catalogue"
    assert told["tables"]["nova.services"] == {
        "status": "skipped",
        "code": 1146,
        "reason": "no such table",
        "has_earlier_file": False,
        **ORIGIN,
    }
    assert told["tables"]["nova.compute_nodes"] == {
        "status": "copied",
        "rows": 3,
        "bytes": 99,
        "columns": ["id"],
        "zero_dates": {"created_at": 1},
        "fall": 2,
        "vanished": 0,
        "lacking": [],
        "seconds": 0.123,
        **ORIGIN,
    }


BROKEN = [
    '{"format": 2, "tables": {"nova.instances": null}}',
    '{"format": 2, "tables": {"nova.instances": {"status": "copied", "rows": "12"}}}',
    '{"format": 2, "snapshots": "x", "tables": {}}',
]
ENDED = "the last extraction was ended before its manifest: files may be of several; extract again"


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"tables": []}', '"text"', "\x00\xff", *BROKEN])
def test_a_file_that_is_no_manifest_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "_manifest.json").write_text(content)
    with pytest.raises(Failure, match=f"{tmp_path}/_manifest.json is not a manifest of ours"):
        manifest.read(str(tmp_path))


def test_failed_tables_are_those_that_every_cloud_has(tmp_path: Path) -> None:
    """A skipped one was never there; an optional one is missed by nobody; an unknown one is of another version."""
    failed = [Outcome(t, "failed", code=2013, reason="lost") for t in (NODES, SERVICES)]
    skipped = Outcome(TABLES["nova.instances"], "skipped", code=1146, reason="gone")
    extraction(*failed, skipped).write(str(tmp_path), tmp_path, {})
    told = manifest.read(str(tmp_path))
    told["tables"]["nova.of_a_later_version"] = {"status": "failed"}
    assert manifest.failed(told) == ["nova.compute_nodes"]
    told["tables"]["nova.instances"]["has_earlier_file"] = True
    assert manifest.failed(told) == ["nova.compute_nodes", "nova.instances"], "rows of a table that is gone"
    assert manifest.failed({}) == []


@pytest.mark.parametrize(
    ("told", "runs", "says"),
    [
        ({}, {}, []),
        ({}, {"a": None, "b": None}, []),  # of another tool, or made up
        ({}, {"a": "1", "b": "1"}, [ENDED]),
        ({}, {"a": "1", "b": None}, [ENDED]),
        (RUN, {"a": "now", "b": "now"}, []),
        (
            RUN,
            {"a": "now", "c": "old", "b": None},
            ["not of the last extraction: b, c; numbers of its time may disagree"],
        ),
        (
            RUN | {"snapshots": 2},
            {"a": "now"},
            ["the connection was lost while extracting: the tables are of 2 instants"],
        ),
        ({"tables": {}, "format": 1, "server": "10.11"}, {"a": None}, []),  # as 0.1.0 wrote it
    ],
)
def test_doubts(told: dict, runs: dict, says: list[str]) -> None:
    assert manifest.doubts(told, runs) == says


def test_the_identity_of_a_server_may_be_unknown() -> None:
    assert manifest.identity({}) is None
    assert manifest.identity({"server": "10.11.19-MariaDB"}) is None


def test_marks_are_those_of_ours() -> None:
    schema = pa.schema([("id", pa.int64())], {"chameleon_usage.run_id": "r", "pandas": "x"})
    assert manifest.marks(schema) == {"run_id": "r"}
    assert manifest.marks(pa.schema([])) == {}


def test_only_what_numbers_need_is_a_loss() -> None:
    assert [Outcome(t, status).is_loss for status in ("copied", "skipped", "failed") for t in (NODES, SERVICES)] == [
        *(False, False),
        *(True, False),
        *(True, True),
    ]


def test_what_a_run_left_out_stays_in_the_manifest(tmp_path: Path) -> None:
    """So a run with --schema doesn't make it forget that another table has failed."""
    extraction(Outcome(NODES, "failed", code=2013, reason="lost")).write(str(tmp_path), tmp_path, {})
    before = manifest.read(str(tmp_path))
    later = extraction(Outcome(TABLES["blazar.leases"], "copied", 3))
    later.run_id, later.snapshot_at = "later", "2024-02-02 00:00:00"
    later.write(str(tmp_path), tmp_path, before)
    told = manifest.read(str(tmp_path))
    assert told["tables"]["nova.compute_nodes"] == before["tables"]["nova.compute_nodes"]
    assert told["tables"]["blazar.leases"]["run_id"] == "later"
    assert manifest.failed(told) == ["nova.compute_nodes"]


def test_a_manifest_of_a_newer_version_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "_manifest.json").write_text('{"format": 99, "tables": {}}')
    for read in (manifest.read, manifest.read_or_warn):
        with pytest.raises(Failure, match="was written by a newer version"):
            read(str(tmp_path))


def test_what_is_incomplete_is_told_with_its_metrics() -> None:
    def told(name: str, **entry) -> list[str]:
        return manifest.doubts({"run_id": "now", "tables": {name: entry}}, {})

    assert told("nova.instances", status="skipped") == [
        "nova.instances could not be copied: incomplete are occupied_reservation, occupied_ondemand"
    ]
    assert told("zun.container", status="failed") == [
        "zun.container could not be copied: incomplete are occupied_reservation"
    ]
    assert told("zun.container", status="skipped") == [], "a cloud without it"
    assert told("nova.services", status="failed") == [], "no model reads it"
    assert told("nova.compute_nodes", status="copied", lacking=["vcpus"]) == [
        "nova.compute_nodes lacks the columns vcpus: incomplete are total"
    ]
