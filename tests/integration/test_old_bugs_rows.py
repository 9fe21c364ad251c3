"""Bugs that other systems suffered, of single rows: none is ours. Numbers are by hand, as in test_old_bugs.py."""

import pytest

from tests.small_site import (
    BEFORE,
    UNKNOWN,
    Builder,
    Tables,
    allocation,
    bare_instance,
    blazar_host,
    container,
    day,
    device,
    device_lease,
    events,
    flavor_lease,
    host,
    instance,
    lease,
    request_spec,
    together,
)

# ---------------------------------------------------------------------------------------------------------------------
# Duplicate request_specs counting twice


@pytest.mark.parametrize("other", ["r", "s", None], ids=["the same", "another reservation", "on demand"])
def test_duplicate_request_specs_count_once(build: Builder, other: str | None) -> None:
    """Two request specs of one instance, of which the later counts."""
    site = build(
        *(host("a"), blazar_host("a"), lease("r", 1, 31, "a"), lease("s", 1, 31)),
        *(bare_instance("i", 5, 15), request_spec("i", other), request_spec("i", "r")),
    )
    # 10 days of 2 vcpus, not twice 480
    assert site.steps("occupied_reservation", "vcpus") == [(1, 0), (5, 2), (15, 0)]
    assert site.hours("occupied_reservation", "vcpus") == 480
    assert site.steps("occupied_ondemand", "vcpus") == [(1, 0)]
    assert site.spans("occupied_reservation", "reservation_id") == [(5, 15, "none", "r")]


# ---------------------------------------------------------------------------------------------------------------------
# A lease without end vanishing


def test_a_lease_without_an_end_does_not_vanish(build: Builder) -> None:
    site = build(host("a"), blazar_host("a"), lease("r", 5, None, "a"), instance("i", 10, None, "r"))
    assert site.spans("committed") == [(5, None, "none")]
    # 27 days; an instance of a quarter for 22 days; both would be 0
    assert site.steps("committed") == [(1, 0), (5, 1)]
    assert site.hours("committed") == 648
    assert site.steps("occupied_reservation") == [(1, 0), (10, 0.25)]
    assert site.hours("occupied_reservation") == 132
    assert site.steps("idle") == [(1, 0), (5, 1), (10, 0.75)]


def test_a_lease_without_an_end_ends_when_it_is_deleted(build: Builder) -> None:
    site = build(host("a"), blazar_host("a"), lease("r", 5, None, "a", deleted_at=day(15)))
    # 10 days, not 0 and not 27
    assert site.steps("committed") == [(1, 0), (5, 1), (15, 0)]
    assert site.hours("committed") == 240


# ---------------------------------------------------------------------------------------------------------------------
# 0 vcpus giving NaN


@pytest.mark.parametrize("vcpus", [0, 2])
def test_a_host_of_0_vcpus_makes_no_value_nan(build: Builder, vcpus: int) -> None:
    """An instance and a flavor reservation on a host whose 0 vcpus are none that anybody knows, beside known ones."""
    site = build(
        *(host("a"), blazar_host("a"), flavor_lease("r", 5, 15, "a", vcpus=2), instance("i", 5, 15)),
        *(host("z", **UNKNOWN), blazar_host("z", **UNKNOWN), flavor_lease("s", 5, 15, "z", vcpus=vcpus)),
        instance("j", 5, 15, node="z", vcpus=vcpus),
    )
    # A quarter of a for 10 days; 0 ÷ 0 would be NaN, 2 ÷ 0 infinite, and so the sum.
    for metric in ("committed", "occupied_ondemand"):
        assert site.steps(metric) == [(1, 0), (5, 0.25), (15, 0)]
        assert site.hours(metric) == 60
        assert site.spans(metric, "nodes", "note") == [
            (5, 15, "none", 0.25, None),
            (5, 15, "none", None, "unknown_capacity"),
        ]
        assert site.steps(metric, "vcpus") == [(1, 0), (5, 2 + vcpus), (15, 0)]
    # 2 nodes, 2 reservable, so −0.25 on demand: no value at all is NaN or infinite.
    assert site.steps("available_ondemand") == [(1, 0), (5, -0.25), (15, 0)]
    assert all(abs(row["value"]) < 1_000 for row in site.rows("usage"))


