"""Bounds, ties and nulls that tests.mutants found untested: a few rows each, the numbers worked out by hand."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from tests.commands import Row
from tests.compare import assert_equal, assert_same_hours
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
    return Project(work, without=("quality",), start_date=WINDOW[0], end_date=WINDOW[1])


@pytest.fixture
def build(project: Project, tmp_path: Path) -> Build:
    """The models of a site with these rows, by table; `changed` makes other files of them."""

    def made(
        rows: dict[str, list[Row]],
        changed: Callable[[pa.Table], pa.Table] = lambda table: table,
        **variables: object,
    ) -> Built:
        tables = {name: changed(table) for name, table in to_tables(rows).items()}
        folder = write_tables(tables, tmp_path / "data")
        return project.plan(folder, **variables).run(folder)

    return made


def spans(built: Built, *columns: str) -> dict[str, tuple]:
    """These columns of the only span of each source row."""
    return spans_of(built, None, *columns)


def spans_of(built: Built, metric: str | None, *columns: str) -> dict[str, tuple]:
    """The same, of one metric."""
    found = [span for span in built.rows("spans") if metric in (None, span["metric"])]
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
    count = assert_equal(folder, built.rows, window, variables["has_blazar"], variables["resample"])
    assert_same_hours(built.rows("hours"), count.usage, window)


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
    assert {(s["metric"], s["action"]) for s in built.rows("spans")} == {
        ("total", "null_key"),
        ("reservable", "null_key"),
    }


@pytest.mark.parametrize(("ids", "last"), [(["10", "9"], "10"), (["a", "10", "9"], "a"), (["10", "b", "9", "a"], "b")])
def test_ids_of_one_instant_are_numbers_then_names(ids: list[str], last: str, build: Build) -> None:
    """Digits count as numbers, names come after them; the last row supersedes all others from its start, their own."""
    rows = {
        "nova.compute_nodes": [{"id": 1, "hypervisor_hostname": "n", "created_at": day(1)}],
        "blazar.computehosts": [{"id": i, "hypervisor_hostname": "n", "created_at": day(2)} for i in ids],
    }
    actions = {i: ("none" if i == last else "empty",) for i in ids}
    assert spans_of(build(rows), "reservable", "action") == actions


def test_an_archived_row_counts_beside_a_live_one_without_a_key(build: Build) -> None:
    """No release lets uuid be null; were one so, it would not hide what was archived."""
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
    assert spans_of(build(rows), "committed", "action", "note") == {
        "no host": ("null_key", None),
        "no reservation": ("null_key", None),
        "other host": ("orphan", None),
        "other reservation": ("orphan", None),
        "whole": ("none", "unknown_capacity"),
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


def test_of_containers_that_started_together_the_smaller_id_has_the_device(build: Build) -> None:
    """Ids of digits are numbers: 9 before 10."""
    annotations = '{"zun.openstack.org/reservation_id": "r"}'
    rows = {
        "blazar.devices": [{"id": "d", "reservable": 1, "created_at": day(1)}],
        "blazar.leases": [{"id": "l", "start_date": day(1), "end_date": day(30)}],
        "blazar.reservations": [{"id": "r", "lease_id": "l", "resource_type": "device"}],
        "blazar.device_allocations": [{"id": "a", "device_id": "d", "reservation_id": "r", "created_at": day(1)}],
        "zun.container": [
            {"id": i, "status": "Running", "started_at": day(2), "annotations": annotations} for i in (10, 9)
        ],
    }
    built = build(rows)
    found = {s["source_id"]: s["action"] for s in built.rows("spans") if s["source_table"] == "zun.container"}
    assert found == {"9": "clipped", "10": "orphan"}
    reserved = ("total", "reservable", "committed", "occupied_reservation")
    derived = ("ondemand_capacity", "available_reservable", "idle")
    assert series(built) == {(metric, "nodes") for metric in (*reserved, *derived)}, "an edge cloud needs no nova"


def series(built: Built) -> set[tuple]:
    return {(row["metric"], row["resource"]) for row in built.rows("usage")}


def test_without_blazar_what_was_not_extracted_is_not_tracked(build: Build) -> None:
    rows = {"nova.compute_nodes": [{"id": 1, "hypervisor_hostname": "n", "created_at": day(1)}]}
    metrics = {metric for metric, _ in series(build(rows, has_blazar=False))}
    assert metrics == {"total", "reservable", "committed", "ondemand_capacity", "available_reservable"}


def test_without_any_span_only_nodes_are_tracked(build: Build) -> None:
    metrics = ("total", "occupied_reservation", "occupied_ondemand")
    assert series(build({"nova.compute_nodes": [], "nova.instances": []})) == {(metric, "nodes") for metric in metrics}


def test_a_row_without_a_start_is_nobodys_host_row(build: Build) -> None:
    """The only row of m in nova and of n in blazar, which knows its vcpus: neither can be placed in time."""
    life = {"created_at": day(2), "launched_at": day(2), "vcpus": 2}
    rows = {
        "nova.compute_nodes": [
            {"id": 1, "hypervisor_hostname": "m", "created_at": None, "vcpus": 4},
            {"id": 2, "hypervisor_hostname": "n", "created_at": day(1), "vcpus": 0},
        ],
        "blazar.computehosts": [{"id": "h", "hypervisor_hostname": "n", "created_at": None, "vcpus": 8}],
        "nova.instances": [{"id": i, "uuid": node, "node": node, **life} for i, node in enumerate("mn")],
    }
    found = {s["source_id"]: (s["nodes"], s["note"]) for s in build(rows).rows("spans") if s["source_id"] in "mn"}
    assert found == {"m": (None, "unknown_host"), "n": (None, "unknown_capacity")}


def committed(*spans: tuple[str, str, int]) -> dict[str, list[Row]]:
    """Reservations of project p: its id, the host, the first day; all of them till 30."""
    life = {"created_at": day(1)}
    hosts = sorted({host for _, host, _ in spans})
    return {
        "nova.compute_nodes": [{"id": i, "hypervisor_hostname": host, **life} for i, host in enumerate(hosts)],
        "blazar.computehosts": [{"id": host, "hypervisor_hostname": host, **life} for host in hosts],
        "blazar.leases": [{"id": "l", "project_id": "p", "start_date": day(1), "end_date": day(30)}],
        "blazar.reservations": [{"id": name, "lease_id": "l", "resource_type": "physical:host"} for name, *_ in spans],
        "blazar.computehost_allocations": [
            {"id": name, "compute_host_id": host, "reservation_id": name, "created_at": day(first)}
            for name, host, first in spans
        ],
    }


def test_inferred_from_the_stay_that_begins_at_the_creation(build: Build) -> None:
    """Moved from m to n at the instant of its creation: it was on n then, and never on m, which was booked later."""
    rows = committed(("on n", "n", 2), ("on m", "m", 3)) | {
        "nova.instances": [
            {"id": 1, "uuid": "i", "project_id": "p", "node": "n", "created_at": day(5), "launched_at": day(5)}
        ],
        "nova.migrations": [
            {
                "id": 1,
                "instance_uuid": "i",
                "status": "done",
                "source_node": "m",
                "created_at": day(4),
                "updated_at": day(5),
            }
        ],
    }
    assert spans(build(rows), "reservation_id", "booking_source")["i"] == ("on n", "inferred")


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ({"a": 3, "b": 2}, "a"),  # the latest start
        ({"a": 2, "b": 2, "c": 2, "d": 2, "e": 2}, "e"),  # of equal ones the larger id
        ({"b": 2, "c": 2}, "c"),
    ],
)
def test_inferred_from_the_latest_commitment(starts: dict[str, int], expected: str, build: Build) -> None:
    rows = committed(*((name, "n", first) for name, first in starts.items())) | {
        "nova.instances": [
            {"id": 1, "uuid": "i", "project_id": "p", "node": "n", "created_at": day(5), "launched_at": day(5)}
        ]
    }
    assert spans(build(rows), "reservation_id")["i"] == (expected,)


def test_a_node_that_nobody_recorded_is_marked(build: Build) -> None:
    """Its reservation, told by the flavor beside a broken spec, is committed on one hypervisor only."""
    rows = committed(("r", "n", 2)) | {
        "nova.instances": [{"id": 1, "uuid": "i", "created_at": day(5), "launched_at": day(5), "vcpus": 1}],
        "nova_api.request_specs": [{"id": 1, "instance_uuid": "i", "spec": "{"}],
        "nova.instance_extra": [
            {"id": 1, "instance_uuid": "i", "flavor": '{"cur": {"nova_object.data": {"name": "reservation:r"}}}'}
        ],
    }
    found = spans(build(rows), "hypervisor_hostname", "reservation_id", "note")["i"]
    assert found == ("n", "r", "bad_spec, inferred_node, unknown_capacity")


def test_of_migrations_of_one_instant_the_larger_id_is_the_later(build: Build) -> None:
    """So before both the instance was where the first one says."""
    both = {"instance_uuid": "i", "status": "done", "created_at": day(4), "updated_at": day(5)}
    rows = {
        "nova.instances": [{"id": 1, "uuid": "i", "node": "c", "created_at": day(2), "launched_at": day(2)}],
        "nova.migrations": [{"id": 10, "source_node": "b", **both}, {"id": 9, "source_node": "a", **both}],
    }
    found = [(s["hypervisor_hostname"], s["start_at"], s["end_at"]) for s in build(rows).rows("spans")]
    assert found == [("a", day(2), day(5)), ("c", day(5), None)]


def test_a_lost_size_before_a_known_one_of_the_same_instant(build: Build) -> None:
    """A migration without created_at is the earlier one: its flavor 7 is gone, and the size is that of the next."""
    both = {"instance_uuid": "i", "status": "done", "migration_type": "resize", "updated_at": day(5)}
    rows = {
        "nova.instances": [
            {"id": 1, "uuid": "i", "node": "n", "created_at": day(2), "launched_at": day(2), "vcpus": 8}
        ],
        "nova.migrations": [
            {"id": 1, **both, "created_at": None, "old_instance_type_id": 7},
            {"id": 2, **both, "created_at": day(4), "old_instance_type_id": 3},
        ],
        "nova_api.flavors": [{"id": 3, "vcpus": 4}],
    }
    found = [(s["start_at"], s["vcpus"], s["note"]) for s in build(rows).rows("spans")]
    assert found == [(day(2), 4, "unknown_host, unknown_flavor"), (day(5), 8, "unknown_host")]


def test_an_empty_node_type_of_the_latest_row_is_none(build: Build) -> None:
    named = {"computehost_id": "n", "capability_name": "node_type"}
    rows = committed(("r", "n", 2)) | {
        "blazar.computehost_extra_capabilities": [
            {"id": "1", **named, "capability_value": "old", "created_at": day(1)},
            {"id": "2", **named, "capability_value": "", "created_at": day(2)},
        ]
    }
    assert {s["node_type"] for s in build(rows).rows("spans")} == {None}


def test_of_several_sizes_of_a_reservation_the_larger_id_counts(build: Build) -> None:
    rows = committed(("r", "n", 2)) | {
        "blazar.reservations": [{"id": "r", "lease_id": "l", "resource_type": "flavor:instance"}],
        "blazar.instance_reservations": [
            {"id": "9", "reservation_id": "r", "memory_mb": 90},
            {"id": "10", "reservation_id": "r", "memory_mb": 100},
        ],
    }
    assert spans_of(build(rows), "committed", "memory_mb") == {"r": (100.0,)}


def test_only_projects_whose_spans_touch_the_window(build: Build) -> None:
    """One ended as January began, one starts as it ends, one lived for its last microsecond."""
    last = datetime(2024, 1, 31, 23, 59, 59, 999999)
    lives = [("before", datetime(2023, 12, 1), day(1)), ("after", datetime(2024, 2, 1), None), ("last", last, None)]
    rows = {
        "nova.instances": [
            {"id": i, "uuid": name, "project_id": name, "created_at": start, "launched_at": start, "deleted_at": end}
            | {"vcpus": 1}
            for i, (name, start, end) in enumerate(lives)
        ]
    }
    assert {row["project_id"] for row in build(rows).rows("usage_by_project")} == {"last"}


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


def test_pieces_are_counted_metric_by_metric(build: Build) -> None:
    """In the file's order the only device's claim to reservable is followed by the same device's claim to total."""
    rows = {"blazar.devices": [{"id": "one", "created_at": day(2), "reservable": 1}]}
    pieces = [(row["metric"], row["source_id"], row["piece"]) for row in build(rows).rows("spans")]
    assert pieces == [("reservable", "one", 0), ("total", "one", 0)]
