"""Where an instance was, and whose it was, at bounds and ties: a few rows each, the numbers worked out by hand."""

import pytest

from tests.few_rows import Build, committed, day, spans


def test_inferred_from_the_stay_that_begins_at_the_creation(build_rows: Build) -> None:
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
    assert spans(build_rows(rows), "reservation_id", "booking_source")["i"] == ("on n", "inferred")


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ({"a": 3, "b": 2}, "a"),  # the latest start
        ({"a": 2, "b": 2, "c": 2, "d": 2, "e": 2}, "e"),  # of equal ones the larger id
        ({"b": 2, "c": 2}, "c"),
    ],
)
def test_inferred_from_the_latest_commitment(starts: dict[str, int], expected: str, build_rows: Build) -> None:
    rows = committed(*((name, "n", first) for name, first in starts.items())) | {
        "nova.instances": [
            {"id": 1, "uuid": "i", "project_id": "p", "node": "n", "created_at": day(5), "launched_at": day(5)}
        ]
    }
    assert spans(build_rows(rows), "reservation_id")["i"] == (expected,)


def test_a_node_that_nobody_recorded_is_marked(build_rows: Build) -> None:
    """Its reservation, told by the flavor beside a broken spec, is committed on one hypervisor only."""
    rows = committed(("r", "n", 2)) | {
        "nova.instances": [{"id": 1, "uuid": "i", "created_at": day(5), "launched_at": day(5), "vcpus": 1}],
        "nova_api.request_specs": [{"id": 1, "instance_uuid": "i", "spec": "{"}],
        "nova.instance_extra": [
            {"id": 1, "instance_uuid": "i", "flavor": '{"cur": {"nova_object.data": {"name": "reservation:r"}}}'}
        ],
    }
    found = spans(build_rows(rows), "hypervisor_hostname", "reservation_id", "note")["i"]
    assert found == ("n", "r", "bad_spec, inferred_node, unknown_capacity")


def test_of_migrations_of_one_instant_the_larger_id_is_the_later(build_rows: Build) -> None:
    """So before both the instance was where the first one says."""
    both = {"instance_uuid": "i", "status": "done", "created_at": day(4), "updated_at": day(5)}
    rows = {
        "nova.instances": [{"id": 1, "uuid": "i", "node": "c", "created_at": day(2), "launched_at": day(2)}],
        "nova.migrations": [{"id": 10, "source_node": "b", **both}, {"id": 9, "source_node": "a", **both}],
    }
    found = [(s["hypervisor_hostname"], s["start_at"], s["end_at"]) for s in build_rows(rows).rows("spans")]
    assert found == [("a", day(2), day(5)), ("c", day(5), None)]


def test_a_lost_size_before_a_known_one_of_the_same_instant(build_rows: Build) -> None:
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
    found = [(s["start_at"], s["vcpus"], s["note"]) for s in build_rows(rows).rows("spans")]
    assert found == [(day(2), 4, "unknown_host, unknown_flavor"), (day(5), 8, "unknown_host")]