def test_an_instance_of_0_vcpus_is_no_part_of_a_node(build: Builder) -> None:
    site = build(host("a"), instance("i", 5, 15), instance("j", 5, 15, vcpus=0))
    # 2 ÷ 8 and 0 ÷ 8
    assert site.steps("occupied_ondemand") == [(1, 0), (5, 0.25), (15, 0)]
    assert site.spans("occupied_ondemand", "nodes", "note") == [(5, 15, "none", 0.25, None), (5, 15, "none", 0, None)]


# ---------------------------------------------------------------------------------------------------------------------
# Stop then delete under-counting


@pytest.mark.parametrize("pause", ["stop", "power_off", "suspend", "pause"])
def test_a_stopped_instance_counts_until_it_is_deleted(build: Builder, pause: str) -> None:
    """Switched off, it holds what it held: the node is nobody else's."""
    site = build(
        *(host("a"), instance("i", 2, 20, terminated_at=day(20))),
        events("i", (5, f"compute_{pause}_instance"), (20, "compute_terminate_instance")),
    )
    # 18 days of 2 vcpus; until it was stopped they would be 3, 144
    assert site.steps("occupied_ondemand", "vcpus") == [(1, 0), (2, 2), (20, 0)]
    assert site.hours("occupied_ondemand", "vcpus") == 864


# ---------------------------------------------------------------------------------------------------------------------
# End before start subtracting

SOUND = together(
    *(host("a"), host("b"), device("d"), blazar_host("a")),
    *(lease("r", 5, 25, "a"), device_lease("e", 5, 25, "d")),
    *(instance("reserved", 6, 16, "r"), instance("on demand", 6, 16, node="b"), container("e", 6, 16)),
)
# Two hosts and a device; one of the hosts and the device reservable and leased; a container and quarters of hosts.
TIMELINES = {
    "total": [(1, 3)],
    "reservable": [(1, 2)],
    "committed": [(1, 0), (5, 2), (25, 0)],
    "occupied_reservation": [(1, 0), (6, 1.25), (16, 0)],
    "occupied_ondemand": [(1, 0), (6, 0.25), (16, 0)],
}
# 31 × 24 × 3; 31 × 24 × 2; 20 × 24 × 2; 10 × 24 × 1.25; 10 × 24 × 0.25
HOURS = {
    "total": 2_232,
    "reservable": 1_488,
    "committed": 960,
    "occupied_reservation": 300,
    "occupied_ondemand": 60,
}


@pytest.mark.parametrize(
    ("wrong", "metrics"),
    [
        pytest.param(host("c", 20, 10), {"total"}, id="host"),
        pytest.param(host("a", 20, 10), {"total"}, id="host that is there already"),
        pytest.param(blazar_host("b", 20, 10), {"reservable"}, id="reservable host"),
        pytest.param(device("f", 20, 10), {"total", "reservable"}, id="device"),
        pytest.param(lease("s", 20, 10, "a"), {"committed"}, id="lease"),
        pytest.param(instance("j", 20, 10, "r"), {"occupied_reservation"}, id="reserved instance"),
        pytest.param(instance("j", 20, 10, node="b"), {"occupied_ondemand"}, id="instance on demand"),
        pytest.param(container("e", 20, 10), {"occupied_reservation"}, id="container"),
    ],
)
def test_an_end_before_the_start_subtracts_nothing(build: Builder, wrong: Tables, metrics: set[str]) -> None:
    site = build(SOUND, wrong)
    # From the 10th to the 20th the wrong row would take away what it names: of a node 240 hours, of a quarter 60.
    assert {metric: site.steps(metric) for metric in TIMELINES} == TIMELINES
    assert {metric: site.hours(metric) for metric in HOURS} == HOURS
    assert {row["metric"] for row in site.findings("rows") if row["action"] == "empty"} == metrics
    assert site.findings("negative") == []


# ---------------------------------------------------------------------------------------------------------------------
# Window start with wrong first values


