"""Bounds, ties and nulls that tests.mutants found untested: a few rows each, the numbers worked out by hand."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from tests.commands import Row
from tests.compare import assert_equal
from tests.compiled import Built, Project, write_tables
from tests.mutants import variables_of
from tests.random_site import random_site, to_tables

WINDOW = ("2024-01-01", "2024-02-01")
Build = Callable[..., Built]


def day(number: int) -> datetime:
    """A day of January."""
    return datetime(2024, 1, number)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    work = tmp_path_factory.mktemp("dbt")
    return Project(work, without=("quality", "hours"), start_date=WINDOW[0], end_date=WINDOW[1])


@pytest.fixture
def build(project: Project, tmp_path: Path) -> Build:
    """The models of a site with these rows, by table; `changed` makes other files of them."""

    def made(rows: dict[str, list[Row]], changed: Callable[[pa.Table], pa.Table] = lambda table: table) -> Built:
        tables = {name: changed(table) for name, table in to_tables(rows).items()}
        folder = write_tables(tables, tmp_path / "data")
        return project.plan(folder).run(folder)

    return made


def spans(built: Built, *columns: str) -> dict[str, tuple]:
    """These columns of the only span of each source row."""
    found = built.rows("spans")
    by_id = {span["source_id"]: tuple(span[c] for c in columns) for span in found}
    assert len(by_id) == len(found)
    return by_id


@pytest.mark.parametrize("seed", [1, 3, 7, 9, 11])
def test_changes_at_the_bounds_of_the_window_and_of_buckets(seed: int, project: Project, tmp_path: Path) -> None:
    """The instants of random sites are whole quarters of days; so are the bounds of odd seeds' windows."""
    variables = variables_of(seed)
    folder = write_tables(to_tables(random_site(seed)), tmp_path / "data")
    built = project.plan_of(project.compiled(folder, **variables)).run(folder)
    window = (variables["start_date"], variables["end_date"])
    assert_equal(folder, built.rows, window, variables["has_blazar"], variables["resample"])


