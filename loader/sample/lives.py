"""The regular life of a made-up site: hosts, leases and instances in turn, as many as asked for."""

import math
from contextlib import nullcontext
from itertools import chain, count

from loader.sample.site import FLAVORS, METAL, UNKNOWN, Booking, Host, Site, Size
from loader.sample.tables import DAY, HOUR, START

HISTORY = START - 60 * DAY  # the regular life begins
NOW = START + 396 * DAY  # when the tables were "copied": what ends later is still running
OLD = START + 200 * DAY  # of what was deleted before, nova has archived a part
PROJECT_NAMES = ("CH-822154", "Ñandú's lab — 李", '"Edge, cases" & more')
CHORES = ("compute_reboot_instance", "compute_rebuild_instance", "compute_stop_instance")


def _life(site: Site, host: Host, start: int, end: int, booking: Booking | None) -> None:
    """An instance with a few events of its life, or a container."""
    rng = site.rng
    if site.kind == "edge":
        status = rng.choice(("Stopped", "Deleted", "Error")) if end < NOW else "Running"
        site.container(booking, start, min(end, NOW), status)
    else:
        _instance(site, host, start, end, booking)


def _instance(site: Site, host: Host, start: int, end: int, booking: Booking | None, size: Size | None = None) -> str:
    """An instance with a few events of its life; its uuid."""
    rng = site.rng
    owner = None if booking else rng.choice(site.owners)
    uuid = site.instance(host, start, end if end < NOW else None, booking, size=size, owner=owner)
    end = min(end, NOW)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        result = "Error" if rng.random() < 0.1 else "Success"
        site.event(uuid, rng.choice(CHORES), rng.randrange(start + 60, end - 60), host.service, result)
    return uuid


def _virtual_life(site: Site, host: Host, start: int, end: int, booking: Booking | None, others: list[Host]) -> None:
    """An instance that may be shelved, come from one of the other hosts, or have another size at first."""
    rng, size = site.rng, None if booking else site.rng.choice(FLAVORS)
    uuid = _instance(site, host, start, end, booking, size)
    end = min(end, NOW)
    if booking and site.is_archiving:
        site.instance_extra(uuid, f"reservation:{booking.id}")
    if rng.random() < 0.05:
        third = (end - start) // 3
        site.event(uuid, "compute_shelve_instance", start + third, host.service)
        site.event(uuid, "compute_unshelve_instance", start + 2 * third, host.service)
    if not booking and rng.random() < 0.02:
        at = rng.randrange(start + HOUR, end - HOUR)
        if rng.random() < 0.5:
            site.migration(uuid, at, rng.choice(others).name)
            site.event(uuid, "compute_post_live_migration_at_destination", at + 300, host.service)
        else:
            site.migration(uuid, at, rng.choice(others).name, "resize", "confirmed", site.flavor(rng.choice(FLAVORS)))
            site.event(uuid, "compute_finish_resize", at + 300, host.service)


def _classify(site: Site, host: Host, number: int, created: int) -> None:
    """Give a host that can be reserved one of the kind's node types."""
    types = site.profile.node_types
    if host.blazar_id:
        site.capability(host, types[number % len(types)], created + HOUR)


def _rack(site: Site, number: int) -> tuple[list[Host], int, int | None]:
    """Four hosts with a common life: some come late, some go early, an eighth can't be reserved."""
    created = site.at(90 + number % 60) if number % 7 == 2 else HISTORY - site.rng.randrange(DAY, 2000 * DAY)
    deleted = site.at(300 + number % 30) if number % 9 == 4 else None
    hosts = []
    for i in range(4):
        # Since 2018 Ironic's capacities are 0; some rows are older, and of some machines blazar knows.
        in_nova = METAL if i == 0 and number % 2 else UNKNOWN
        in_blazar = METAL if i in (1, 2) else UNKNOWN
        reservable = site.kind == "edge" or number % 8 != 1
        host = site.machine(created, deleted, reservable, in_nova=in_nova, in_blazar=in_blazar)
        _classify(site, host, number, created)
        hosts.append(host)
    return hosts, created, deleted


def racks(site: Site, count: float, growth: float) -> None:
    """Baremetal and edge: each slot of a rack's time holds one lease of 1-4 hosts, or instances on demand."""
    rng, racks = site.rng, round(5 * growth)
    slots = max(1, round(count / racks / 2))
    for number in range(racks):
        hosts, created, deleted = _rack(site, number)
        begin = max(created + 2 * HOUR, HISTORY)
        slot = ((deleted or NOW + 10 * DAY) - begin) // slots
        for i in range(slots):
            length = min(rng.choice((1, 2, 3, 5, 7, 7, 7, 21)) * DAY - rng.randrange(HOUR), slot * 9 // 10)
            start = begin + i * slot + rng.randrange(slot - length)
            ahead = start - rng.randrange(60, 10 * DAY)
            if ahead < NOW:
                _lease_of_rack(site, rng.sample(hosts, rng.choice((1, 1, 1, 2, 2, 3, 4))), ahead, start, start + length)


def _lease_of_rack(site: Site, hosts: list[Host], ahead: int, start: int, end: int) -> None:
    """A lease, one in ten deleted early, with up to two stays on each host, one after the other."""
    rng, booking = site.rng, None
    if hosts[0].blazar_id:
        deleted = end - (end - start) // 3 if rng.random() < 0.1 else None
        deleted = deleted if deleted and deleted < NOW else None
        booking = site.booking(hosts, start, end, ahead, deleted, rng.choice(site.owners))
        end = deleted or end
    for host in hosts:
        stays = rng.choice((0, 1, 1, 2))
        for i in range(stays):
            part = (end - start) // stays
            first = start + i * part + rng.randrange(60, part // 4)
            if first < NOW - HOUR:
                _life(site, host, first, start + (i + 1) * part - rng.randrange(60, part // 4), booking)


def tracks(site: Site, count: float, growth: float) -> None:
    """KVM: on each host five tracks of instances, one after the other; every fourth host is for reservations."""
    rng, tracks = site.rng, 5
    hosts = []
    for i in range(round(20 * growth)):
        created = HISTORY - rng.randrange(DAY, 1000 * DAY)
        host = site.machine(created, reservable=i % 4 == 0, ratio=(1.0, 1.5, 16.0, None, 0.0)[i % 5])
        _classify(site, host, i, created)
        hosts.append(host)
    others = [host for host in hosts if not host.blazar_id]
    slots = math.ceil(count / len(hosts) / tracks)
    slot = (NOW + 10 * DAY - HISTORY) // slots
    for i in range(round(count)):
        host = hosts[i % len(hosts)]
        begin = HISTORY + i // (len(hosts) * tracks) * slot
        length = rng.randrange(slot // 5, slot * 9 // 10)
        start = begin + DAY // 4 + rng.randrange(slot - length)
        if start > NOW - DAY:
            continue
        booking = None
        if host.blazar_id:
            lease_end = start + length + rng.randrange(HOUR, DAY)
            booking = site.booking([host], start - HOUR, lease_end, start - 2 * HOUR, None, rng.choice(site.owners))
        with site.archived() if start + length < OLD and i % 3 == 0 else nullcontext():
            _virtual_life(site, host, start, start + length, booking, others)


def projects(site: Site) -> None:
    """A name for each project but the last."""
    names = chain(PROJECT_NAMES, (f"CH-{number}" for number in count(810_000)))
    for (project, _), name in zip(site.owners[:-1], names, strict=False):
        site.add("keystone.project", {"id": project, "name": name})
