"""The made-up sites show every kind of row that the models count; the counting is tests/oracle's."""

from datetime import datetime
from fractions import Fraction

import pytest

from loader import catalogue, sample
from loader.sample.site import PROFILES
from tests.commands import WINDOW
from tests.oracle import Result, count
from tests.oracle.site import ARCHIVED, MARKS
from tests.oracle.values import Points, Tables


@pytest.fixture(scope="module")
def sites() -> dict[str, Tables]:
    return {kind: {name: table.to_pylist() for name, table in sample.generate(kind).items()} for kind in sample.KINDS}


@pytest.fixture(scope="module")
def counts(sites: dict[str, Tables]) -> dict[str, Result]:
    start, end = map(datetime.fromisoformat, WINDOW)
    return {kind: count(tables, start, end) for kind, tables in sites.items()}


def test_every_table_that_models_read_has_rows_in_some_site(sites: dict[str, Tables]) -> None:
    read = {name for name, table in catalogue.load().items() if (catalogue.project_dir() / staging(table)).exists()}
    archives = {f"nova.shadow_{name}" for name in ARCHIVED}
    assert {name for tables in sites.values() for name, rows in tables.items() if rows} == read | archives


def staging(table: catalogue.Table) -> str:
    return f"models/staging/stg_{table.schema}__{table.name}.sql"


def test_every_action_mark_source_of_a_booking_and_node_type_occurs(counts: dict[str, Result]) -> None:
    spans = [span for count in counts.values() for span in count.spans]
    assert {span["action"] for span in spans} == {
        *("none", "clipped", "superseded", "orphan", "null_key", "empty", "never_launched", "hidden")
    }
    marks = {mark for span in spans if span["note"] for mark in span["note"].split(", ")}
    assert marks == {*MARKS}
    bookings = {span["booking_source"] for span in spans if span["source_table"] == "nova.instances"}
    assert bookings == {"hint", "flavor", "extra", "inferred", "none"}
    types = {t for kind in sample.KINDS for t in PROFILES[kind].node_types}
    assert types <= {span["node_type"] for span in spans}


def test_the_earlier_collector_is_near_to_the_site_itself(counts: dict[str, Result]) -> None:
    usage, day = counts["baremetal"].usage, datetime(2024, 1, 15)
    for metric in ("total", "reservable", "committed"):
        legacy, current = (value_at(usage[kind, metric, "nodes"], day) for kind in ("legacy", "current"))
        assert 0.5 < legacy / current < 2, (metric, float(legacy), float(current))


def value_at(points: Points, instant: datetime) -> Fraction:
    return [value for ts, value in points if ts <= instant][-1]


def test_projects_have_names_but_one(sites: dict[str, Tables]) -> None:
    for tables in sites.values():
        names = {row["id"]: row["name"] for row in tables["keystone.project"]}
        owners = {row["project_id"] for row in tables["blazar.leases"]}
        assert len(owners - names.keys()) <= 1
        assert {*sample.PROJECT_NAMES} <= {*names.values()}


def test_a_factor_scales_the_regular_part_alone(sites: dict[str, Tables]) -> None:
    small, large = sites["kvm"], {name: table.to_pylist() for name, table in sample.generate("kvm", 5).items()}
    for name in ("nova.instances", "nova.shadow_instances", "nova.migrations"):
        assert len(small[name]) < len(large[name]), name
    for name in ("nova.instance_extra", "nova.shadow_compute_nodes", "nova_api.flavors"):
        assert large[name][:2] == small[name][:2], name
    assert large["nova.instance_extra"] == small["nova.instance_extra"]