def test_a_float_is_its_shortest_decimal(build: Build) -> None:
    """100 vcpus sold 1.1 times are 110; the bits of that FLOAT say 110.000002."""
    row = {"id": 1, "hypervisor_hostname": "n", "created_at": day(1), "vcpus": 100, "cpu_allocation_ratio": 1.1}

    def as_float(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("cpu_allocation_ratio")
        return table.set_column(place, "cpu_allocation_ratio", table["cpu_allocation_ratio"].cast(pa.float32()))

    assert spans(build({"nova.compute_nodes": [row]}, as_float), "vcpus_overcommit") == {"1": (110.0,)}


def test_nameless_hosts_of_one_instant_supersede_nothing(build: Build) -> None:
    rows = [{"id": i, "hypervisor_hostname": None, "created_at": day(1)} for i in (1, 2)]
    nova, blazar = ([row | {"id": kind(row["id"])} for row in rows] for kind in (int, str))
    built = build({"nova.compute_nodes": nova, "blazar.computehosts": blazar})
    assert {(s["metric"], s["action"]) for s in built.rows("spans")} == {("total", "null_key"), ("reservable", "null_key")}


def test_an_archived_row_counts_beside_a_live_one_without_a_key(build: Build) -> None:
    """uuid is nullable in nova.instances."""
    life = {"created_at": day(2), "launched_at": day(2)}
    rows = {
        "nova.instances": [{"id": 1, "uuid": None, **life}],
        "nova.shadow_instances": [{"id": 2, "uuid": "archived", **life, "deleted_at": day(3)}],
    }
    assert spans(build(rows), "start_at", "end_at")["archived"] == (day(2), day(3))


def test_a_migration_that_nothing_places_in_time_tells_nothing(build: Build) -> None:
    """The instance's node nobody recorded; the one that this migration left is not where it is."""
    rows = {
        "nova.instances": [{"id": 1, "uuid": "i", "created_at": day(2), "launched_at": day(2), "vcpus": 2}],
        "nova.migrations": [{"id": 1, "instance_uuid": "i", "status": "done", "source_node": "n"}],
    }
    assert spans(build(rows), "hypervisor_hostname", "note") == {"i": (None, "unknown_host")}


def test_null_keys_of_an_allocation(build: Build) -> None:
    """Null in a key of its own is null_key; a name that is in no table makes an orphan."""
    dates = {"created_at": day(1)}
    rows = {
        "nova.compute_nodes": [{"id": 1, "hypervisor_hostname": "n", **dates}],
        "blazar.computehosts": [{"id": "h", "hypervisor_hostname": "n", **dates}],
        "blazar.leases": [{"id": "l", "start_date": day(2), "end_date": day(4)}],
        "blazar.reservations": [{"id": "r", "lease_id": "l", "resource_type": "physical:host"}],
        "blazar.computehost_allocations": [
            {"id": "no host", "compute_host_id": None, "reservation_id": "r", **dates},
            {"id": "no reservation", "compute_host_id": "h", "reservation_id": None, **dates},
            {"id": "other host", "compute_host_id": "x", "reservation_id": "r", **dates},
            {"id": "other reservation", "compute_host_id": "h", "reservation_id": "x", **dates},
            {"id": "whole", "compute_host_id": "h", "reservation_id": "r", **dates},
        ],
    }
    committed = {s["source_id"]: s["action"] for s in build(rows).rows("spans") if s["metric"] == "committed"}
    assert committed == {
        "no host": "null_key",
        "no reservation": "null_key",
        "other host": "orphan",
        "other reservation": "orphan",
        "whole": "none",
    }


def test_a_hint_that_is_no_text_names_nothing(build: Build) -> None:
    specs = {"text": '["7"]', "number": "[7]", "list": '[["7"]]', "true": "[true]"}
    life = {"created_at": day(2), "launched_at": day(2)}
    document = '{"nova_object.data": {"scheduler_hints": {"reservation": %s}}}'
    rows = {
        "nova.instances": [{"id": i, "uuid": name, **life} for i, name in enumerate(specs)],
        "nova_api.request_specs": [
            {"id": i, "instance_uuid": name, "spec": document % hint} for i, (name, hint) in enumerate(specs.items())
        ],
    }
    assert spans(build(rows), "reservation_id", "booking_source") == {
        "text": ("7", "hint"),
        "number": (None, "none"),
        "list": (None, "none"),
        "true": (None, "none"),
    }


def test_a_short_parent_inside_a_long_one_ends_nothing(build: Build) -> None:
    """Allocations from 2 to 20, from 3 to 4 and from 6 to 8 are one window: the instance has one piece."""
    life = {"created_at": day(1)}
    stays = [("long", 2, 20), ("short", 3, 4), ("later", 6, 8)]
    rows = {
        "nova.compute_nodes": [{"id": 1, "hypervisor_hostname": "n", **life}],
        "blazar.computehosts": [{"id": "h", "hypervisor_hostname": "n", **life}],
        "blazar.leases": [{"id": "l", "start_date": day(1), "end_date": day(30)}],
        "blazar.reservations": [{"id": "r", "lease_id": "l", "resource_type": "physical:host"}],
        "blazar.computehost_allocations": [
            {"id": name, "compute_host_id": "h", "reservation_id": "r", "created_at": day(a), "deleted_at": day(b)}
            for name, a, b in stays
        ],
        "nova.instances": [{"id": 1, "uuid": "i", "node": "n", "created_at": day(2), "launched_at": day(2)}],
        "nova.instance_extra": [
            {"id": 1, "instance_uuid": "i", "flavor": '{"cur": {"nova_object.data": {"name": "reservation:r"}}}'}
        ],
    }
    pieces = [s for s in build(rows).rows("spans") if s["source_id"] == "i"]
    assert [(s["start_at"], s["end_at"], s["action"]) for s in pieces] == [(day(2), day(20), "clipped")]


def test_names_of_projects(build: Build) -> None:
    life = {"created_at": day(2), "launched_at": day(2)}
    rows = {
        "nova.instances": [
            {"id": number, "uuid": f"i{number}", "project_id": project, **life, "vcpus": 1}
            for number, project in enumerate(("p1", "p2", None))
        ],
        "keystone.project": [{"id": "p1", "name": "One"}, {"id": "p3", "name": "Three"}],
    }
    named = {(row["project_id"], row["project_name"]) for row in build(rows).rows("usage_by_project")}
    assert named == {("p1", "One"), ("p2", None), (None, None)}
