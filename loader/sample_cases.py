"""The awkward rows of the made-up sites: each function plants one case, on hosts of its own.

What a docstring quotes is the sentence of SPEC.md that the case is for. Days count from the window's start.
"""

import json

from loader.sample_site import Site


def recreated_node(site: Site) -> None:
    """SPEC: "Rows of one hypervisor that overlap in time": re-created under a new service, in nova and then in blazar.

    The allocation "may name a blazar row that a later one of the same machine superseded".
    """
    host = site.machine(site.at(-40))
    site.node(host.name, "re-created", site.at(90))
    site.blazar_host(host.name, site.at(91))
    booking = site.booking([host], site.at(80), site.at(120))
    site.instance(host, site.at(81), site.at(119), booking)


def rows_of_one_instant(site: Site) -> None:
    """SPEC: "On a tie the larger id is the later, ids of digits as numbers": 10 is later than 9."""
    host = site.machine(site.at(-30), site.at(10))
    site.node(host.name, host.service, site.at(20), site.at(200), ratio=1.0)
    site.node(host.name, "of the same second", site.at(20), None, ratio=2.0)
    first = site.blazar_host(host.name, site.at(21), site.at(180), key="10")
    site.blazar_host(host.name, site.at(21), None, key="9")
    site.allocate(site.booking([], site.at(30), site.at(40)).id, first, site.at(29))


def rows_without_length(site: Site) -> None:
    """SPEC: "A claim whose start is null, or not before its end, is `empty`"; "an `empty` row supersedes nothing"."""
    host = site.machine(site.at(-30))
    site.node(host.name, host.service, site.at(50), site.at(50))
    site.node(host.name, host.service, site.at(60), site.at(59))
    site.blazar_host(host.name, site.at(50), site.at(50))
    site.blazar_host(host.name, site.at(60), site.at(59))
    site.booking([host], site.at(70), site.at(70))
    site.booking([host], site.at(72), site.at(71), created=site.at(65))
    site.instance(host, site.at(80), site.at(80))
    site.instance(host, site.at(82), site.at(81))


def nameless_host(site: Site) -> None:
    """SPEC: "A row without `hypervisor_hostname` is `null_key`, here and in blazar.computehosts"."""
    site.node(None, "nameless", site.at(-30))
    nameless = site.blazar_host(None, site.at(-30))
    site.allocate(site.booking([], site.at(10), site.at(12)).id, nameless, site.at(9))


def host_unknown_to_nova(site: Site) -> None:
    """SPEC: "`orphan` (no overlapping parent …)": a blazar host never in nova, and a commitment of it."""
    host = site.machine(site.at(-30))
    stranger = site.blazar_host(site.uuid(), site.at(-30))
    booking = site.booking([host._replace(blazar_id=stranger)], site.at(10), site.at(12))
    site.instance(host, site.at(10, 1), site.at(11), booking)


def host_of_unknown_size(site: Site) -> None:
    """SPEC: "A capacity of 0 or null is unknown", in nova and in blazar; and a host from before Ironic's zeros."""
    size = site.profile.in_nova._replace(vcpus=None, memory_mb=0)
    host = site.machine(site.at(-30), in_nova=size, in_blazar=size._replace(vcpus=0), ratio=None)
    site.instance(host, site.at(10), site.at(20), site.booking([host], site.at(10), site.at(21)))
    known = site.machine(site.at(-2500), site.at(-100), False, in_nova=site.profile.in_blazar)  # as before 2018
    site.instance(known, site.at(-120), site.at(-101))


def lease_deleted_early(site: Site) -> None:
    """Committed: "end = least of lease.end_date, lease.deleted_at, allocation.deleted_at"."""
    host = site.machine(site.at(-30))
    booking = site.booking([host], site.at(20), site.at(27), deleted=site.at(23))
    site.stay(host, site.at(20, 1), site.at(23), booking)


def hosts_change_within_lease(site: Site) -> None:
    """SPEC: "Blazar adds hosts to a running lease and soft-deletes an allocation when it re-allocates"."""
    first, second, third = (site.machine(site.at(-30)) for _ in range(3))
    booking = site.booking([first], site.at(30), site.at(37))
    site.allocate(booking.id, second.blazar_id, site.at(33))
    site.allocate(booking.id, third.blazar_id, site.at(29), site.at(34))
    site.stay(second, site.at(33, 1), site.at(36), booking)
    site.stay(third, site.at(31), site.at(35), booking)  # clipped where the allocation ends


