"""The oracle against numbers worked out by hand. `at(n)` is n hours after the first of January."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from tests.oracle import Result, Row, bucket_starts, change_instant, count, known_number, resampled

DAY = datetime(2024, 1, 1)


def at(hours: float | None) -> datetime | None:
    return None if hours is None else DAY + timedelta(hours=hours)


def node(id: int, name: str | None, begin: float, end: float | None = None, **columns: Any) -> Row:
    """A KVM host of 8 vcpus, 64 MiB, 100 GiB; vcpus sold twice."""
    return {
        "id": id,
        "hypervisor_hostname": name,
        "host": f"svc-{name}",
        "hypervisor_type": "QEMU",
        "created_at": at(begin),
        "deleted_at": at(end),
        "vcpus": 8,
        "memory_mb": 64,
        "local_gb": 100,
        "cpu_allocation_ratio": 2.0,
        **columns,
    }


def host(id: str, name: str | None, begin: float, end: float | None = None, **columns: Any) -> Row:
    resources = {"vcpus": 8, "memory_mb": 64, "local_gb": 100}
    times = {"created_at": at(begin), "deleted_at": at(end)}
    return {"id": id, "hypervisor_hostname": name, **times, **resources, **columns}


def lease(id: str, begin: float, end: float | None, project: str = "p", **columns: Any) -> Row:
    dates = {"start_date": at(begin), "end_date": at(end)}
    return {"id": id, "project_id": project, "user_id": "u", **dates, "created_at": at(-100), **columns}


def reservation(id: str, lease_id: str, kind: str = "physical:host") -> Row:
    return {"id": id, "lease_id": lease_id, "resource_type": kind}


def allocation(id: str, host_id: str, reservation_id: str, begin: float = -100, end: float | None = None) -> Row:
    keys = {"compute_host_id": host_id, "device_id": host_id, "reservation_id": reservation_id}
    return {"id": id, **keys, "created_at": at(begin), "deleted_at": at(end)}


def instance(uuid: str, begin: float, end: float | None = None, **columns: Any) -> Row:
    """Of 2 vcpus, 16 MiB, no root disk, on host a."""
    return {
        "id": 1,
        "uuid": uuid,
        "project_id": "p",
        "user_id": "u",
        "node": "a",
        "vcpus": 2,
        "memory_mb": 16,
        "root_gb": 0,
        "created_at": at(begin),
        "launched_at": at(begin),
        "deleted_at": at(end),
        **columns,
    }


def events(uuid: str, *steps: tuple[float, str], host: str | None = None) -> dict[str, list[Row]]:
    return {
        "nova.instance_actions": [{"id": 1, "instance_uuid": uuid}],
        "nova.instance_actions_events": [
            {"id": n, "action_id": 1, "event": name, "start_time": at(hour), "result": "Success", "host": host}
            for n, (hour, name) in enumerate(steps)
        ],
    }


def spec(uuid: str, hint: str | None = None, flavor: str = "m1", text: str | None = None) -> Row:
    hints = {"reservation": [hint]} if hint is not None else {}
    data = {"scheduler_hints": hints, "flavor": {"nova_object.data": {"name": flavor}}}
    return {"id": 1, "instance_uuid": uuid, "spec": json.dumps({"nova_object.data": data}) if text is None else text}


def on_demand(uuid: str) -> dict[str, list[Row]]:
    return {"nova_api.request_specs": [spec(uuid)]}


def blazar(*allocations: Row, leases: list[Row], reservations: list[Row], hosts: list[Row]) -> dict[str, list[Row]]:
    return {
        "blazar.computehosts": hosts,
        "blazar.leases": leases,
        "blazar.reservations": reservations,
        "blazar.computehost_allocations": list(allocations),
    }


def one_lease(begin: float = 0, end: float | None = 100) -> dict[str, list[Row]]:
    """Host a, reservable for ever, committed as r for [begin, end)."""
    return blazar(
        allocation("x", "h", "r"), leases=[lease("l", begin, end)], reservations=[reservation("r", "l")],
        hosts=[host("h", "a", 0)],
    )  # fmt: skip


def migration(id: int, uuid: str, change: float, source: str | None, old: int | None = None, **columns: Any) -> Row:
    """One that took place at `change` (asked for an hour earlier); a resize where it names an old flavor."""
    times = {"created_at": at(change - 1), "updated_at": at(change)}
    kind = {"migration_type": "migration" if old is None else "resize", "old_instance_type_id": old}
    return {"id": id, "instance_uuid": uuid, "status": "confirmed", "source_node": source, **kind, **times, **columns}


def flavor(id: int, vcpus: int | None, memory_mb: int, root_gb: int) -> Row:
    return {"id": id, "vcpus": vcpus, "memory_mb": memory_mb, "root_gb": root_gb}


def extra(id: int, uuid: str, name: Any) -> Row:
    return {"id": id, "instance_uuid": uuid, "flavor": json.dumps({"cur": {"nova_object.data": {"name": name}}})}


def run(tables: dict[str, list[Row]], begin: float = 0, end: float = 100, **settings: Any) -> Result:
    return count(tables, at(begin), at(end), **settings)  # type: ignore[arg-type]


def hours(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - DAY) / timedelta(hours=1)


def audit(result: Result, metric: str) -> list[tuple[Any, ...]]:
    """(source_id, piece, start, end, action) of a metric's spans."""
    return sorted(
        (s["source_id"], s["piece"], hours(s["start_at"]), hours(s["end_at"]), s["action"])
        for s in result.spans
        if s["metric"] == metric
    )