def test_the_first_values_of_a_window_count_all_that_is_there(build: Builder) -> None:
    """A window from the 15th: what began before goes on, what ended before or just then is over."""
    site = build(
        *(host("a"), host("b", 10, 15), host("c", 15, 20), host("d", 3, 10), blazar_host("a")),
        *(lease("r", 5, 25, "a"), instance("i", 6, 16, "r"), instance("j", 6, 15), instance("k", 7, 18)),
        window=(15, 32),
    )
    # a and c. Counted from what begins inside it would be 1 (c) and then 0; with b that is just over 3.
    assert site.steps("total") == [(15, 2), (20, 1)]
    # 5 days of 2, 12 of 1: 240 + 288
    assert site.hours("total") == 528
    assert site.steps("committed") == [(15, 1), (25, 0)]
    assert site.steps("available_reservable") == [(15, 0), (25, 1)]
    assert site.steps("occupied_reservation") == [(15, 0.25), (16, 0)]
    assert site.steps("idle") == [(15, 0.75), (16, 1), (25, 0)]
    assert site.steps("occupied_ondemand") == [(15, 0.25), (18, 0)]
    # 1 day of ¾ and 9 of 1; 3 of ¼
    assert site.hours("idle") == 234
    assert site.hours("occupied_ondemand") == 18
    projects = [
        (row["metric"], row["timestamp"], row["value"])
        for row in site.rows("usage_by_project")
        if row["project_id"] == "p" and row["resource"] == "nodes"
    ]
    assert projects == [
        *(("committed", day(15), 1), ("committed", day(25), 0)),
        *(("occupied_ondemand", day(15), 0.25), ("occupied_ondemand", day(18), 0)),
        *(("occupied_reservation", day(15), 0.25), ("occupied_reservation", day(16), 0)),
    ]


def test_a_window_starts_with_the_value_that_the_one_before_ended_with(build: Builder) -> None:
    rows = together(host("a"), host("b", 10), blazar_host("a"), lease("r", 5, 25, "a"), instance("i", 12, 20, "r"))
    first, second, both = (build(rows, window=window) for window in ((1, 15), (15, 32), (1, 32)))
    assert both.steps("idle") == [(1, 0), (5, 1), (12, 0.75), (20, 1), (25, 0)]
    assert first.steps("idle") == [(1, 0), (5, 1), (12, 0.75)]
    assert second.steps("idle") == [(15, 0.75), (20, 1), (25, 0)]
    # 7 days of 1 and 3 of ¾: 168 + 54; 5 of ¾ and 5 of 1: 90 + 120
    assert (first.hours("idle"), second.hours("idle"), both.hours("idle")) == (222, 210, 432)
    # 9 days of 1 and 5 of 2: 216 + 240; 17 days of 2
    assert (first.hours("total"), second.hours("total"), both.hours("total")) == (456, 816, 1_272)


def test_a_series_starts_with_the_window_though_nothing_was_there_yet(build: Builder) -> None:
    site = build(host("a", 10), instance("i", 40, 50), lease("r", BEFORE, 1, "a"))
    # 22 days; what is over when the window begins, or begins when it is over, is a series of zero.
    assert site.steps("total") == [(1, 0), (10, 1)]
    assert site.hours("total") == 528
    assert site.steps("committed") == site.steps("occupied_ondemand") == [(1, 0)]


# ---------------------------------------------------------------------------------------------------------------------
# A row audited once per parent


@pytest.mark.parametrize(("columns", "action"), [({"hidden": 1}, "hidden"), ({"launched_at": None}, "never_launched")])
def test_a_row_that_does_not_count_is_audited_once(build: Builder, columns: dict, action: str) -> None:
    """Its reservation has its host from 5 to 8 and from 10 to 15 March: two parents, of which it is in both."""
    site = build(
        *(host("a"), blazar_host("a"), lease("r", 5, 20), allocation("r", "a", 5, 8), allocation("r", "a", 10, 15)),
        instance("i", 6, 12, "r", **columns),
    )
    assert site.spans("occupied_reservation") == [(None, None, action)]
    assert len(site.spans("committed")) == 2