def duplicate_allocations(site: Site) -> None:
    """SPEC: "Duplicate parents (several allocations of one reservation on one host) never multiply a child"."""
    host = site.machine(site.at(-30))
    booking = site.booking([host, host], site.at(40), site.at(47))
    site.allocate(booking.id, host.blazar_id, site.at(43), site.at(44))
    site.stay(host, site.at(40, 1), site.at(46), booking)


def rows_missing_in_joins(site: Site) -> None:
    """SPEC: "`orphan` (no overlapping parent, or a missing joined row)": no host, no reservation, no lease."""
    host = site.machine(site.at(-30))
    site.allocate(site.booking([], site.at(50), site.at(52)).id, site.uuid(), site.at(49))
    site.allocate(site.uuid(), host.blazar_id, site.at(49))
    site.allocate(site.reservation(site.uuid()), host.blazar_id, site.at(49))


def lease_dates(site: Site) -> None:
    """Committed: "start = greatest of lease.start_date, lease.created_at, …; nulls ignored"; a lease without end."""
    late, endless = site.machine(site.at(-30)), site.machine(site.at(-30))
    site.booking([late], site.at(60), site.at(67), created=site.at(62))
    booking = site.booking([endless], site.at(60), None)
    site.stay(endless, site.at(61), None, booking)  # everything open


def shelved_twice(site: Site) -> None:
    """SPEC: "Every shelved gap is a gap": shelving alone, and with an offload after it; and one still shelved."""
    host = site.machine(site.at(-30), reservable=False, service="shelf")
    for offload in (False, True):
        uuid = site.instance(host, site.at(10), site.at(100))
        for day in (20, 50):
            site.event(uuid, "compute_shelve_instance", site.at(day), host.service)
            if offload:
                site.event(uuid, "compute_shelve_offload_instance", site.at(day + 1), host.service)
            site.event(uuid, "compute_unshelve_instance", site.at(day + 10), host.service)
    uuid = site.instance(host, site.at(110), None, node=None)
    site.event(uuid, "compute_shelve_instance", site.at(120), host.service)
    site.event(uuid, "compute_shelve_offload_instance", site.at(121), host.service)


def events_of_one_instant(site: Site) -> None:
    """SPEC: "At one instant an unshelve counts before an end event"; the next unshelve must come "strictly after"."""
    host = site.machine(site.at(-30), reservable=False)
    uuid = site.instance(host, site.at(10), site.at(90))
    for name in ("shelve", "unshelve"):
        site.event(uuid, f"compute_{name}_instance", site.at(20), host.service)
    for name, day in (("unshelve", 30), ("shelve", 40), ("unshelve", 40), ("unshelve", 50)):
        site.event(uuid, f"compute_{name}_instance", site.at(day), host.service)


def events_that_failed(site: Site) -> None:
    """SPEC: "The successful events (… `result = 'Success'` …, from `created_at` on)": these others don't count."""
    host = site.machine(site.at(-30), reservable=False)
    uuid = site.instance(host, site.at(10), site.at(90))
    site.event(uuid, "compute_shelve_instance", site.at(20), host.service, "Error")
    site.event(uuid, "compute_terminate_instance", site.at(30), host.service, None)
    site.event(uuid, "compute_shelve_instance", site.at(9), host.service)
    site.event(uuid, "conductor_unshelve_instance", site.at(40), host.service)


def node_of_an_event(site: Site) -> None:
    """SPEC: "Else the host of the latest successful `compute_*` event … where that host has one hypervisor only"."""
    alone, other = (site.machine(site.at(-30), reservable=False, service=name) for name in ("alone", "confirmed-on"))
    uuid = site.instance(alone, site.at(10), site.at(30), node=None)
    site.event(uuid, "compute_confirm_resize", site.at(30), other.service)
    site.event(uuid, "compute_reboot_instance", site.at(30), None)
    site.instance(alone._replace(service=alone.name), site.at(40), site.at(50), node=None)


def node_of_the_reservation(site: Site) -> None:
    """SPEC: "Else … the only hypervisor that has valid committed spans of that reservation, marked `inferred_node`"."""
    host, second = site.machine(site.at(-30)), site.machine(site.at(-30))
    nowhere = host._replace(service="retired")
    site.instance(nowhere, site.at(10, 1), site.at(12), site.booking([host], site.at(10), site.at(14)), node=None)
    booking = site.booking([host, second], site.at(20), site.at(24))  # two hosts: no telling
    site.instance(nowhere, site.at(20, 1), site.at(22), booking, node=None)
    site.instance(nowhere, site.at(30), site.at(32), node=None)  # on demand: nothing tells


