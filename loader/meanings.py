"""What each action, mark and finding means, and what an operator can do about it: words for `check` and `explain`."""

from typing import NamedTuple


class Meaning(NamedTuple):
    """What it says of the numbers, and what to do; both are sentences."""

    what: str
    do: str


PARENTS = {"reservable": "total", "committed": "reservable", "occupied_reservation": "committed"}

ACTIONS = {
    "none": "counts in full",
    "clipped": "counts, less the time when it had no parent (see the level above)",
    "superseded": "counts until a later row of the same machine began",
    "orphan": "does not count: nothing in the level above overlaps it, or a row that it names is missing",
    "null_key": "does not count: it does not say which machine or reservation it belongs to",
    "empty": "does not count: it has no start, or does not end after it, or a later row covers it from its start",
    "never_launched": "does not count: it never ran (launched_at or started_at is null)",
    "hidden": "does not count: nova hides it, the other record of an instance that moved between cells",
}

LOST = {
    "orphan": Meaning(
        "rows that nothing in the level above overlaps, or that name a missing row: their time counts nowhere",
        "look at some with `explain --span`; a purged lease or host is in the file only if you extract with --history",
    ),
    "null_key": Meaning(
        "rows that name no machine or reservation",
        "often records of builds that failed; look at some with `explain --span`",
    ),
    "empty": Meaning(
        "rows without a start, or that end before it (clocks, repaired records): they count for nothing",
        "nothing to do, unless there are many: then look at the service that writes them",
    ),
    "never_launched": Meaning("instances or containers that never ran", "nothing to do: failed builds hold nothing"),
    "hidden": Meaning("the other record of an instance that moved between cells", "nothing to do"),
}

CUT = {
    "clipped": Meaning(
        "time cut off because the parent ended earlier or began later",
        "usual at the edges of leases; much of it means that leases or hosts end in the database before their children",
    ),
    "superseded": Meaning(
        "time of a machine's older row that a later row covers: it would have counted twice",
        "nothing to do; old rows of re-created services and hosts could be deleted in nova or blazar",
    ),
}

NOTES = {
    "unknown_capacity": Meaning(
        "the machine's size is unknown for some resource (Ironic reports 0): that resource adds nothing",
        "extract ironic.nodes (grants of ironic), which knows cpus, memory_mb and local_gb",
    ),
    "unknown_host": Meaning(
        "the machine has no row in nova.compute_nodes then: nodes is unknown and adds nothing",
        "extract with --history, or nova.shadow_compute_nodes, which has archived rows",
    ),
    "unknown_flavor": Meaning(
        "the flavor before a resize is gone: the size is the one after it",
        "extract nova_api.flavors with --history before flavors are deleted",
    ),
    "bad_spec": Meaning("request_specs holds no JSON for it: its reservation was inferred", "nothing to do"),
    "inferred_node": Meaning(
        "the record names no machine: it is the only one of its reservation", "nothing to do; it is usually right"
    ),
}

FINDINGS = {
    "negative": Meaning(
        "more is in use than there is: a child outside any known capacity, or over-commitment (vcpus, memory)",
        "`explain --at` the worst instant shows which rows add up to it",
    ),
    "missing_table": Meaning(
        "an input table was not extracted: what it tells is unknown",
        "grant it (`print-grant-sql`) and extract again; `schemas` in the config names the databases that a site has",
    ),
    "missing_optional": Meaning(
        "a table that not every cloud has was not extracted: what it tells is unknown",
        "nothing to do if the cloud has no such service; else grant it (`print-grant-sql`) and extract again",
    ),
    "missing_column": Meaning(
        "an input column was not extracted: it reads as null", "grant it (`print-grant-sql`) and extract again"
    ),
    "zero_dates": Meaning("dates that were 0000-00-00 read as null", "nothing to do, unless rows are `empty` by it"),
}


def meaning(check: str, action: str | None, detail: str | None) -> Meaning | None:
    """Of a finding of quality.parquet; None for one that only counts rows that are right."""
    if check == "rows":
        return LOST.get(action or "")
    if check == "cut_off":
        return CUT.get(action or "")
    if check == "note":
        return NOTES.get(detail or "")
    return FINDINGS.get(action or check)
