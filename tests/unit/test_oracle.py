"""The oracle by hand: capacity, commitments, instances, devices."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.oracle.values import Row
from tests.oracle_site import (
    DAY,
    allocation,
    at,
    audit,
    blazar,
    events,
    host,
    instance,
    lease,
    node,
    on_demand,
    one_lease,
    only,
    reservation,
    run,
    spec,
    steps,
)


def test_later_row_supersedes_and_larger_id_wins_a_tie() -> None:
    # Row 1 is cut where 9 and 10 begin; of those 10 (a number, so larger than 9) is the later: 9 is left with nothing.
    # Row 11 is empty and cuts nothing. 1 node from 0 to 30, when row 10 ends.
    rows = [node(1, "a", 0), node(9, "a", 10), node(10, "a", 10, 30), node(11, "a", 20, 20)]
    result = run({"nova.compute_nodes": rows})
    assert audit(result, "total") == [
        ("1", 0, 0, 10, "superseded"),
        ("10", 0, 10, 30, "none"),
        ("11", 0, None, None, "empty"),
        ("9", 0, None, None, "empty"),
    ]
    assert steps(result, "total") == [(0, 1), (30, 0)]
    # 8 vcpus sold twice
    assert steps(result, "total", "vcpus_overcommit") == [(0, 16), (30, 0)]


def test_child_is_clamped_to_two_windows_of_merged_parents() -> None:
    # Parents: [0, 10) + [10, 20) touch and are one window; [30, 40) is another. The host is reservable for [5, 35).
    rows = [node(1, "a", 0, 10), node(2, "a", 10, 20), node(3, "a", 30, 40)]
    result = run({"nova.compute_nodes": rows, "blazar.computehosts": [host("h", "a", 5, 35), host("o", "b", 0)]})
    assert audit(result, "reservable") == [
        ("h", 0, 5, 20, "clipped"),
        ("h", 1, 30, 35, "clipped"),
        ("o", 0, None, None, "orphan"),
    ]
    assert steps(result, "total") == [(0, 1), (20, 0), (30, 1), (40, 0)]
    assert steps(result, "ondemand_capacity") == [(0, 1), (5, 0), (35, 1), (40, 0)]


def test_rows_without_a_hypervisor_are_null_key_and_empty_comes_first() -> None:
    result = run({"nova.compute_nodes": [node(1, None, 0), node(2, None, 5, 5)]})
    assert audit(result, "total") == [("1", 0, None, None, "null_key"), ("2", 0, None, None, "empty")]
    # total is tracked and has no valid span: zero nodes
    assert result.usage == {("current", "total", "nodes"): [(DAY, 0)]}


def test_allocation_dates_bound_a_commitment() -> None:
    # Lease [10, 50), created 12, deleted 45. x joined at 20 and left at 40; y is as long as the lease: [12, 45).
    tables = {"nova.compute_nodes": [node(1, "a", 0), node(2, "b", 0)]} | blazar(
        allocation("x", "ha", "r", 20, 40),
        allocation("y", "hb", "r"),
        allocation("z", "gone", "r"),
        leases=[lease("l", 10, 50, created_at=at(12), deleted_at=at(45))],
        reservations=[reservation("r", "l"), reservation("q", "no such lease")],
        hosts=[host("ha", "a", 0), host("hb", "b", 0)],
    )
    tables["blazar.computehost_allocations"] += [
        allocation("no host", None, "r"),  # type: ignore[arg-type]
        allocation("no lease", "ha", "q", 0),
        allocation("over", "ha", "r", 45),
    ]
    result = run(tables)
    assert audit(result, "committed") == [
        ("no host", 0, None, None, "null_key"),
        ("no lease", 0, None, None, "orphan"),
        ("over", 0, None, None, "empty"),
        ("x", 0, 20, 40, "none"),
        ("y", 0, 12, 45, "none"),
        ("z", 0, None, None, "orphan"),
    ]
    assert steps(result, "committed") == [(0, 0), (12, 1), (20, 2), (40, 1), (45, 0)]
    assert steps(result, "available_reservable", "vcpus") == [(0, 16), (12, 8), (20, 0), (40, 8), (45, 16)]


def test_allocation_of_a_superseded_blazar_row_is_clamped_by_hypervisor() -> None:
    # Blazar row h1 of host a is superseded by h2 at 30; the allocation that names h1 goes on, with h1's 4 vcpus.
    tables = {"nova.compute_nodes": [node(1, "a", 0)]} | blazar(
        allocation("x", "h1", "r"), leases=[lease("l", 10, 50)], reservations=[reservation("r", "l")],
        hosts=[host("h1", "a", 0, vcpus=4), host("h2", "a", 30)],
    )  # fmt: skip
    result = run(tables)
    assert audit(result, "committed") == [("x", 0, 10, 50, "none")]
    assert steps(result, "reservable", "vcpus") == [(0, 4), (30, 8)]
    assert steps(result, "available_reservable", "vcpus") == [(0, 4), (10, 0), (30, 4), (50, 8)]


def test_flavor_reservation_holds_its_share_of_the_host() -> None:
    # 2 of 8 vcpus: a quarter of a node, and 2 (not 4) vcpus_overcommit.
    tables = {"nova.compute_nodes": [node(1, "a", 0)]} | blazar(
        allocation("x", "h", "r"), leases=[lease("l", 0, None)],
        reservations=[reservation("r", "l", "flavor:instance")], hosts=[host("h", "a", 0)],
    )  # fmt: skip
    assert audit(run(tables), "committed") == [("x", 0, None, None, "orphan")]
    tables["blazar.instance_reservations"] = [{"reservation_id": "r", "vcpus": 2, "memory_mb": 5, "disk_gb": 0}]
    result = run(tables)
    assert steps(result, "committed") == [(0, Fraction(1, 4))]
    assert steps(result, "committed", "vcpus_overcommit") == [(0, 2)]
    assert steps(result, "committed", "disk_gb") == [(0, 0)]
    assert steps(result, "available_reservable", "memory_mb") == [(0, 59)]


def test_unknown_capacity_is_null_and_taken_from_blazar_where_it_knows() -> None:
    # Ironic's zeros; blazar knows the memory (64) only. Vcpus and disk are tracked nowhere.
    zeros = {"vcpus": 0, "memory_mb": 0, "local_gb": 0, "hypervisor_type": "ironic"}
    tables = {"nova.compute_nodes": [node(1, "a", 0, **zeros)]} | one_lease(10, 20)
    tables["blazar.computehosts"] = [host("h", "a", 5, vcpus=0, local_gb=None)]
    tables["nova.instances"] = [instance("i", 12, 15)]
    tables["nova_api.request_specs"] = [spec("i", "r")]
    result = run(tables)
    assert {resource for _, _, resource in result.usage} == {"nodes", "memory_mb"}
    assert steps(result, "total", "memory_mb") == [(0, 64)]
    # An ironic instance holds the whole node, whatever its flavor says.
    assert steps(result, "occupied_reservation") == [(0, 0), (12, 1), (15, 0)]
    assert steps(result, "idle", "memory_mb") == [(0, 0), (10, 64), (12, 0), (15, 64), (20, 0)]
    assert {span["note"] for span in result.spans} == {"unknown_capacity"}


def test_shelved_gap_is_a_gap() -> None:
    # Held [0, 10), [20, 30), then from 40 until the end at 50. The unshelve at 30 is no later than the shelve at 30;
    # the second shelve at 12 finds nothing held; the one before creation is another's.
    tables = {"nova.compute_nodes": [node(1, "a", 0)], "nova.instances": [instance("i", 0, 60, terminated_at=at(50))]}
    tables |= on_demand("i") | events(
        "i",
        (-1, "compute_shelve_instance"),
        (10, "compute_shelve_instance"),
        (12, "compute_shelve_offload_instance"),
        (20, "compute_unshelve_instance"),
        (30, "compute_shelve_offload_instance"),
        (30, "compute_unshelve_instance"),
        (40, "compute_unshelve_instance"),
        (50, "compute_terminate_instance"),
        (55, "compute_unshelve_instance"),
    )
    result = run(tables)
    assert audit(result, "occupied_ondemand") == [
        ("i", 0, 0, 10, "none"),
        ("i", 1, 20, 30, "none"),
        ("i", 2, 40, 50, "none"),
    ]
    # 2 of 8 vcpus
    share = Fraction(1, 4)
    assert steps(result, "occupied_ondemand") == [(0, share), (10, 0), (20, share), (30, 0), (40, share), (50, 0)]


def test_one_held_interval_clamped_away_is_an_orphan_beside_the_others() -> None:
    # Held [0, 10) and [20, open); the commitment is [15, 30).
    tables = {"nova.compute_nodes": [node(1, "a", 0)], "nova.instances": [instance("i", 0)]} | one_lease(15, 30)
    tables["nova_api.request_specs"] = [spec("i", "r")]
    tables |= events("i", (10, "compute_shelve_instance"), (20, "compute_unshelve_instance"))
    result = run(tables)
    assert audit(result, "occupied_reservation") == [("i", 0, None, None, "orphan"), ("i", 1, 20, 30, "clipped")]
    assert [span["original_start_at"] for span in result.spans[-2:]] == [at(0), at(20)]


@pytest.mark.parametrize(
    ("columns", "action"),
    [
        ({"hidden": 1, "launched_at": None}, "hidden"),
        ({"launched_at": None, "deleted_at": at(-1)}, "never_launched"),
        ({"deleted_at": at(0)}, "empty"),
        ({"created_at": None}, "empty"),
        ({}, "none"),
    ],
)
def test_reasons_of_instances(columns: Row, action: str) -> None:
    tables = {"nova.compute_nodes": [node(1, "a", 0)], "nova.instances": [instance("i", 0) | columns]} | on_demand("i")
    assert only(run(tables), "occupied_ondemand")["action"] == action


@pytest.mark.parametrize(
    ("specs", "source", "note"),
    [
        ([spec("i", "r")], "hint", None),
        ([spec("i", "r") | {"id": 9}, spec("i") | {"id": 10}], "none", None),
        ([spec("i", flavor="reservation:r")], "flavor", None),
        ([spec("i", "", flavor="reservation:r")], "flavor", None),
        ([spec("i", flavor="reservation:")], "none", None),
        ([], "inferred", None),
        ([spec("i", text="{broken")], "inferred", "bad_spec"),
        ([spec("i") | {"spec": None}], "inferred", "bad_spec"),
        ([spec("i", text="[1]")], "none", None),
    ],
)
def test_sources_of_the_reservation(specs: list[Row], source: str, note: str | None) -> None:
    tables = {"nova.compute_nodes": [node(1, "a", 0)], "nova.instances": [instance("i", 5, 9)]} | one_lease(0, 10)
    span = only(
        run(tables | {"nova_api.request_specs": specs}),
        "occupied_ondemand" if source == "none" else "occupied_reservation",
    )
    assert (span["booking_source"], span["note"], span["action"]) == (source, note, "none")
    assert (span["reservation_id"], span["lease_id"]) == ((None, None) if source == "none" else ("r", "l"))


def test_reservation_is_inferred_at_creation_then_at_launch() -> None:
    # r1 holds host a for [0, 10), r2 for [10, 20), r3 (another project) for [20, 30).
    tables = {"nova.compute_nodes": [node(1, "a", 0)]} | blazar(
        *[allocation(f"x{n}", "h", f"r{n}") for n in (1, 2, 3)],
        leases=[lease("l1", 0, 10), lease("l2", 10, 20), lease("l3", 20, 30, "q")],
        reservations=[reservation(f"r{n}", f"l{n}") for n in (1, 2, 3)],
        hosts=[host("h", "a", 0)],
    )
    tables["nova.instances"] = [
        instance("created in r1", 9, 25, launched_at=at(12)),  # [9, 10) of it
        instance("launched in r2", -1, 25, launched_at=at(10)),  # [10, 20) of it
        instance("in another's", 21, 25),
        instance("nobody's", 5, 6, project_id=None),
    ]
    result = run(tables)
    assert audit(result, "occupied_reservation") == [
        ("created in r1", 0, 9, 10, "clipped"),
        ("launched in r2", 0, 10, 20, "clipped"),
    ]
    assert audit(result, "occupied_ondemand") == [("in another's", 0, 21, 25, "none"), ("nobody's", 0, 5, 6, "none")]


def test_node_from_the_host_of_the_latest_event() -> None:
    # svc runs b only (its row without a name is not counted); c is the source, where the resize was confirmed.
    tables = {
        "nova.compute_nodes": [node(1, "b", 0, host="svc"), node(2, "c", 0), node(3, None, 0, host="svc")],
        "nova.instances": [instance("i", 0, node="")],
    } | on_demand("i")
    tables |= events("i", (1, "compute_finish_resize"), host="svc")
    more = [
        (8, "compute_confirm_resize", 2, "Success", "c"),
        (9, "compute_stop_instance", 3, "Error", "c"),
        (10, "compute_stop_instance", 3, "Success", ""),
        (11, "computeXstop", 3, "Success", "c"),
    ]
    tables["nova.instance_actions_events"] += [
        {"id": id, "action_id": 1, "event": event, "start_time": at(hour), "result": result, "host": service}
        for id, event, hour, result, service in more
    ]
    assert only(run(tables), "occupied_ondemand")["hypervisor_hostname"] == "b"
    # A service of two hypervisors says nothing: the node, so its share of it, is unknown; the vcpus are not.
    tables["nova.compute_nodes"].append(node(4, "d", 0, host="svc"))
    result = run(tables | {"blazar.computehosts": []})
    span = only(result, "occupied_ondemand")
    assert (span["hypervisor_hostname"], span["nodes"], span["note"]) == (None, None, "unknown_host")
    assert ("current", "occupied_ondemand", "nodes") not in result.usage
    assert ("current", "available_ondemand", "nodes") not in result.usage
    # total counts b, c, d: 24 vcpus
    assert steps(result, "available_ondemand", "vcpus") == [(0, 22)]


def test_node_is_inferred_where_the_reservation_has_one_hypervisor() -> None:
    tables = {"nova.compute_nodes": [node(1, "a", 0), node(2, "b", 0)]} | one_lease(0, 10)
    tables |= {"nova.instances": [instance("i", 5, node=None)], "nova_api.request_specs": [spec("i", "r")]}
    span = only(run(tables), "occupied_reservation")
    assert (span["hypervisor_hostname"], span["note"], span["action"]) == ("a", "inferred_node", "clipped")
    tables["blazar.computehosts"].append(host("hb", "b", 0))
    tables["blazar.computehost_allocations"].append(allocation("y", "hb", "r"))
    span = only(run(tables), "occupied_reservation")
    assert (span["hypervisor_hostname"], span["action"], span["is_valid"]) == (None, "null_key", False)


def test_host_row_is_the_one_at_the_start_of_the_piece() -> None:
    # 8 vcpus until 10, then 4: 2 of 8 is a quarter, 2 of 4 a half. Before the first row: the first row.
    tables = {
        "nova.compute_nodes": [node(1, "a", 0, 10), node(2, "a", 10, vcpus=4)],
        "nova.instances": [instance("early", -5, 3), instance("before", 5, 20), instance("after", 10, 20)],
        "nova_api.request_specs": [spec(uuid) for uuid in ("early", "before", "after")],
    }
    shares = {s["source_id"]: s["nodes"] for s in run(tables).spans if s["metric"] == "occupied_ondemand"}
    assert shares == {"early": Fraction(1, 4), "before": Fraction(1, 4), "after": Fraction(1, 2)}
