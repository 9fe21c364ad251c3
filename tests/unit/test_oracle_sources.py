"""The oracle by hand: where names and sizes come from."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from tests.oracle.values import Row, known_number
from tests.oracle_site import (
    allocation,
    at,
    capability,
    extra,
    host,
    instance,
    lease,
    migration,
    node,
    on_demand,
    one_lease,
    only,
    reservation,
    run,
    spec,
    stays,
    steps,
)


def test_each_stay_is_clamped_to_the_commitments_of_its_own_node() -> None:
    # r holds a for [0, 100), never b: there the instance is an orphan. One that can't count is on its last node only.
    tables = {"nova.compute_nodes": [node(1, "a", 0), node(2, "b", 0)]} | one_lease()
    tables |= {"nova.instances": [instance("i", 5, 50, node="b")], "nova_api.request_specs": [spec("i", "r")]}
    tables["nova.migrations"] = [migration(1, "i", 20, "a")]
    result = run(tables)
    assert stays(result, "piece", "action") == [(5, 20, "a", 0, "none"), (None, None, "b", 1, "orphan")]
    assert [(s["original_start_at"], s["original_end_at"]) for s in result.spans[-2:]] == [
        (at(5), at(20)),
        (at(20), at(50)),
    ]
    tables["nova.instances"][0]["launched_at"] = None
    result = run(tables)
    assert stays(result, "piece", "action") == [(None, None, "b", 0, "never_launched")]
    assert (result.spans[-1]["original_start_at"], result.spans[-1]["original_end_at"]) == (at(5), at(50))


def test_inference_looks_where_the_instance_was_then() -> None:
    # No spec; created on a at 5, where r (host a, [0, 100)) holds it; on b since 20. Nothing holds b.
    tables = {"nova.compute_nodes": [node(1, "a", 0), node(2, "b", 0)]} | one_lease()
    tables |= {"nova.instances": [instance("i", 5, 50, node="b")], "nova.migrations": [migration(1, "i", 20, "a")]}
    assert stays(run(tables), "booking_source", "action") == [
        (5, 20, "a", "inferred", "none"),
        (None, None, "b", "inferred", "orphan"),
    ]
    # The other way round: created on b, on a at the very instant of its launch, 20.
    tables["nova.instances"] = [instance("i", 5, 50, node="a", launched_at=at(20))]
    tables["nova.migrations"] = [migration(1, "i", 20, "b")]
    assert stays(run(tables), "booking_source", "action") == [
        (None, None, "b", "inferred", "orphan"),
        (20, 50, "a", "inferred", "none"),
    ]
    # Launched an hour before: on b still.
    tables["nova.instances"][0]["launched_at"] = at(19)
    assert stays(run(tables), "booking_source") == [(5, 20, "b", "none"), (20, 50, "a", "none")]


def test_only_stays_without_a_node_get_an_inferred_one() -> None:
    # Reserved by hint; it was on b, where r has nothing, until 20; then nobody knows, and r has a only.
    tables = {"nova.compute_nodes": [node(1, "a", 0), node(2, "b", 0)]} | one_lease()
    tables |= {"nova.instances": [instance("i", 5, 50, node=None)], "nova_api.request_specs": [spec("i", "r")]}
    tables["nova.migrations"] = [migration(1, "i", 20, "b")]
    assert stays(run(tables), "action", "note") == [
        (None, None, "b", "orphan", None),
        (20, 50, "a", "none", "inferred_node"),
    ]
    # Inferred on a at its creation: so the node after it is inferred too.
    tables |= {"nova_api.request_specs": [], "nova.migrations": [migration(1, "i", 20, "a")]}
    assert stays(run(tables), "booking_source", "note") == [
        (5, 20, "a", "inferred", None),
        (20, 50, "a", "inferred", "inferred_node"),
    ]


@pytest.mark.parametrize(
    ("specs", "extras", "source", "note"),
    [
        ([], [extra(1, "i", "reservation:r")], "extra", None),
        ([], [extra(1, "other", "reservation:q")], "inferred", None),
        ([spec("i")], [extra(1, "i", "reservation:r")], "extra", None),  # a readable spec that names none
        ([spec("i", text="[1]")], [extra(1, "i", "reservation:r")], "extra", None),
        ([spec("i", text="{broken")], [extra(1, "i", "reservation:r")], "extra", "bad_spec"),
        ([spec("i", "r")], [extra(1, "i", "reservation:q")], "hint", None),
        ([spec("i", flavor="reservation:r")], [extra(1, "i", "reservation:q")], "flavor", None),
        ([spec("i")], [extra(1, "i", "m1")], "none", None),
        ([], [extra(1, "i", "reservation:")], "inferred", None),
        ([], [extra(9, "i", "reservation:q"), extra(10, "i", "reservation:r")], "extra", None),
        # The largest id alone decides, unless its flavor is null or no JSON.
        ([spec("i")], [extra(9, "i", "reservation:r"), extra(10, "i", None)], "none", None),
        ([spec("i")], [extra(9, "i", "reservation:r"), extra(10, "i", "") | {"flavor": "null"}], "none", None),
        ([], [extra(9, "i", "reservation:r"), extra(10, "i", "") | {"flavor": None}], "extra", None),
        ([], [extra(9, "i", "reservation:r"), extra(10, "i", "") | {"flavor": "{broken"}], "extra", None),
    ],
)
def test_reservation_of_instance_extra(specs: list[Row], extras: list[Row], source: str, note: str | None) -> None:
    tables = {"nova.compute_nodes": [node(1, "a", 0)], "nova.instances": [instance("i", 5, 9)]} | one_lease(0, 10)
    tables |= {"nova_api.request_specs": specs}
    for table in ("nova.instance_extra", "nova.shadow_instance_extra"):
        span = run(tables | {table: extras}).spans[-1]
        assert (span["booking_source"], span["note"], span["action"]) == (source, note, "none")
        assert (span["reservation_id"], span["lease_id"]) == ((None, None) if source == "none" else ("r", "l"))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((8, 8), (2.5, Fraction(5, 2)), ("8", 8), ("4.0", 4), (" 2e1 ", 20), (0.1, Fraction(1, 10))),
        *((0, None), ("0", None), (-8, None), ("-8", None), (None, None), (True, None), ([8], None), ({}, None)),
        *(("", None), ("8 GB", None), ("0x10", None), ("1_000", None), ("many", None)),
        *(("NaN", None), ("Infinity", None), ("1e999", None), (10**400, None), (float("inf"), None)),
    ],
)
def test_numbers_of_ironic(value: Any, number: Fraction | None) -> None:
    assert known_number(value) == number


def test_ironic_knows_what_nova_and_blazar_do_not() -> None:
    # Nova and blazar say 0 of vcpus and disk; blazar knows the memory. Ironic: 16 vcpus (sold three times), 1 MiB that
    # nobody asks for, and a disk of -1. Host b is in ironic, but not in nova: unknown.
    zeros = {"vcpus": 0, "memory_mb": 0, "local_gb": 0, "hypervisor_type": "ironic", "cpu_allocation_ratio": 3.0}
    properties = {"cpus": "16", "memory_mb": 1, "local_gb": "-1"}
    tables = {"nova.compute_nodes": [node(1, "a", 0, **zeros)]} | one_lease(10, 20)
    tables |= {
        "blazar.computehosts": [host("h", "a", 5, vcpus=0, local_gb=0)],
        "nova.instances": [instance("i", 12, 15), instance("j", 30, node="b")],
        "nova_api.request_specs": [spec("i", "r"), spec("j")],
        "ironic.nodes": [
            {"id": 10, "uuid": "a", "properties": json.dumps(properties)},
            {"id": 9, "uuid": "a", "properties": json.dumps({"cpus": 99, "local_gb": 99})},
            {"id": 11, "uuid": "b", "properties": json.dumps({"cpus": 99})},
            {"id": 12, "uuid": None, "properties": "{broken"},
        ],
    }
    result = run(tables)
    assert steps(result, "total", "vcpus") == [(0, 16)]
    assert steps(result, "total", "vcpus_overcommit") == [(0, 48)]
    assert steps(result, "idle", "vcpus") == [(0, 0), (10, 16), (12, 0), (15, 16), (20, 0)]
    assert steps(result, "reservable", "memory_mb") == [(0, 0), (5, 64)]
    assert ("current", "total", "disk_gb") not in result.usage
    unknown = only(result, "occupied_ondemand")
    assert (unknown["nodes"], unknown["vcpus"], unknown["note"]) == (None, 2, "unknown_host")
    # A KVM host: 2 of its 16 vcpus.
    tables["nova.compute_nodes"][0]["hypervisor_type"] = "QEMU"
    assert only(run(tables), "occupied_reservation")["nodes"] == Fraction(1, 8)


def test_default_ratio_and_decimals() -> None:
    # 8 vcpus: sold 16 times by default, 1.1 times on b, which is 8.8 exactly.
    tables = {"nova.compute_nodes": [node(1, "a", 0, cpu_allocation_ratio=0.0)]}
    assert steps(run(tables), "total", "vcpus_overcommit") == [(0, 8)]
    assert steps(run(tables, default_ratio=16.0), "total", "vcpus_overcommit") == [(0, 128)]
    tables["nova.compute_nodes"] = [node(2, "b", 0, cpu_allocation_ratio=1.1)]
    assert steps(run(tables, default_ratio=16.0), "total", "vcpus_overcommit") == [(0, Fraction(88, 10))]


def test_without_blazar_its_files_are_not_read_and_its_metrics_are_zero() -> None:
    # i names a reservation, which nothing holds; j is on demand: 6 of 8 vcpus are left.
    tables = {"nova.compute_nodes": [node(1, "a", 0)]} | one_lease()
    tables |= {"blazar.devices": [{"id": "d", "reservable": 1, "created_at": at(0)}]}
    tables |= {"nova.instances": [instance("i", 5), instance("j", 5)]}
    tables |= {"nova_api.request_specs": [spec("i", "r"), spec("j")]}
    for read in (tables, {name: rows for name, rows in tables.items() if not name.startswith("blazar.")}):
        result = run(read, has_blazar=False)
        assert {span["metric"] for span in result.spans} == {"total", "occupied_reservation", "occupied_ondemand"}
        assert (only(result, "occupied_reservation")["action"], len(result.usage)) == ("orphan", 9 * 5)
        assert steps(result, "total") == [(0, 1)]
        for metric in ("reservable", "committed", "occupied_reservation", "available_reservable", "idle"):
            assert steps(result, metric, "vcpus") == [(0, 0)]
        assert steps(result, "available_ondemand", "vcpus") == [(0, 8), (5, 6)]
    # No host either: nodes only.
    result = run({"nova.compute_nodes": [], "nova.instances": []}, has_blazar=False)
    assert {(metric, resource) for _, metric, resource in result.usage if metric in ("reservable", "committed")} == {
        ("reservable", "nodes"),
        ("committed", "nodes"),
    }


def test_node_type_is_that_of_the_latest_blazar_row() -> None:
    # a's latest row is 10 (9 is as late); b's is the only one with a date, and has none; c isn't in blazar.
    zeros = {"resource_type": "physical:host"}
    tables = {
        "nova.compute_nodes": [node(1, "a", 0), node(2, "b", 0), node(3, "c", 0), node(4, None, 0)],
        "blazar.computehosts": [
            *(host("8", "a", 0, 10), host("9", "a", 10), host("10", "a", 10)),
            *(host("20", "b", 5), host("21", "b", 0, created_at=None)),
        ],
        "blazar.resource_properties": [
            {"id": "p", "property_name": "node_type", **zeros},
            {"id": "q", "property_name": "gpu", **zeros},
        ],
        "blazar.computehost_extra_capabilities": [
            *(capability("1", "9", "wrong"), capability("2", "8", "wrong"), capability("3", "21", "wrong")),
            capability("4", "10", "right"),
            capability("5", "10", "wrong", property_id="q"),
        ],
        "nova.instances": [instance("i", 3)],
    } | on_demand("i")
    types = {(s["metric"], s["hypervisor_hostname"]): s["node_type"] for s in run(tables).spans}
    assert types == {
        **{("total", "a"): "right", ("total", "b"): None, ("total", "c"): None, ("total", None): None},
        **{("reservable", "a"): "right", ("reservable", "b"): None, ("occupied_ondemand", "a"): "right"},
    }


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ([], None),
        ([capability("1", "h", "x", capability_name="node_type", property_id=None)], "x"),
        ([capability("1", "h", "x", capability_name="gpu", property_id="")], None),
        ([capability("1", "h", "x", property_id=None, capability_id="p")], "x"),
        ([capability("1", "h", "x", property_id="q", capability_id="p")], None),
        ([capability("1", "h", "x", property_id="no such property")], None),
        # without deleted_at first, then the latest, then the larger id
        ([capability("1", "h", "x", 0), capability("2", "h", "y", 5, deleted_at=at(9))], "x"),
        ([capability("1", "h", "x", 0), capability("2", "h", "y", 5, _vanished_at=at(9))], "x"),
        ([capability("1", "h", "x", 5, deleted_at=at(9)), capability("2", "h", "y", 0, deleted_at=at(9))], "x"),
        ([capability("1", "h", "x", 5), capability("2", "h", "y", None)], "x"),
        ([capability("10", "h", "x"), capability("9", "h", "y")], "x"),
        ([capability("10", "h", None), capability("9", "h", "y")], None),
    ],
)
def test_one_capability_of_several(capabilities: list[Row], expected: str | None) -> None:
    properties = [{"id": "p", "property_name": "node_type"}, {"id": "q", "property_name": "gpu"}]
    tables = {"blazar.computehosts": [host("h", "a", 0)], "blazar.resource_properties": properties}
    tables["blazar.computehost_extra_capabilities"] = capabilities
    assert only(run(tables), "reservable")["node_type"] == expected


def test_node_type_of_devices() -> None:
    tables = {
        "blazar.devices": [{"id": "d", "reservable": 1, "created_at": at(0)}],
        "blazar.leases": [lease("l", 0, None)],
        "blazar.reservations": [reservation("r", "l", "device")],
        "blazar.device_allocations": [allocation("x", "d", "r")],
        "blazar.resource_properties": [{"id": "p", "property_name": "node_type"}],
        "blazar.device_extra_capabilities": [capability("1", "d", "nano"), capability("2", "e", "wrong")],
        "blazar.computehosts": [host("d", "d", 0)],
        "blazar.computehost_extra_capabilities": [capability("1", "d", "host")],
        "zun.container": [{"id": 1, "started_at": at(0), "annotations": None}],
    }
    types = {(s["metric"], s["source_table"]): s["node_type"] for s in run(tables).spans}
    assert types == {
        ("total", "blazar.devices"): "nano",
        ("reservable", "blazar.devices"): "nano",
        ("reservable", "blazar.computehosts"): "host",
        ("committed", "blazar.device_allocations"): "nano",
        ("occupied_reservation", "zun.container"): None,
    }