def steps(result: Result, metric: str, resource: str = "nodes") -> list[tuple[float | None, Fraction]]:
    return [(hours(moment), value) for moment, value in result.usage["current", metric, resource]]


def stays(result: Result, *columns: str) -> list[tuple[Any, ...]]:
    """(start, end, node, *columns) of the pieces of the only instance."""
    spans = [s for s in result.spans if s["source_table"] == "nova.instances"]
    names = ("hypervisor_hostname", *columns)
    return [(hours(s["start_at"]), hours(s["end_at"]), *(s[name] for name in names)) for s in spans]


def only(result: Result, metric: str) -> Row:
    (span,) = [span for span in result.spans if span["metric"] == metric]
    return span


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


def test_containers_over_devices() -> None:
    # r has device d1 for [0, 100) twice (once counts) and d2 from 50: 1 device, then 2, then none.
    # c1 [10, open): has one until 100. c2 [10, 80), the same start and a larger id: [50, 80). c3 [20, open): [80, 100).
    # c4 [-5, 0): ends before any device; c5 has no reservation, c6 no start, c7 no length.
    mine = json.dumps({"zun.openstack.org/reservation_id": "r"})

    def container(id: int, begin: float | None, end: float | None = None, note: str = mine) -> Row:
        times = {"started_at": at(begin), "updated_at": at(end if end is not None else 33)}
        return {"id": id, "status": "Running" if end is None else "Stopped", "annotations": note, **times}

    devices = [{"id": f"d{n}", "reservable": n < 3, "created_at": at(0), "deleted_at": None} for n in (1, 2, 3)]
    tables = {
        "blazar.devices": devices,
        "blazar.leases": [lease("l", 0, 100)],
        "blazar.reservations": [reservation("r", "l", "device")],
        "blazar.device_allocations": [
            allocation("x", "d1", "r"),
            allocation("y", "d1", "r"),
            allocation("z", "d2", "r", 50),
            allocation("w", "d3", "r"),  # can't be reserved
        ],
        "zun.container": [
            container(11, 10, 80),
            container(9, 10),
            container(12, 20),
            container(13, -5, 0),
            container(14, 1, note="{}"),
            container(15, None),
            container(16, 7, 7, note="{}"),
        ],
    }
    result = run(tables, 0, 120)
    assert audit(result, "occupied_reservation") == [
        ("11", 0, 50, 80, "clipped"),
        ("12", 0, 80, 100, "clipped"),
        ("13", 0, None, None, "orphan"),
        ("14", 0, None, None, "null_key"),
        ("15", 0, None, None, "never_launched"),
        ("16", 0, None, None, "empty"),
        ("9", 0, 10, 100, "clipped"),
    ]
    assert steps(result, "total") == [(0, 3)]
    assert steps(result, "reservable") == [(0, 2)]
    assert steps(result, "committed") == [(0, 2), (50, 3), (100, 0)]
    assert steps(result, "occupied_reservation") == [(0, 0), (10, 1), (50, 2), (100, 0)]
    assert audit(result, "committed")[0] == ("w", 0, None, None, "orphan")
    assert not any(metric == "occupied_ondemand" for _, metric, _ in result.usage)


