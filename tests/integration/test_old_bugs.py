"""Bugs that other systems suffered: none of them is ours.

Every number was worked out by hand, from the rows of the test alone; a comment says what the bug would give.
"""

import pytest

from tests.small_site import (
    Builder,
    Tables,
    bare_instance,
    blazar_host,
    day,
    events,
    flavor,
    host,
    instance,
    lease,
    migration,
    together,
)

# ---------------------------------------------------------------------------------------------------------------------
# Start reset by resize, rescue or evacuate (and by rebuild and unshelve): created on 1 March, `launched_at` on the 20th

RESIZED = together(
    flavor(7, vcpus=4),
    migration("i", 20, "a", "resize", old_instance_type_id=7),
    events("i", (19.98, "compute_prep_resize"), (19.99, "compute_resize_instance"), (20, "compute_finish_resize")),
)
EVACUATED = together(migration("i", 20, "b", "evacuation"), events("i", (20, "compute_rebuild_instance")))
UNSHELVED = events("i", (10, "compute_shelve_instance"), (20, "compute_unshelve_instance"))


@pytest.mark.parametrize(
    ("what", "vcpus", "hours"),
    [
        # 24 days of 2 vcpus; from the 20th on it would be 5 days, 240 vcpu-hours
        pytest.param(events("i", (20, "compute_rescue_instance")), [(1, 2), (25, 0)], 1_152, id="rescue"),
        pytest.param(events("i", (20, "compute_rebuild_instance")), [(1, 2), (25, 0)], 1_152, id="rebuild"),
        pytest.param(EVACUATED, [(1, 2), (25, 0)], 1_152, id="evacuate"),
        # 19 days of 4 vcpus and 5 of 2: 1,824 + 240
        pytest.param(RESIZED, [(1, 4), (20, 2), (25, 0)], 2_064, id="resize"),
        # 9 days and 5 of 2 vcpus: 432 + 240
        pytest.param(UNSHELVED, [(1, 2), (10, 0), (20, 2), (25, 0)], 672, id="unshelve"),
    ],
)
def test_a_reset_start_does_not_shorten_an_instance(build: Builder, what: Tables, vcpus: list, hours: int) -> None:
    site = build(host("a"), host("b"), instance("i", 1, 25, launched_at=day(20)), what)
    assert site.steps("occupied_ondemand", "vcpus") == vcpus
    assert site.hours("occupied_ondemand", "vcpus") == hours


def test_a_reset_start_does_not_move_an_instance_out_of_its_reservation(build: Builder) -> None:
    """Nothing but node and time tells its reservation [1, 15): it was in it when it was created, not on the 20th."""
    site = build(
        *(host("a"), blazar_host("a"), lease("r", 1, 15, "a")),
        bare_instance("i", 2, 25, launched_at=day(20)),
    )
    assert site.steps("occupied_reservation") == [(1, 0), (2, 0.25), (15, 0)]
    # 13 days of a quarter; on demand it would be 23 days, or 5
    assert site.hours("occupied_reservation") == 78
    assert site.steps("occupied_ondemand") == [(1, 0)]


# ---------------------------------------------------------------------------------------------------------------------
# An end event that opened a session


def test_an_end_event_opens_no_session(build: Builder) -> None:
    """Offloaded a day after it was shelved; ended on the 20th and, as its row was still there, again on the 21st."""
    ends = ((20, "compute_terminate_instance"), (21, "compute_terminate_instance"))
    steps = ((5, "compute_shelve_instance"), (6, "compute_shelve_offload_instance"), (10, "compute_unshelve_instance"))
    site = build(host("a"), instance("i", 1, 25), events("i", *steps, *ends))
    # 4 and 10 days of 2 vcpus. A session opened by the offload is 4 days more, one by the second end 4 more: 1,056.
    assert site.steps("occupied_ondemand", "vcpus") == [(1, 2), (5, 0), (10, 2), (20, 0)]
    assert site.hours("occupied_ondemand", "vcpus") == 672


@pytest.mark.parametrize("end", ["terminate", "shelve", "shelve_offload"])
def test_a_single_end_event_ends_the_only_session(build: Builder, end: str) -> None:
    site = build(host("a"), instance("i", 1), events("i", (10, f"compute_{end}_instance")))
    # 9 days of 2 vcpus; opened on the 10th and never closed it would be 22 days, 1,056
    assert site.steps("occupied_ondemand", "vcpus") == [(1, 2), (10, 0)]
    assert site.hours("occupied_ondemand", "vcpus") == 432


