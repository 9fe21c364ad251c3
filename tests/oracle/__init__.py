"""An independent count of capacity and usage, straight from SPEC.md, sections 1 to 6: slow, plain, exact.

It shares nothing with the SQL models: it is what they are checked against. Every rule is a small function whose
docstring quotes the sentence that it follows. Amounts are `Fraction`, so nothing is rounded and two values are equal
or they are not. Input rows are dicts; a column that a row lacks reads as null.

Where SPEC leaves room, this file decides:

 1. An empty string in a key or a name (node, hypervisor_hostname, host, a reservation's id) is null.
 2. A row without `created_at` is nobody's host row: it cannot be placed in time.
 3. A capacity row's resources, where its own are unknown, and its ratio are looked up at the row's own start
    (`created_at`), one set for all of its pieces. An instance's host row is looked up at the start of the held piece
    (its claim), one size for all that clamping leaves of it.
 4. All pieces of a superseded row are `superseded`, whichever of the bounds was clamped.
 5. A held interval of no length (shelved at the instant of its creation or unshelve) or beyond the instance's end is
    none at all. Only an instance without any is `empty`, with one audit row.
 6. An instance on demand needs no parent, so one without a node is valid, its nodes unknown (`unknown_host`).
 7. null_key: a null in a row's own keys, or a host without `hypervisor_hostname`. A row that is named but missing
    (host, reservation, lease, the flavor's instance_reservations) makes an orphan, as does a null
    `reservations.lease_id`.
 8. A reservation of hosts that is not `flavor:instance` (another type, null) counts as `physical:host`.
 9. The host's vcpus for a `flavor:instance` allocation are those of its reservable span.
10. "Several allocations of one device count once" is about the devices that containers can have. As commitments
    they are separate spans, like several allocations of one host.
11. Of several reservations that could be an instance's, "the larger id" is the reservation's, as text.
12. Ids of digits are ordered as numbers, before all other ids, which are ordered as text (by code point).
13. Reservation ids in JSON are strings; anything else there (a number, a bare string in place of the hint's list)
    is no id. `NaN` and `Infinity` are no JSON.
14. A null vcpus of an instance or flavor makes `nodes` null without a mark: the host's capacity is not to blame.
15. The hypervisor of a container is null; so is that of an allocation whose host row is missing.
16. A floating point number counts as the shortest decimal that it stands for (SPEC 8 says so of a FLOAT): 0.1 and 0.2
    hours are 0.3, and 10 vcpus sold 1.1 times are 11.
17. An archived row counts if no live row has its primary key (instances: its uuid), or only one that has vanished. Of
    several archived rows of one instance the larger id counts. A metric is tracked by its live table.
18. A migration counts if its status is one of the four and it can be placed. No event: `updated_at`, else
    `created_at`. With a null `created_at` no event can be matched, with a null `updated_at` there is no upper bound,
    with neither it is ignored. The event may belong to any action of the instance, and to several migrations.
19. A stay is [change before, change). The instance's row is the last one. Before a change the node is its
    `source_node`, or where that is null what it is after the change. The size is that of the flavor
    `old_instance_type_id` where the migration is a `resize` that names one, all of it (a null of the flavor too). If
    that flavor isn't there, this stay and those before it, back to a resize whose flavor is, are `unknown_flavor`.
20. A claim is what a held interval and a stay have in common, also where a change altered neither node nor size; its
    host row is looked up at its own start. A row that can't count (hidden, never_launched, empty) is one claim over
    its whole life, on the node of the last stay.
21. Inference: the node at an instant is that of the stay that holds it. The only hypervisor of a known reservation,
    however that was found, is the node of every stay without one, and only these are `inferred_node`.
22. Booking sources in order: hint, flavor, extra, inferred, none. instance_extra is asked wherever the spec names no
    reservation: a readable one, one that is no object, a bad one, none. Rows of it whose flavor is null or no JSON are
    ignored; of the others the largest id alone decides.
23. ironic.nodes.properties: numbers, or texts that JSON would read as a number (blanks around it allowed). Anything
    else, and what as a double isn't finite and above 0, is unknown. Of several rows the larger id. It is no host row.
24. Without Blazar its tables are as if not extracted, but reservable and committed are tracked.
25. The node type of a hypervisor is one of its latest row (`created_at`, null first; then the larger id), even where
    only an earlier one has any: of the capability rows without `deleted_at` before the others (one that vanished has
    one), the latest `created_at` (null first), then the larger id. An empty value is null.
26. Legacy: a null date is ignored, a date with a time of day counts for its day. Tracked where the table has any row.
27. By project: every resource tracked for the metric, also where the project's own spans don't know it (zero). A span
    touches the window where they overlap by more than an instant. A derived metric has no projects.
28. Resampling: `min` and `max` are of the values that hold for some time in the bucket.
"""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from tests.oracle.containers import occupied_by_containers
from tests.oracle.hosts import committed, reservable, total
from tests.oracle.instances import occupied_by_instances
from tests.oracle.node_types import with_node_types
from tests.oracle.site import Site
from tests.oracle.usage import by_project, legacy, tracked_resources, usage
from tests.oracle.values import Points, Row, Series, Tables, exact


@dataclass
class Result:
    spans: list[Row] = field(default_factory=list)
    usage: dict[Series, Points] = field(default_factory=dict)
    by_project: dict[tuple[str, str | None, str], Points] = field(default_factory=dict)  # metric, project, resource


def count(
    tables: Tables, start: datetime, end: datetime, has_blazar: bool = True, default_ratio: float | Fraction = 1
) -> Result:
    """The audited spans of a site (all of time), and its usage in the window [start, end)."""
    if not has_blazar:
        tables = without_blazar(tables)
    spans = audited(Site(tables, exact(default_ratio)))
    tracked = tracked_resources(tables, spans)
    series = usage(tracked, spans, start, end) | legacy(tables, start, end)
    return Result(spans=spans, usage=series, by_project=by_project(tracked, spans, start, end))


def audited(site: Site) -> list[Row]:
    """Every piece of every source row, parents before what they clamp."""
    total(site)
    reservable(site)
    committed(site)
    occupied_by_instances(site)
    occupied_by_containers(site)
    return with_node_types(site)


def without_blazar(tables: Tables) -> Tables:
    """SPEC 3: "blazar's files are then not read, reservable and committed are tracked and zero"."""
    others = {name: rows for name, rows in tables.items() if not name.startswith("blazar.")}
    return others | {"blazar.computehosts": [], "blazar.computehost_allocations": []}