def test_tracked_metric_without_spans_is_zero_and_a_missing_table_is_no_series() -> None:
    tables = {"nova.compute_nodes": [node(1, "a", 0, 50)], "nova.instances": []}
    result = run(tables)
    metrics = {"total", "occupied_reservation", "occupied_ondemand"}
    assert {metric for _, metric, _ in result.usage} == metrics
    assert all(steps(result, "occupied_ondemand", r) == [(0, 0)] for _, m, r in result.usage if m == "total")
    result = run(tables | {"blazar.computehosts": []})
    assert {m for _, m, _ in result.usage} == {*metrics, "reservable", "ondemand_capacity", "available_ondemand"}
    assert steps(result, "available_ondemand", "disk_gb") == [(0, 100), (50, 0)]


def test_derived_values_may_be_negative() -> None:
    # The node is gone at 10, its instance is not: 8 − 2 = 6 vcpus free, then −2; a second instance makes it −4.
    tables = {
        "nova.compute_nodes": [node(1, "a", 0, 10)],
        "blazar.computehosts": [],
        "nova.instances": [instance("i", 0), instance("j", 20)],
        "nova_api.request_specs": [spec("i"), spec("j")],
    }
    assert steps(run(tables), "available_ondemand", "vcpus") == [(0, 6), (10, -2), (20, -4)]


def test_two_windows_laid_end_to_end_are_one() -> None:
    # Nodes: 1 from 0, 2 from 10, 1 from 30. A change on the border is the second window's first row.
    tables = {"nova.compute_nodes": [node(1, "a", 0), node(2, "b", 10, 30), node(3, "c", 50, 60)]}
    assert steps(run(tables, 5, 40), "total") == [(5, 1), (10, 2), (30, 1)]
    assert steps(run(tables, 5, 10), "total") == [(5, 1)]
    assert steps(run(tables, 10, 40), "total") == [(10, 2), (30, 1)]
    # b's place is taken by c at the same instant: no change
    tables["nova.compute_nodes"] = [node(1, "b", 0, 30), node(2, "c", 30)]
    assert steps(run(tables), "total") == [(0, 1)]


def test_the_order_of_rows_does_not_matter() -> None:
    tables = {"nova.compute_nodes": [node(1, "a", 0, 10), node(2, "a", 5)]} | one_lease(0, 10)
    tables |= {"nova.instances": [instance("i", 3), instance("j", 4)], "nova_api.request_specs": [spec("i", "r")]}
    backwards = run({table: rows[::-1] for table, rows in tables.items()})
    assert backwards.usage == run(tables).usage
    assert audit(backwards, "occupied_reservation") == audit(run(tables), "occupied_reservation")