def instances_that_dont_count(site: Site) -> None:
    """SPEC: "`launched_at` not null and not `hidden`"; null is not hidden."""
    host = site.machine(site.at(-30), reservable=False)
    site.instance(host, site.at(10), site.at(20), hidden=1)
    site.instance(host, site.at(30), site.at(30, 1), launched_at=None)
    site.instance(host, site.at(40), site.at(50), hidden=None)


def ends_that_disagree(site: Site) -> None:
    """SPEC: "All of it is cut at the least of `terminated_at` and `deleted_at`", here without a terminate event."""
    host = site.machine(site.at(-30), reservable=False)
    for day, terminated, deleted in ((10, 15, 18), (20, 28, 25), (30, None, 33), (40, 42, None), (50, 48, 49)):
        ends = {"terminated_at": terminated and site.at(terminated), "deleted_at": deleted and site.at(deleted)}
        site.instance(host, site.at(day), None, **ends)
    site.instance(host, site.at(60), site.at(70), launched_at=site.at(68))  # rebuilt: the launch was reset


def request_specs(site: Site) -> None:
    """SPEC: "No request_specs row at all, or one whose spec is null or no JSON (marked `bad_spec`)": inferred.

    A list, a number and an object without data are JSON without a reservation: on demand.
    "Of several request_specs rows of one instance the largest id counts".
    """
    host = site.machine(site.at(-30))
    booking = site.booking([host], site.at(100), site.at(107), owner=site.owners[1])
    shapes: list[tuple[str | None, ...]] = [(), (None,), ('{"nova_object.data": {"scheduler',), ("",)]
    shapes += [('["reservation"]',), ("1",), ("{}",), (site.spec(None), site.spec(booking)), (site.spec(booking), None)]
    for i, specs in enumerate(shapes):
        site.instance(host, site.at(100, 1 + 10 * i), site.at(100, 8 + 10 * i), booking, specs)


def reservations_to_infer(site: Site) -> None:
    """SPEC: "The node on which the instance was at its `created_at`; else the same at `launched_at`".

    Not for another project, nor a null one; outside any commitment it is on demand.
    """
    host, (owner, other) = site.machine(site.at(-30)), site.owners[:2]
    site.booking([host], site.at(110), site.at(117), owner=owner)
    launched = {"launched_at": site.at(110, 1)}
    site.instance(host, site.at(109, 23), site.at(111), specs=(), owner=owner, **launched)
    site.instance(host, site.at(112), site.at(113), specs=(), owner=other)
    site.instance(host, site.at(114), site.at(115), specs=(), owner=owner, project_id=None)
    site.instance(host, site.at(120), site.at(121), specs=(), owner=owner)


def flavors_and_hints(site: Site) -> None:
    """Reservation: "`scheduler_hints.reservation[0]`, else the flavor name `reservation:<id>` there"."""
    host = site.machine(site.at(-30))
    booking = site.booking([host], site.at(130), site.at(137))
    flavor = {"nova_object.data": {"name": f"reservation:{booking.id}"}}
    shapes: tuple[dict | None, ...] = ({"reservation": [booking.id]}, {"reservation": []}, None, {"group": ["a"]})
    for day, hints in zip((130, 132, 134, 136), shapes, strict=True):
        data = {"scheduler_hints": hints, "flavor": flavor, "display": "« déjà “vu” »"}
        spec = json.dumps({"nova_object.data": data}, ensure_ascii=False)
        site.instance(host, site.at(day, 1), site.at(day, 20), booking, (spec,))


def instances_outside_their_lease(site: Site) -> None:
    """SPEC: "occupied_reservation is clamped to committed by (reservation, hypervisor)": clipped, and orphans."""
    host, other = site.machine(site.at(-30)), site.machine(site.at(-30))
    booking = site.booking([host], site.at(140), site.at(147))
    site.instance(host, site.at(139), site.at(150), booking)  # outlasts it
    site.instance(other, site.at(141), site.at(142), booking)  # on another node
    site.instance(host, site.at(151), site.at(152), booking)  # later
    site.instance(host, site.at(143), site.at(144), booking._replace(id=site.uuid()))  # unknown reservation


def sizes_and_unknown_hosts(site: Site) -> None:
    """SPEC: "An instance's `root_gb` of 0 is 0"; "No host row: nodes is unknown"; "else its earliest" host row."""
    host = site.machine(site.at(5), reservable=False)
    site.instance(host, site.at(10), site.at(20), size=site.profile.flavor._replace(disk_gb=0))
    site.instance(host._replace(name="in no table", service="retired"), site.at(10), site.at(20))
    site.instance(host, site.at(2), site.at(4))  # before the host's first row


