"""The oracle by hand: where instances were, and when."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from tests.oracle.stays import change_instant
from tests.oracle.values import Row
from tests.oracle_site import (
    allocation,
    at,
    audit,
    events,
    flavor,
    instance,
    lease,
    migration,
    node,
    on_demand,
    one_lease,
    reservation,
    run,
    spec,
    stays,
    steps,
)


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