def test_archived_rows_count_where_no_live_row_has_their_key() -> None:
    # Host a is row 1 until 50 and, archived, row 2 until 80. The archived rows with the keys of live ones are ignored.
    # j was archived twice; 10 is the larger id, so it is [20, 40). Its shelve at 30 was archived with it; the unshelve
    # at 35 is an archived event of an action that is still live.
    tables = {
        "nova.compute_nodes": [node(1, "a", 0, 50)],
        "nova.shadow_compute_nodes": [node(1, "b", 0), node(2, "a", 50, 80)],
        "nova.instances": [instance("i", 0, 10)],
        "nova.shadow_instances": [instance("i", 5, 60), instance("j", 20, 40, id=10), instance("j", 21, 39, id=9)],
        "nova.instance_actions": [{"id": 1, "instance_uuid": "j"}],
        "nova.shadow_instance_actions": [{"id": 1, "instance_uuid": "i"}, {"id": 2, "instance_uuid": "j"}],
        "nova.shadow_instance_actions_events": [
            {"id": id, "action_id": action, "event": event, "start_time": at(hour), "result": "Success"}
            for id, action, event, hour in (
                (1, 2, "compute_shelve_instance", 30),
                (2, 1, "compute_unshelve_instance", 35),
            )
        ],
    } | {"nova_api.request_specs": [spec("i"), spec("j")]}
    result = run(tables)
    assert steps(result, "total") == [(0, 1), (80, 0)]
    assert audit(result, "occupied_ondemand") == [
        ("i", 0, 0, 10, "none"),
        ("j", 0, 20, 30, "none"),
        ("j", 1, 35, 40, "none"),
    ]
    tables_read = {span["source_table"] for span in result.spans}
    assert tables_read == {"nova.compute_nodes", "nova.instances"}


@pytest.mark.parametrize(
    ("created", "updated", "instant"),
    [
        (10, 20, 12),  # the first of 8, 12, 15 and 20 in it
        (12, 13, 12),  # its border belongs to it
        (13, 14, 14),  # none in it: updated_at
        (16, None, 20),  # no upper bound
        (21, None, 21),  # no event, no updated_at: created_at
        (None, 13, 13),  # no event can be matched
        (14, 13, 13),
        (None, None, None),
    ],
)
def test_instant_of_a_change(created: float | None, updated: float | None, instant: float | None) -> None:
    moves = ((20, "compute_rebuild_instance"), (12, "compute_finish_resize"), (8, "compute_finish_resize"))
    others = ((15, "compute_post_live_migration_at_destination"), (11, "compute_confirm_resize"))
    events_of_it = [{"event": event, "start_time": at(hour)} for hour, event in (*moves, *others)]
    assert change_instant({"created_at": at(created), "updated_at": at(updated)}, events_of_it) == at(instant)


def test_node_and_size_over_time() -> None:
    # On a (8 vcpus) with flavor 5 (4 vcpus, 8 MiB, 1 GiB) until it was resized to b at 10; live-migrated to c at 20;
    # an event of the second migration says 18. Now on c (4 vcpus) with 2 vcpus, 16 MiB, no disk.
    tables = {
        "nova.compute_nodes": [node(1, "a", 0), node(2, "b", 0), node(3, "c", 0, vcpus=4)],
        "nova.instances": [instance("i", 0, 30, node="c")],
        "nova_api.flavors": [flavor(5, 4, 8, 1)],
        "nova.migrations": [
            migration(1, "i", 10, "a", 5),
            migration(2, "i", 20, "b", migration_type="live-migration", created_at=at(15), status="completed"),
            migration(3, "i", 25, "a", 5, status="error"),
            migration(4, "i", 25, "a", 5, status="reverted"),
            migration(5, "i", 25, "a", 5, created_at=None, updated_at=None),
            migration(6, "other", 25, "a", 5),
        ],
    } | on_demand("i")
    tables |= events("i", (18, "compute_post_live_migration_at_destination"))
    result = run(tables)
    assert stays(result, "piece", "nodes", "vcpus", "vcpus_overcommit", "memory_mb", "disk_gb", "note") == [
        (0, 10, "a", 0, Fraction(1, 2), 4, 4, 8, 1, None),
        (10, 18, "b", 1, Fraction(1, 4), 2, 2, 16, 0, None),
        (18, 30, "c", 2, Fraction(1, 2), 2, 2, 16, 0, None),
    ]
    # From b to c the vcpus stay the same, so there is no row at 18.
    assert steps(result, "occupied_ondemand", "vcpus") == [(0, 4), (10, 2), (30, 0)]
    # Archived, it is all the same.
    tables["nova.shadow_migrations"] = tables.pop("nova.migrations")
    assert run(tables).usage == result.usage


