"""The awkward rows of instances that may be in a reservation."""

import json
from typing import Any

from loader.sample.site import Site


def node_of_the_reservation(site: Site) -> None:
    """SPEC: "Else … the only hypervisor that has valid committed spans of that reservation, marked `inferred_node`"."""
    host, second = site.machine(site.at(-30)), site.machine(site.at(-30))
    nowhere = host._replace(service="retired")
    site.instance(nowhere, site.at(10, 1), site.at(12), site.booking([host], site.at(10), site.at(14)), node=None)
    booking = site.booking([host, second], site.at(20), site.at(24))  # two hosts: no telling
    site.instance(nowhere, site.at(20, 1), site.at(22), booking, node=None)
    site.instance(nowhere, site.at(30), site.at(32), node=None)  # on demand: nothing tells


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
    site.instance(host, site.at(109, 23), site.at(111), specs=(), owner=owner, launched_at=site.at(110, 1))
    site.instance(host, site.at(112), site.at(113), specs=(), owner=other)
    site.instance(host, site.at(114), site.at(115), specs=(), owner=owner, project_id=None)
    site.instance(host, site.at(120), site.at(121), specs=(), owner=owner)


def flavors_and_hints(site: Site) -> None:
    """Reservation: "`scheduler_hints.reservation[0]`, else the flavor name `reservation:<id>` there"."""
    host = site.machine(site.at(-30))
    booking = site.booking([host], site.at(130), site.at(137))
    flavor = {"nova_object.data": {"name": f"reservation:{booking.id}"}}
    shapes: tuple[dict[str, Any] | None, ...] = (
        {"reservation": [booking.id]},
        {"reservation": []},
        None,
        {"group": ["a"]},
    )
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


def flavors_in_instance_extra(site: Site) -> None:
    """Reservation: "Else that name in `instance_extra.flavor` (…; of several rows the largest id; bad JSON ignored)".

    The project is not the lease's, so none of these can be inferred.
    """
    host = site.machine(site.at(-30))
    booking = site.booking([host], site.at(150), site.at(157), owner=site.owners[1])
    reserved = f"reservation:{booking.id}"
    shapes = ((reserved,), ("m1.small", reserved), (reserved, "m1.small"))
    for day, names in enumerate(shapes, 150):
        uuid = site.instance(host, site.at(day, 1), site.at(day, 20), specs=(), owner=site.owners[2])
        for name in names:
            site.instance_extra(uuid, name)
        for broken in ("{broken", None):
            site.add("nova.instance_extra", {"id": site.serial("extra"), "instance_uuid": uuid, "flavor": broken})