# ---------------------------------------------------------------------------------------------------------------------
# A host counted once per duplicate


def test_a_host_counts_once_whatever_its_duplicates(build: Builder) -> None:
    """Three rows of one instant in nova, an archived one, three in blazar, and its type written down twice."""
    [archived] = host("a").values()
    types = {
        "blazar.resource_properties": [{"id": "p", "property_name": "node_type"}],
        "blazar.computehost_extra_capabilities": [
            {"id": id, "computehost_id": "blazar 3", "property_id": "p", "capability_value": "large"} for id in "xy"
        ],
    }
    site = build(
        *(host("a") for _ in range(3)),
        *({"nova.shadow_compute_nodes": archived}, types),
        *(blazar_host("a", id=f"blazar {n}") for n in (1, 2, 3)),
        *(lease("r", 5, 25, "1"), instance("i", 10, 20, "r")),
    )
    # 744 hours each, not 3 × 744 = 2,232
    assert site.steps("total") == site.steps("reservable") == [(1, 1)]
    assert site.hours("total") == site.hours("reservable") == 744
    # One allocation of 20 days, not three; an instance of a quarter for 10 days: 60 hours, not 180
    assert site.steps("committed") == [(1, 0), (5, 1), (25, 0)]
    assert site.hours("committed") == 480
    assert site.steps("occupied_reservation") == [(1, 0), (10, 0.25), (20, 0)]
    assert site.hours("occupied_reservation") == 60
    assert site.spans("occupied_reservation", "node_type") == [(10, 20, "none", "large")]


# ---------------------------------------------------------------------------------------------------------------------
# Negative idle from an invalid parent


@pytest.mark.parametrize(
    ("parent", "reason"),
    [
        pytest.param(lease("r", 10, 20, "a"), "orphan", id="of no reservable host"),
        pytest.param(together(blazar_host("a"), lease("r", 20, 10, "a")), "empty", id="that ends before it starts"),
        pytest.param(
            together(blazar_host(None, id="blazar a"), lease("r", 10, 20, "a")), "null_key", id="of a nameless host"
        ),
    ],
)
def test_an_invalid_parent_makes_no_negative_idle(build: Builder, parent: Tables, reason: str) -> None:
    site = build(host("a"), parent, instance("i", 12, 18, "r"))
    # Nothing is committed, so nothing can be occupied. Clamped to the invalid commitment, or to nothing, the instance
    # would make idle −0.25 for 6 days, −36 node-hours.
    assert site.spans("committed") == [(None, None, reason)]
    assert site.spans("occupied_reservation") == [(None, None, "orphan")]
    assert site.steps("idle") == [(1, 0)]
    assert site.findings("negative") == []


def test_an_instance_of_a_reservation_without_blazar_makes_no_negative_idle(build: Builder) -> None:
    site = build(host("a"), blazar_host("a"), lease("r", 1, 31, "a"), instance("i", 12, 18, "r"), has_blazar=False)
    # Blazar's tables aren't read; read, they would commit a node for 30 days.
    assert site.steps("committed") == site.steps("occupied_reservation") == site.steps("idle") == [(1, 0)]
    assert site.spans("occupied_reservation") == [(None, None, "orphan")]
    assert site.findings("negative") == []


def test_a_negative_idle_that_is_real_stays_and_is_found(build: Builder) -> None:
    """A machine with an instance that was never cleaned up beside the next one: 2 occupied of 1 that is committed."""
    site = build(
        *(host("a", hypervisor_type="ironic"), blazar_host("a"), lease("r", 1, 31, "a")),
        *(instance("i", 5, 14, "r"), instance("j", 12, 20, "r")),
    )
    assert site.steps("occupied_reservation") == [(1, 0), (5, 1), (12, 2), (14, 1), (20, 0)]
    assert site.steps("idle") == [(1, 1), (5, 0), (12, -1), (14, 0), (20, 1), (31, 0)]
    # 4 days of 1, 2 of −1, 11 of 1: 96 − 48 + 264 = 312; with the negative value clipped away 360
    assert site.hours("idle") == 312
    # 48 hours of one machine too much: 1 node, 8 vcpus (sold twice: 16), 64 MiB, 100 GiB
    worst = {"nodes": -1, "vcpus": -8, "vcpus_overcommit": -16, "memory_mb": -64, "disk_gb": -100}
    found = site.findings("negative")
    assert {row["resource"]: row["worst_value"] for row in found} == worst
    assert {(row["metric"], row["rows"], row["hours"], row["worst_at"]) for row in found} == {("idle", 1, 48, day(12))}