def test_stays_and_held_intervals_cut_each_other() -> None:
    # Held [0, 10) and [20, 30); moved at 5 from a, at 15 (shelved: no piece begins) from b, at 20 from c: on c it never
    # held anything. Now on d.
    tables = {
        "nova.compute_nodes": [node(n, name, 0) for n, name in enumerate("abcd")],
        "nova.instances": [instance("i", 0, 30, node="d")],
        "nova.migrations": [migration(1, "i", 5, "a"), migration(2, "i", 15, "b"), migration(3, "i", 20, "c")],
    } | on_demand("i")
    tables |= events("i", (10, "compute_shelve_instance"), (20, "compute_unshelve_instance"))
    assert stays(run(tables), "action") == [(0, 5, "a", "none"), (5, 10, "b", "none"), (20, 30, "d", "none")]


def test_changes_at_one_instant_are_ordered_and_those_before_creation_say_nothing() -> None:
    # All at 10: the first is the one without created_at, then the smaller id of the two asked for at 9. So it was on
    # a, and on b and c for no time. The change at −5 is before its creation: a too.
    tables = {
        "nova.compute_nodes": [node(n, name, -10) for n, name in enumerate("abcdx")],
        "nova.instances": [instance("i", 0, 20, node="d")],
        "nova.migrations": [
            migration(10, "i", 10, "c"),
            migration(9, "i", 10, "b"),
            migration(11, "i", 10, "a", created_at=None),
            migration(1, "i", -5, "x"),
        ],
    } | on_demand("i")
    assert stays(run(tables)) == [(0, 10, "a"), (10, 20, "d")]
    # Without that one the first is 9, a number smaller than 10: b.
    del tables["nova.migrations"][2]
    assert stays(run(tables)) == [(0, 10, "b"), (10, 20, "d")]


def test_missing_source_node_and_unknown_flavor_leave_what_is_after_the_change() -> None:
    # Back in time: now on a with 2 vcpus; at 40 a resize from flavor 7, which is gone: 2 vcpus, marked; at 30 a move
    # without a source: still marked; at 20 a resize from flavor 5: 4 vcpus, known; at 10 a resize without old flavor
    # and at 5 a "migration" that names one change nothing.
    tables = {
        "nova.compute_nodes": [node(1, "a", 0), node(2, "b", 0)],
        "nova.instances": [instance("i", 0, 50)],
        "nova_api.flavors": [flavor(5, 4, 8, 1), flavor(6, 1, 1, 1)],
        "nova.migrations": [
            migration(1, "i", 5, "", 6, migration_type="migration"),
            migration(2, "i", 10, None, migration_type="resize"),
            migration(3, "i", 20, "b", 5),
            migration(4, "i", 30, None),
            migration(5, "i", 40, None, 7),
        ],
    } | on_demand("i")
    assert stays(run(tables), "vcpus", "note") == [
        (0, 5, "b", 4, None),
        (5, 10, "b", 4, None),
        (10, 20, "b", 4, None),
        (20, 30, "a", 2, "unknown_flavor"),
        (30, 40, "a", 2, "unknown_flavor"),
        (40, 50, "a", 2, None),
    ]
    # Without the table no flavor is known. A flavor's null is unknown, its size is not: no mark.
    tables["nova.migrations"] = [migration(3, "i", 20, "b", 5)]
    assert stays(run(tables | {"nova_api.flavors": []}), "vcpus", "note")[0] == (0, 20, "b", 2, "unknown_flavor")
    tables["nova_api.flavors"] = [flavor(5, None, 8, 1)]
    assert stays(run(tables), "nodes", "vcpus", "note")[0] == (0, 20, "b", None, None, None)


def test_host_row_is_looked_up_at_the_start_of_each_stay() -> None:
    # a has 8 vcpus until 10, then 4: 2 of 8 are a quarter. After the move at 15 (from a to a): 2 of 4, a half.
    tables = {
        "nova.compute_nodes": [node(1, "a", 0, 10), node(2, "a", 10, vcpus=4)],
        "nova.instances": [instance("i", 0, 20)],
        "nova.migrations": [migration(1, "i", 15, "a")],
    } | on_demand("i")
    assert stays(run(tables), "nodes") == [(0, 15, "a", Fraction(1, 4)), (15, 20, "a", Fraction(1, 2))]


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


