"""The awkward rows of instances that moved, were resized, or were archived."""

from loader.sample.site import FLAVORS, Site

COLD, LIVE, EVACUATED = (
    "compute_finish_resize",
    "compute_post_live_migration_at_destination",
    "compute_rebuild_instance",
)


def moved(site: Site) -> None:
    """SPEC: "Before a migration the instance was on its `source_node`", until an event, "else at its `updated_at`"."""
    first, second = (site.machine(site.at(-30), reservable=False, service=name) for name in ("left", "reached"))
    kinds = (("live-migration", "completed", LIVE), ("migration", "confirmed", COLD), ("evacuation", "done", EVACUATED))
    for day, (kind, status, event) in zip((10, 20, 30), kinds, strict=True):
        uuid = site.instance(second, site.at(day), site.at(day + 9))
        site.migration(uuid, site.at(day + 3), first.name, kind, status, updated=site.at(day + 6))
        site.event(uuid, event, site.at(day + 3, 1), second.service)
        site.event(uuid, event, site.at(day + 5), second.service)
    uuid = site.instance(second, site.at(40), site.at(49))  # no event that tells
    site.migration(uuid, site.at(43), first.name, "live-migration", "finished")
    site.event(uuid, LIVE, site.at(44), second.service)
    site.event(uuid, LIVE, site.at(43), second.service, "Error")


def moved_there_and_back(site: Site) -> None:
    """SPEC: "Migrations are ordered by the instant of their change"; the second was asked for first."""
    first, second = (site.machine(site.at(-30), reservable=False, service=name) for name in ("home", "away"))
    uuid = site.instance(first, site.at(10), site.at(60))
    site.migration(uuid, site.at(20), second.name, updated=site.at(40))
    site.migration(uuid, site.at(30), first.name)
    uuid = site.instance(first, site.at(70), site.at(90), node=None)  # shelved on the way
    site.event(uuid, "compute_shelve_offload_instance", site.at(75), second.service)
    site.event(uuid, "compute_unshelve_instance", site.at(80), first.service)
    site.migration(uuid, site.at(85), second.name)


def moves_that_say_little(site: Site) -> None:
    """SPEC: "A missing `source_node` leaves the node so"; moves that failed or were reverted don't count."""
    first, second = (site.machine(site.at(-30), reservable=False, service=name) for name in ("wanted", "stayed"))
    for day, source, status in ((10, None, "completed"), (20, first.name, "error"), (30, first.name, "reverted")):
        uuid = site.instance(second, site.at(day), site.at(day + 9))
        site.migration(uuid, site.at(day + 3), source, status=status)
        site.event(uuid, LIVE, site.at(day + 3, 0.1), second.service)


def moved_within_a_reservation(site: Site) -> None:
    """SPEC: "occupied_reservation is clamped to committed by (reservation, hypervisor)", before and after a move."""
    first, second, outside = (site.machine(site.at(-30)) for _ in range(3))
    booking = site.booking([first, second], site.at(20), site.at(30), owner=site.owners[1])
    for day, source in ((21, first), (24, outside)):
        uuid = site.instance(second, site.at(day), site.at(day, 60), booking)
        site.migration(uuid, site.at(day + 1), source.name)
        site.event(uuid, LIVE, site.at(day + 1, 0.1), second.service)
    uuid = site.instance(outside, site.at(27), site.at(29), specs=(), owner=booking.owner)  # inferred where it began
    site.migration(uuid, site.at(28), first.name)


def resized(site: Site) -> None:
    """SPEC: "For a resize, had the flavor `old_instance_type_id` …; an unknown old flavor leaves the size as it is".

    Marked, with those before it, "back to a resize whose flavor is known".
    """
    host = site.machine(site.at(-30), reservable=False)
    small, large, gone = site.flavor(FLAVORS[0]), site.flavor(FLAVORS[3]), 999_999
    for day, resizes in ((10, (small,)), (30, (gone,)), (50, (large, gone, small)), (70, (gone, small, gone))):
        uuid = site.instance(host, site.at(day), site.at(day + 19), size=FLAVORS[2])
        for later, flavor in enumerate(resizes, 1):
            asked = site.at(day + 4 * later)
            site.migration(uuid, asked, host.name, "resize", "confirmed", flavor, asked + 86400)
            site.event(uuid, COLD, asked + 200, host.service)
            site.event(uuid, "compute_confirm_resize", asked + 86400, host.service)
    uuid = site.instance(host, site.at(90), site.at(99), size=FLAVORS[2])
    site.migration(uuid, site.at(95), host.name, "live-migration", old_flavor=small)  # no resize


def archived_instances(site: Site) -> None:
    """SPEC: "One row a primary key (instances: a uuid), the live one first", with all that nova archives with them."""
    host, other = site.machine(site.at(-30)), site.machine(site.at(-30), reservable=False, service="archive")
    booking = site.booking([host], site.at(10), site.at(20), owner=site.owners[2])
    with site.archived():
        site.instance(host, site.at(10, 1), site.at(12), booking)
        uuid = site.instance(other, site.at(30), site.at(60), node=None)
        site.event(uuid, "compute_shelve_instance", site.at(40), other.service)
        site.event(uuid, "compute_unshelve_instance", site.at(50), other.service)
        site.migration(uuid, site.at(35), host.name)
        uuid = site.instance(host, site.at(14), site.at(15), owner=site.owners[1])
        site.instance_extra(uuid, f"reservation:{booking.id}")
    uuid = site.instance(other, site.at(70), site.at(80))
    row = {"id": site.serial("instance"), "uuid": uuid, "created_at": site.at(70), "launched_at": site.at(70)}
    site.add("nova.shadow_instances", row | {"node": host.name, "deleted_at": site.at(71)})
