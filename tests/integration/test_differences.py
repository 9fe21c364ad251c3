"""The twelve differences from the reference implementation (SPEC 7): what ours gives, and what theirs would.

Every number was worked out by hand, from the rows of the test alone.
"""

import pytest

from tests.commands import process, rows
from tests.small_site import (
    UNKNOWN,
    Builder,
    Result,
    allocation,
    blazar_host,
    container,
    day,
    device,
    device_lease,
    events,
    flavor,
    host,
    instance,
    lease,
    migration,
    write,
)


@pytest.fixture(scope="module")
def resampled(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The real command, over March by days: three hosts from February, of which one is gone, and six hours of use."""
    folder = tmp_path_factory.mktemp("resampled")
    data_dir = write(
        folder / "data",
        *(host("a", -28), host("b", -19, -9), host("c", -9, 11)),  # 1 February, 10 to 20 February, 20 February
        instance("i", 5.25, 5.5),
    )
    process(data_dir, folder / "out", window=("2024-03-01", "2024-04-01"), flags=["--resample", "1d"])
    return Result(lambda model: rows(folder / f"out/here/{model}.parquet"))


def test_1_rows_are_inside_the_window_only_the_first_at_its_start(resampled: Result) -> None:
    """Ours: 2 hosts at the start of March, 1 from the 11th on, two rows.

    Theirs: four rows, with 1 host from 1 February and 2 from the 20th, counted from a and c, which touch the window:
    on 15 February it says 1, although b made it 2. None is at the start of March.
    """
    assert resampled.steps("total") == [(1, 2), (11, 1)]
    usage = resampled.rows("usage")
    every = {(row["metric"], row["resource"]) for row in usage}
    first = [(row["metric"], row["resource"]) for row in usage if row["timestamp"] == day(1)]
    assert sorted(first) == sorted(every), "one row of every series at the start"
    assert min(row["timestamp"] for row in usage) == day(1)
    # 10 days of 2 and 21 of 1: 480 + 504 = 984 node-hours. Theirs begin with 19 days of 1 and 10 of 2 in February, 936
    # node-hours more.
    daily = [row for row in resampled.rows("usage_resampled") if (row["metric"], row["resource"]) == ("total", "nodes")]
    assert sum(row["hours"] for row in daily) == 984


def test_2_each_series_has_a_row_for_each_of_its_own_changes(build: Builder) -> None:
    """Ours: 16 rows a resource. Theirs: each of the 9 series at each of the site's 5 timestamps, 45 rows a resource."""
    site = build(host("a"), host("b", 10), instance("i", 5, 7), instance("j", 7, 9))
    # The timestamps of the site are 1 (the start), 5, 7 (when j takes the place of i), 9 and 10.
    steps = {
        "total": [(1, 1), (10, 2)],
        "reservable": [(1, 0)],
        "committed": [(1, 0)],
        "occupied_reservation": [(1, 0)],
        "idle": [(1, 0)],
        "available_reservable": [(1, 0)],
        "ondemand_capacity": [(1, 1), (10, 2)],
        "occupied_ondemand": [(1, 0), (5, 0.25), (9, 0)],
        "available_ondemand": [(1, 1), (5, 0.75), (9, 1), (10, 2)],
    }
    assert {metric: site.steps(metric) for metric in steps} == steps
    # 2 + 5 × 1 + 2 + 3 + 4 = 16 rows for each of 5 resources
    assert len(site.rows("usage")) == 80


def test_3_rows_of_one_host_that_overlap_count_once(build: Builder) -> None:
    """Ours: 1 host all March, 744 hours, whose second row brings it to 16 vcpus on the 11th.

    Theirs: 2 hosts from the 11th on, 24 vcpus: 744 + 21 × 24 = 1,248 node-hours.
    """
    site = build(host("a"), host("a", 11, vcpus=16), blazar_host("a"), blazar_host("a", 21, id="again", vcpus=16))
    assert site.steps("total") == site.steps("reservable") == [(1, 1)]
    assert site.hours("total") == site.hours("reservable") == 744
    assert site.steps("total", "vcpus") == [(1, 8), (11, 16)]
    # 10 × 24 × 8 + 21 × 24 × 16 = 1,920 + 8,064; theirs 1,920 + 21 × 24 × 24 = 14,016
    assert site.hours("total", "vcpus") == 9_984
    assert site.steps("reservable", "vcpus") == [(1, 8), (21, 16)]
    assert site.spans("total") == [(-50, 11, "superseded"), (11, None, "none")]


def test_4_parents_are_merged_before_a_child_is_clamped(build: Builder) -> None:
    """Ours: an instance of 20 days of 2 vcpus is 960 vcpu-hours, under whatever allocations of its reservation.

    Theirs: a piece under each allocation, 16 and 14 days, 1,440 vcpu-hours; or, one of them kept at random, 768 or 672.
    """
    site = build(
        *(host("a"), blazar_host("a"), lease("r", 1, 31)),
        *(allocation("r", "a", end=21), allocation("r", "a", begin=11)),
        instance("i", 5, 25, "r"),
    )
    assert site.spans("occupied_reservation") == [(5, 25, "none")]
    assert site.steps("occupied_reservation", "vcpus") == [(1, 0), (5, 2), (25, 0)]
    assert site.hours("occupied_reservation", "vcpus") == 960
    # What blazar promised twice is committed twice.
    assert site.steps("committed") == [(1, 1), (11, 2), (21, 1), (31, 0)]


def test_5_vcpus_overcommit_are_kept_down_the_stack(build: Builder) -> None:
    """Ours: 16 of 8 vcpus sold twice are reservable and committed, 2 occupied. Theirs: orphans, so 0 in all three."""
    site = build(host("a"), blazar_host("a"), lease("r", 5, 25, "a"), instance("i", 10, 20, "r"))
    resource = "vcpus_overcommit"
    assert site.steps("total", resource) == site.steps("reservable", resource) == [(1, 16)]
    assert site.steps("committed", resource) == [(1, 0), (5, 16), (25, 0)]
    assert site.steps("occupied_reservation", resource) == [(1, 0), (10, 2), (20, 0)]
    assert site.steps("idle", resource) == [(1, 0), (5, 16), (10, 14), (20, 16), (25, 0)]
    # 744 × 16; 20 × 24 × 16; 10 × 24 × 2; the difference of the last two
    assert site.hours("reservable", resource) == 11_904
    assert site.hours("committed", resource) == 7_680
    assert site.hours("occupied_reservation", resource) == 480
    assert site.hours("idle", resource) == 7_200


def test_6_a_negative_span_is_audited_as_empty(build: Builder) -> None:
    """Ours: 1 host, 744 hours; b, deleted on the 10th, created on the 20th, is `empty`.

    Theirs: b takes one away for these 10 days, 744 − 240 = 504 hours.
    """
    site = build(host("a"), host("b", 20, 10))
    assert site.steps("total") == [(1, 1)]
    assert site.hours("total") == 744
    assert site.spans("total", "hypervisor_hostname") == [(-50, None, "none", "a"), (None, None, "empty", "b")]
    [empty] = [row for row in site.findings("rows") if row["action"] == "empty"]
    assert (empty["metric"], empty["rows"], empty["hours"]) == ("total", 1, 0)


def test_7_devices_their_commitments_and_containers_count(build: Builder) -> None:
    """Ours: two devices; d can be reserved, and goes on the 21st, 4 days before its lease ends. Theirs: none."""
    site = build(
        *(device("d", end=21), device("e", reservable=0)),
        *(device_lease("r", 5, 25, "d"), container("r", 7, 9)),
    )
    assert site.steps("total") == [(1, 2), (21, 1)]
    assert site.steps("reservable") == [(1, 1), (21, 0)]
    assert site.steps("committed") == [(1, 0), (5, 1), (21, 0)]
    assert site.steps("occupied_reservation") == [(1, 0), (7, 1), (9, 0)]
    assert site.spans("committed") == [(5, 21, "clipped")]
    # 20 × 24 × 2 + 11 × 24 = 960 + 264; 20 × 24; 16 × 24; 2 × 24
    assert site.hours("total") == 1_224
    assert site.hours("reservable") == 480
    assert site.hours("committed") == 384
    assert site.hours("occupied_reservation") == 48


def test_8_the_dates_of_an_allocation_bound_what_is_committed(build: Builder) -> None:
    """Ours: a host was given to the lease [5, 25) on the 10th and taken from it on the 20th: 240 hours.

    Theirs: all 20 days of the lease, 480 hours.
    """
    site = build(host("a"), blazar_host("a"), lease("r", 5, 25), allocation("r", "a", 10, 20))
    assert site.steps("committed") == [(1, 0), (10, 1), (20, 0)]
    assert site.hours("committed") == 240


def test_9_every_shelved_gap_counts(build: Builder) -> None:
    """Ours: 3 + 5 + 10 days of 2 vcpus, 864 hours. Theirs: one span of 28 days, 1,344 hours."""
    steps = ((5, "compute_shelve_instance"), (10, "compute_unshelve_instance"))
    again = ((15, "compute_shelve_offload_instance"), (20, "compute_unshelve_instance"))
    site = build(host("a"), instance("i", 2, 30), events("i", *steps, *again))
    timeline = [(1, 0), (2, 2), (5, 0), (10, 2), (15, 0), (20, 2), (30, 0)]
    assert site.steps("occupied_ondemand", "vcpus") == timeline
    assert site.hours("occupied_ondemand", "vcpus") == 864


def test_9_every_migration_counts(build: Builder) -> None:
    """Ours: 2 of the 8 vcpus of a for 10 days, then 2 of the 4 of b: 60 + 120 = 180 node-hours.

    Theirs: all 20 days on b, 240 node-hours.
    """
    site = build(
        *(host("a"), host("b", vcpus=4)),
        *(instance("i", 1, 21, node="b"), migration("i", 11, "a", "live-migration")),
    )
    assert site.steps("occupied_ondemand") == [(1, 0.25), (11, 0.5), (21, 0)]
    assert site.hours("occupied_ondemand") == 180
    assert site.spans("occupied_ondemand", "hypervisor_hostname") == [(1, 11, "none", "a"), (11, 21, "none", "b")]


def test_9_every_resize_counts(build: Builder) -> None:
    """Ours: 4 vcpus for 10 days, then 2: 960 + 480 = 1,440 vcpu-hours. Theirs: all 20 days of 2, 960 vcpu-hours."""
    resize = migration("i", 11, "a", "resize", old_instance_type_id=7)
    site = build(host("a"), instance("i", 1, 21), flavor(7, vcpus=4), resize)
    assert site.steps("occupied_ondemand", "vcpus") == [(1, 4), (11, 2), (21, 0)]
    assert site.hours("occupied_ondemand", "vcpus") == 1_440


def test_10_an_unknown_capacity_is_null(build: Builder) -> None:
    """Ours: Ironic says 0 of everything, Blazar knows the memory: 744 × 64 = 47,616 MiB-hours; of the rest no series.

    Theirs: memory, vcpus and disk of 0.
    """
    site = build(host("a", hypervisor_type="ironic", **UNKNOWN), blazar_host("a", vcpus=0, local_gb=0))
    assert site.resources("total") == site.resources("reservable") == {"nodes", "memory_mb"}
    assert site.steps("total", "memory_mb") == site.steps("reservable", "memory_mb") == [(1, 64)]
    assert site.hours("total", "memory_mb") == site.hours("reservable", "memory_mb") == 47_616
    columns = ("nodes", "vcpus", "vcpus_overcommit", "memory_mb", "disk_gb", "note")
    assert site.spans("total", *columns) == [(-50, None, "none", 1, None, None, 64, None, "unknown_capacity")]


def test_11_a_child_of_an_invalid_parent_is_an_orphan(build: Builder) -> None:
    """Ours: nothing is committed outside [., 5), when the machine could be reserved, so nothing is occupied or idle.

    Theirs: the invalid commitment still lets its instance in, 1 node for 6 days: idle is −1, −144 node-hours.
    """
    site = build(
        *(host("a", hypervisor_type="ironic"), blazar_host("a", end=5)),
        *(lease("r", 10, 20, "a"), instance("i", 12, 18, "r")),
    )
    for metric in ("committed", "occupied_reservation", "idle"):
        assert site.steps(metric) == [(1, 0)]
    assert site.spans("committed") == site.spans("occupied_reservation") == [(None, None, "orphan")]
    # Lost, but known: 10 and 6 days.
    lost = {row["metric"]: row["hours"] for row in site.findings("rows") if row["action"] == "orphan"}
    assert lost == {"committed": 240, "occupied_reservation": 144}
    assert site.findings("negative") == []


def test_12_resampling_adds_files_with_mean_and_hours(resampled: Result) -> None:
    """Ours: the timeline stays, and the day of use has 6 hours of 2 vcpus: 12 vcpu-hours, 0.5 on average.

    Theirs: points at midnight in place of the timeline: all 0, so 0 hours.
    """
    series = ("occupied_ondemand", "vcpus")
    assert resampled.steps(*series) == [(1, 0), (5.25, 2), (5.5, 0)]
    daily = [row for row in resampled.rows("usage_resampled") if (row["metric"], row["resource"]) == series]
    columns = ("value", "mean", "min", "max", "hours")
    found = {row["timestamp"]: tuple(row[name] for name in columns) for row in daily}
    nothing = (0, 0, 0, 0, 0)
    assert found == {day(n): (0, 0.5, 0, 2, 12) if n == 5 else nothing for n in range(1, 32)}


def test_12_by_project_too(resampled: Result) -> None:
    """As above: project p has used all of it."""
    daily = resampled.rows("usage_by_project_resampled")
    assert [
        (row["timestamp"], row["project_id"], row["mean"], row["hours"])
        for row in daily
        if row["resource"] == "vcpus" and row["hours"] != 0
    ] == [(day(5), "p", 0.5, 12)]