def capability(id: str, owner: str, value: str | None, begin: float | None = 0, **columns: Any) -> Row:
    keys = {"computehost_id": owner, "device_id": owner}
    return {"id": id, **keys, "property_id": "p", "capability_value": value, "created_at": at(begin), **columns}


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


def test_legacy_series() -> None:
    # Day 0: 24 + 48 = 72 hours in all, 12 in maintenance, 6 reserved, 18 used: 3, 1/2, 1/4 and 3/4 of a node.
    # Day 1: the same numbers in one row. Day 2: no row. Day 3: 24 hours in all, nothing else.
    names = ("total_hours", "maint_hours", "reserved_hours", "used_hours", "idle_hours")

    def day(hour: float | None, *values: float | None) -> Row:
        return {"date": at(hour), **dict(zip(names, values, strict=True))}

    cache = "chameleon_usage.node_usage_report_cache"
    rows = [
        *(day(0, 24.0, 12.0, None, 18.0, 7.0), day(0, 48.0, None, 6.0, 0.0, 7.0)),
        *(day(24, 72.0, 12.0, 6.0, 18.0, None), day(72, 24.0, None, None, None, None)),
        *(day(-24, 999.0, None, None, None, None), day(None, 999.0, None, None, None, None)),
    ]
    tables = {cache: rows, "nova.compute_nodes": []}
    result = run(tables, 12, 200)
    found = {key: points for key, points in result.usage.items() if key[0] == "legacy"}
    assert {metric: [(hours(ts), value) for ts, value in points] for (_, metric, _), points in found.items()} == {
        "total": [(12, 3), (48, 0), (72, 1), (96, 0)],
        "reservable": [(12, Fraction(5, 2)), (48, 0), (72, 1), (96, 0)],
        "committed": [(12, 1), (48, 0)],
        "occupied_reservation": [(12, Fraction(3, 4)), (48, 0)],
        "idle": [(12, Fraction(1, 4)), (48, 0)],
        "available_reservable": [(12, Fraction(3, 2)), (48, 0), (72, 1), (96, 0)],
    }
    assert {resource for _, _, resource in found} == {"nodes"}
    assert {s["source_table"] for s in result.spans} == set()
    assert steps(result, "total") == [(12, 0)]
    assert not any(key[0] == "legacy" for key in run(tables | {cache: []}).usage)
    # A row without a date makes it tracked, and zero.
    assert run({cache: rows[-1:]}).usage["legacy", "total", "nodes"] == [(DAY, 0)]
    # 0.1 + 0.2 hours are 0.3: no change; a time of day is its day's.
    hours_of = [day(5, 0.1, 0, 0, 0, 0), day(0, 0.2, 0, 0, 0, 0), day(24, 0.3, 0, 0, 0, 0)]
    assert run({cache: hours_of}, 0, 48).usage["legacy", "total", "nodes"] == [(DAY, Fraction(1, 80))]


