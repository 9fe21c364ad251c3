"""What a manifest says about the files beside it."""

from pathlib import Path

import pyarrow as pa
import pytest

from loader import catalogue, manifest
from loader.errors import Failure
from loader.manifest import Extraction, Outcome

TABLES = catalogue.load()
RUN = {"run_id": "now", "snapshots": 1, "tables": {}}
NODES, SERVICES = TABLES["nova.compute_nodes"], TABLES["nova.services"]


def extraction(*outcomes: Outcome) -> Extraction:
    return Extraction([*outcomes], "run", "2024-01-01 00:00:00", 1, "10.11", "host:a:3306", history=False)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    assert manifest.read(str(tmp_path)) == {}
    copied = Outcome(NODES, "copied", 3, 0.12345, 99, {"created_at": 1}, ["id"], fall=2, vanished=0)
    extraction(Outcome(SERVICES, "skipped", code=1146, reason="no such table"), copied).write(str(tmp_path), tmp_path)
    told = manifest.read(str(tmp_path))
    assert manifest.identity(told) == "host:a:3306"
    assert list(told["tables"]) == ["nova.compute_nodes", "nova.services"], "in the order of the catalogue"
    assert told["tables"]["nova.services"] == {
        "status": "skipped",
        "code": 1146,
        "reason": "no such table",
        "has_earlier_file": False,
    }
    assert told["tables"]["nova.compute_nodes"] == {
        "status": "copied",
        "rows": 3,
        "bytes": 99,
        "columns": ["id"],
        "zero_dates": {"created_at": 1},
        "fall": 2,
        "vanished": 0,
        "seconds": 0.123,
    }


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"tables": []}', '"text"', "\x00\xff"])
def test_a_file_that_is_no_manifest_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "_manifest.json").write_text(content)
    with pytest.raises(Failure, match=f"{tmp_path}/_manifest.json is not a manifest of ours"):
        manifest.read(str(tmp_path))


def test_failed_tables_are_those_that_every_cloud_has(tmp_path: Path) -> None:
    """A skipped one was never there; an optional one is missed by nobody; an unknown one is of another version."""
    failed = [Outcome(t, "failed", code=2013, reason="lost") for t in (NODES, SERVICES)]
    skipped = Outcome(TABLES["nova.instances"], "skipped", code=1146, reason="gone")
    extraction(*failed, skipped).write(str(tmp_path), tmp_path)
    told = manifest.read(str(tmp_path))
    told["tables"]["nova.of_a_later_version"] = {"status": "failed"}
    assert manifest.failed(told) == ["nova.compute_nodes"]
    assert manifest.failed({}) == []


@pytest.mark.parametrize(
    ("told", "runs", "says"),
    [
        ({}, {}, []),
        ({}, {"a": None, "b": None}, []),  # of another tool, or made up
        ({}, {"a": "1", "b": "1"}, []),
        ({}, {"a": "1", "b": "2"}, ["the files are of several extractions, and none has ended: extract again"]),
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
