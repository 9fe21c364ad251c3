"""The awkward rows of instances."""

from loader.sample.site import Site


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
        at, gone = (end and site.at(end) for end in (terminated, deleted))
        site.instance(host, site.at(day), None, terminated_at=at, deleted_at=gone)
    site.instance(host, site.at(60), site.at(70), launched_at=site.at(68))  # rebuilt: the launch was reset


def sizes_and_unknown_hosts(site: Site) -> None:
    """SPEC: "An instance's `root_gb` of 0 is 0"; "No host row: nodes is unknown"; "else its earliest" host row."""
    host = site.machine(site.at(5), reservable=False)
    site.instance(host, site.at(10), site.at(20), size=site.profile.flavor._replace(disk_gb=0))
    site.instance(host._replace(name="in no table", service="retired"), site.at(10), site.at(20))
    site.instance(host, site.at(2), site.at(4))  # before the host's first row


def names_to_quote(site: Site) -> None:
    """Names are text: unicode, quotes, commas, line breaks (projects and users: `loader.sample.site.OWNERS`)."""
    host = site.machine(site.at(-30), service='l\'hôte "n° 7",\n2e étage')
    for owner, day in zip(site.owners[1:3], (10, 30), strict=True):
        booking = site.booking([host], site.at(day), site.at(day + 7), owner=owner)
        site.instance(host, site.at(day, 1), site.at(day + 6), booking)