def test_usage_by_project() -> None:
    # In the window [10, 50): p holds 2 vcpus until 20; nobody 2 from 30; q ended where the window begins; s starts
    # where it ends; t's row is hidden. u's node, so its share of one, is unknown: its nodes are zero.
    tables = {
        "nova.compute_nodes": [node(1, "a", 0)],
        "nova.instances": [
            instance("i", 0, 20),
            instance("j", 30, None, project_id=None),
            instance("k", 0, 10, project_id="q"),
            instance("l", 50, 60, project_id="s"),
            instance("m", 0, 60, project_id="t", hidden=1),
            instance("n", 0, 60, project_id="u", node="elsewhere"),
        ],
        "nova_api.request_specs": [spec(uuid) for uuid in "ijklmn"],
    }
    result = run(tables, 10, 50)
    found = {
        (metric, project): [(hours(ts), value) for ts, value in points]
        for (metric, project, resource), points in result.by_project.items()
        if resource == "nodes"
    }
    share = Fraction(1, 4)
    metric = "occupied_ondemand"
    assert found == {
        (metric, "p"): [(10, share), (20, 0)],
        (metric, None): [(10, 0), (30, share)],
        (metric, "u"): [(10, 0)],
    }
    assert result.by_project[metric, "u", "vcpus"] == [(at(10), 2)]
    assert {resource for _, _, resource in result.by_project} == {
        *("nodes", "vcpus", "vcpus_overcommit", "memory_mb", "disk_gb")
    }
    # Committed and occupied, by the project of the lease and of the instance; committed is not cut to what is occupied.
    tables |= one_lease(0, 30) | {"nova_api.request_specs": [spec("i", "r")]}
    tables["nova.instances"] = [instance("i", 0, 20, project_id="q")]
    result = run(tables)
    assert {(m, p): len(points) for (m, p, r), points in result.by_project.items() if r == "nodes"} == {
        ("committed", "p"): 2,
        ("occupied_reservation", "q"): 2,
    }


@pytest.mark.parametrize(
    ("start", "end", "step", "expected"),
    [
        ("2024-01-01", "2024-01-01T00:40", "15m", ["2024-01-01", "2024-01-01T00:15", "2024-01-01T00:30"]),
        ("2024-01-01T00:30", "2024-01-01T02:30", "1h", ["2024-01-01T00:30", "2024-01-01T01:30"]),
        ("2024-01-03", "2024-01-18", "1w", ["2024-01-03", "2024-01-10", "2024-01-17"]),
        ("2024-01-03", "2024-01-17", "7d", ["2024-01-03", "2024-01-10"]),
        # the day of the start, or the last one of the month; never drifting to the 29th
        ("2024-01-31", "2024-05-01", "1mo", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        ("2023-01-31T06:00", "2023-04-01", "1mo", ["2023-01-31T06:00", "2023-02-28T06:00", "2023-03-31T06:00"]),
        ("2023-11-30", "2024-06-01", "3mo", ["2023-11-30", "2024-02-29", "2024-05-30"]),
        ("2024-02-29", "2028-03-01", "2y", ["2024-02-29", "2026-02-28", "2028-02-29"]),
        ("2024-01-01", "2024-01-01", "1d", []),
    ],
)
def test_bucket_starts(start: str, end: str, step: str, expected: list[str]) -> None:
    found = bucket_starts(datetime.fromisoformat(start), datetime.fromisoformat(end), step)
    assert found == [datetime.fromisoformat(instant) for instant in expected]


@pytest.mark.parametrize("step", ["0h", "h", "1", "-1h", "1 h", "1M", "1.5h", ""])
def test_what_is_no_step(step: str) -> None:
    with pytest.raises(ValueError, match="no step"):
        bucket_starts(DAY, DAY, step)


def test_resampled() -> None:
    # 4 from 0, −2 from 6, 1 from 10, 3 from 20, up to 25, in buckets of 10 hours:
    # [0, 10): 6 × 4 − 4 × 2 = 16; [10, 20): 10; [20, 25), which is short: 5 × 3 = 15, 3 on average.
    points = [(at(0), Fraction(4)), (at(6), Fraction(-2)), (at(10), Fraction(1)), (at(20), Fraction(3))]
    begin, end = at(0), at(25)
    assert begin is not None
    assert end is not None
    assert resampled(points, begin, end, bucket_starts(begin, end, "10h")) == [  # type: ignore[arg-type]
        (at(0), 4, Fraction(8, 5), -2, 4, 16),
        (at(10), 1, 1, 1, 1, 10),
        (at(20), 3, 3, 3, 3, 15),
    ]
    # A third of an hour: exact. The value at the start of a bucket is what holds there.
    third = resampled([(DAY, Fraction(1, 3))], DAY, DAY + timedelta(minutes=20), [DAY])
    assert third == [(DAY, Fraction(1, 3), Fraction(1, 3), Fraction(1, 3), Fraction(1, 3), Fraction(1, 9))]