def names_to_quote(site: Site) -> None:
    """Names are text: unicode, quotes, commas, line breaks (projects and users: `sample_site.OWNERS`)."""
    host = site.machine(site.at(-30), service='l\'hôte "n° 7",\n2e étage')
    for owner, day in zip(site.owners[1:3], (10, 30), strict=True):
        booking = site.booking([host], site.at(day), site.at(day + 7), owner=owner)
        site.instance(host, site.at(day, 1), site.at(day + 6), booking)


def devices(site: Site) -> None:
    """SPEC: "reservable where `reservable = 1` (clamped to total by device)"; devices gone, empty, unknown."""
    unreservable = site.device(site.at(-30), reservable=False)
    gone, empty = site.device(site.at(-30), site.at(100)), site.device(site.at(20), site.at(20))
    unknown = unreservable._replace(blazar_id=site.uuid())
    for host in (unreservable, empty, unknown):
        site.container(site.booking([host], site.at(30), site.at(33)), site.at(31), site.at(32), "Stopped")
    site.container(site.booking([gone], site.at(98), site.at(104)), site.at(99), site.at(103), "Deleted")  # clipped


def device_allocations(site: Site) -> None:
    """SPEC: "Several allocations of one device at an instant count once": of one reservation, and of two."""
    host = site.device(site.at(-30))
    site.container(site.booking([host, host], site.at(40), site.at(44)), site.at(41), site.at(43), "Stopped")
    site.booking([host], site.at(42), site.at(46))


def containers_without(site: Site) -> None:
    """SPEC: "No reservation id: `null_key`; no `started_at`: `never_launched`"; and odd annotations."""
    booking = site.booking([site.device(site.at(-30))], site.at(50), site.at(60))
    site.container(None, site.at(51), site.at(52), "Stopped")
    site.container(booking, None, site.at(52), "Created")
    site.container(booking._replace(id=site.uuid()), site.at(53), site.at(54), "Stopped")
    row = {"project_id": booking.owner[0], "user_id": None, "status": "Stopped", "started_at": site.at(55)}
    for annotations in (None, "", "{broken", '["a"]', "{}", '{"zun.openstack.org/reservation_id": null}'):
        row |= {"id": site.serial("container"), "uuid": site.uuid(), "annotations": annotations}
        site.add("zun.container", row | {"updated_at": site.at(56)})


def container_states(site: Site) -> None:
    """SPEC: "To `updated_at` where the status is terminal (`Deleted`, `Error`, `Stopped`), else open"."""
    for status in ("Deleted", "Error", "Stopped", "Running", "Paused", "Unknown", "Dead"):
        booking = site.booking([site.device(site.at(-30))], site.at(60), site.at(70))
        site.container(booking, site.at(61), site.at(65), status)
    site.container(site.booking([site.device(site.at(-30))], site.at(60), None), site.at(61), site.at(61, 1))
    late = site.booking([site.device(site.at(-30))], site.at(60), site.at(70))
    site.container(late, site.at(66), site.at(64), "Stopped")  # ends before it starts
    site.container(late, site.at(71), site.at(72), "Stopped")  # after the lease


def containers_in_a_queue(site: Site) -> None:
    """SPEC: "The earliest-started running containers (then the smaller id) get them": more containers than devices."""
    hosts = [site.device(site.at(-30)) for _ in range(2)]
    booking = site.booking(hosts, site.at(80), site.at(90))
    for started, updated in ((81, 84), (81, 86), (81, 82), (82, 88), (83, 89), (79, 92)):
        site.container(booking, site.at(started), site.at(updated), "Stopped")


LEASES = (
    lease_deleted_early,
    lease_dates,
    hosts_change_within_lease,
    duplicate_allocations,
    rows_missing_in_joins,
)
COMPUTE = (
    *LEASES,
    recreated_node,
    rows_of_one_instant,
    rows_without_length,
    nameless_host,
    host_unknown_to_nova,
    host_of_unknown_size,
    shelved_twice,
    events_of_one_instant,
    events_that_failed,
    node_of_an_event,
    node_of_the_reservation,
    instances_that_dont_count,
    ends_that_disagree,
    request_specs,
    reservations_to_infer,
    flavors_and_hints,
    instances_outside_their_lease,
    sizes_and_unknown_hosts,
    names_to_quote,
)
EDGE = (*LEASES, devices, device_allocations, containers_without, container_states, containers_in_a_queue)
