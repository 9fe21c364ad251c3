"""Bounds, ties and nulls that tests.mutants found untested: a few rows each, the numbers worked out by hand."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from tests.compare import assert_equal, assert_same_hours
from tests.compiled import Built, Project, write_tables
from tests.few_rows import Build, committed, day, spans, spans_of
from tests.mutants import variables_of
from tests.random_site import random_site, to_tables


@pytest.mark.parametrize("seed", [1, 3, 7, 9, 11])
def test_changes_at_the_bounds_of_the_window_and_of_buckets(seed: int, january: Project, tmp_path: Path) -> None:
    """The instants of random sites are whole quarters of days; so are the bounds of odd seeds' windows."""
    variables = variables_of(seed)
    folder = write_tables(to_tables(random_site(seed)), tmp_path / "data")
    built = january.plan_of(january.compiled(folder, **variables)).run(folder)
    window = (variables["start_date"], variables["end_date"])
    count = assert_equal(folder, built.rows, window, variables["has_blazar"], variables["resample"])
    assert_same_hours(built.rows("hours"), count.usage, window)


def test_a_float_is_its_shortest_decimal(build_rows: Build) -> None:
    """100 vcpus sold 1.1 times are 110; the bits of that FLOAT say 110.000002."""
    row = {"id": 1, "hypervisor_hostname": "n", "created_at": day(1), "vcpus": 100, "cpu_allocation_ratio": 1.1}

    def as_float(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("cpu_allocation_ratio")
        return table.set_column(place, "cpu_allocation_ratio", table["cpu_allocation_ratio"].cast(pa.float32()))

    assert spans(build_rows({"nova.compute_nodes": [row]}, as_float), "vcpus_overcommit") == {"1": (110.0,)}


def test_nameless_hosts_of_one_instant_supersede_nothing(build_rows: Build) -> None:
    rows = [{"id": i, "hypervisor_hostname": None, "created_at": day(1)} for i in (1, 2)]
    nova, blazar = ([row | {"id": kind(row["id"])} for row in rows] for kind in (int, str))
    built = build_rows({"nova.compute_nodes": nova, "blazar.computehosts": blazar})
    assert {(s["metric"], s["action"]) for s in built.rows("spans")} == {
        ("total", "null_key"),
        ("reservable", "null_key"),
    }


@pytest.mark.parametrize(("ids", "last"), [(["10", "9"], "10"), (["a", "10", "9"], "a"), (["10", "b", "9", "a"], "b")])
def test_ids_of_one_instant_are_numbers_then_names(ids: list[str], last: str, build_rows: Build) -> None:
    """Digits count as numbers, names come after them; the last row supersedes all others from its start, their own."""
    rows = {
        "nova.compute_nodes": [{"id": 1, "hypervisor_hostname": "n", "created_at": day(1)}],
        "blazar.computehosts": [{"id": i, "hypervisor_hostname": "n", "created_at": day(2)} for i in ids],
    }
    actions = {i: ("none" if i == last else "empty",) for i in ids}
    assert spans_of(build_rows(rows), "reservable", "action") == actions


def test_an_archived_row_counts_beside_a_live_one_without_a_key(build_rows: Build) -> None:
    """No release lets uuid be null; were one so, it would not hide what was archived."""
    life = {"created_at": day(2), "launched_at": day(2)}
    rows = {
        "nova.instances": [{"id": 1, "uuid": None, **life}],
        "nova.shadow_instances": [{"id": 2, "uuid": "archived", **life, "deleted_at": day(3)}],
    }
    assert spans(build_rows(rows), "start_at", "end_at")["archived"] == (day(2), day(3))


def test_a_migration_that_nothing_places_in_time_tells_nothing(build_rows: Build) -> None:
    """The instance's node nobody recorded; the one that this migration left is not where it is."""
    rows = {
        "nova.instances": [{"id": 1, "uuid": "i", "created_at": day(2), "launched_at": day(2), "vcpus": 2}],
        "nova.migrations": [{"id": 1, "instance_uuid": "i", "status": "done", "source_node": "n"}],
    }
    assert spans(build_rows(rows), "hypervisor_hostname", "note") == {"i": (None, "unknown_host")}


def test_null_keys_of_an_allocation(build_rows: Build) -> None:
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
    assert spans_of(build_rows(rows), "committed", "action", "note") == {
        "no host": ("null_key", None),
        "no reservation": ("null_key", None),
        "other host": ("orphan", None),
        "other reservation": ("orphan", None),
        "whole": ("none", "unknown_capacity"),
    }


def test_a_hint_that_is_no_text_names_nothing(build_rows: Build) -> None:
    specs = {"text": '["7"]', "number": "[7]", "list": '[["7"]]', "true": "[true]"}
    life = {"created_at": day(2), "launched_at": day(2)}
    document = '{"nova_object.data": {"scheduler_hints": {"reservation": %s}}}'
    rows = {
        "nova.instances": [{"id": i, "uuid": name, **life} for i, name in enumerate(specs)],
        "nova_api.request_specs": [
            {"id": i, "instance_uuid": name, "spec": document % hint} for i, (name, hint) in enumerate(specs.items())
        ],
    }
    assert spans(build_rows(rows), "reservation_id", "booking_source") == {
        "text": ("7", "hint"),
        "number": (None, "none"),
        "list": (None, "none"),
        "true": (None, "none"),
    }


def test_a_short_parent_inside_a_long_one_ends_nothing(build_rows: Build) -> None:
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
    pieces = [s for s in build_rows(rows).rows("spans") if s["source_id"] == "i"]
    assert [(s["start_at"], s["end_at"], s["action"]) for s in pieces] == [(day(2), day(20), "clipped")]


def test_of_containers_that_started_together_the_smaller_id_has_the_device(build_rows: Build) -> None:
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
    built = build_rows(rows)
    found = {s["source_id"]: s["action"] for s in built.rows("spans") if s["source_table"] == "zun.container"}
    assert found == {"9": "clipped", "10": "orphan"}
    reserved = ("total", "reservable", "committed", "occupied_reservation")
    derived = ("ondemand_capacity", "available_reservable", "idle")
    assert series(built) == {(metric, "nodes") for metric in (*reserved, *derived)}, "an edge cloud needs no nova"


def series(built: Built) -> set[tuple]:
    return {(row["metric"], row["resource"]) for row in built.rows("usage")}


def test_without_blazar_what_was_not_extracted_is_not_tracked(build_rows: Build) -> None:
    rows = {"nova.compute_nodes": [{"id": 1, "hypervisor_hostname": "n", "created_at": day(1)}]}
    metrics = {metric for metric, _ in series(build_rows(rows, has_blazar=False))}
    assert metrics == {"total", "reservable", "committed", "ondemand_capacity", "available_reservable"}


def test_without_any_span_only_nodes_are_tracked(build_rows: Build) -> None:
    metrics = ("total", "occupied_reservation", "occupied_ondemand")
    assert series(build_rows({"nova.compute_nodes": [], "nova.instances": []})) == {
        (metric, "nodes") for metric in metrics
    }


def test_a_row_without_a_start_is_nobodys_host_row(build_rows: Build) -> None:
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
    found = {s["source_id"]: (s["nodes"], s["note"]) for s in build_rows(rows).rows("spans") if s["source_id"] in "mn"}
    assert found == {"m": (None, "unknown_host"), "n": (None, "unknown_capacity")}


def test_an_empty_node_type_of_the_latest_row_is_none(build_rows: Build) -> None:
    named = {"computehost_id": "n", "capability_name": "node_type"}
    rows = committed(("r", "n", 2)) | {
        "blazar.computehost_extra_capabilities": [
            {"id": "1", **named, "capability_value": "old", "created_at": day(1)},
            {"id": "2", **named, "capability_value": "", "created_at": day(2)},
        ]
    }
    assert {s["node_type"] for s in build_rows(rows).rows("spans")} == {None}


def test_of_several_sizes_of_a_reservation_the_larger_id_counts(build_rows: Build) -> None:
    rows = committed(("r", "n", 2)) | {
        "blazar.reservations": [{"id": "r", "lease_id": "l", "resource_type": "flavor:instance"}],
        "blazar.instance_reservations": [
            {"id": "9", "reservation_id": "r", "memory_mb": 90},
            {"id": "10", "reservation_id": "r", "memory_mb": 100},
        ],
    }
    assert spans_of(build_rows(rows), "committed", "memory_mb") == {"r": (100.0,)}


def test_only_projects_whose_spans_touch_the_window(build_rows: Build) -> None:
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
    assert {row["project_id"] for row in build_rows(rows).rows("usage_by_project")} == {"last"}


def test_names_of_projects(build_rows: Build) -> None:
    life = {"created_at": day(2), "launched_at": day(2)}
    rows = {
        "nova.instances": [
            {"id": number, "uuid": f"i{number}", "project_id": project, **life, "vcpus": 1}
            for number, project in enumerate(("p1", "p2", None))
        ],
        "keystone.project": [{"id": "p1", "name": "One"}, {"id": "p3", "name": "Three"}],
    }
    named = {(row["project_id"], row["project_name"]) for row in build_rows(rows).rows("usage_by_project")}
    assert named == {("p1", "One"), ("p2", None), (None, None)}


def test_pieces_are_counted_metric_by_metric(build_rows: Build) -> None:
    """In the file's order the only device's claim to reservable is followed by the same device's claim to total."""
    rows = {"blazar.devices": [{"id": "one", "created_at": day(2), "reservable": 1}]}
    pieces = [(row["metric"], row["source_id"], row["piece"]) for row in build_rows(rows).rows("spans")]
    assert pieces == [("reservable", "one", 0), ("total", "one", 0)]
