"""The awkward rows of hosts."""

import json

from loader.sample.site import UNKNOWN, Site


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


def sizes_that_ironic_knows(site: Site) -> None:
    """SPEC: "The first known of … `ironic.nodes.properties`": "numbers, or texts of numbers"; and what nobody knows."""
    numbers, texts = {"cpus": 64, "memory_mb": 262144, "local_gb": 960}, {"cpus": "40", "memory_mb": "98304.0"}
    unknown = {"cpus": "many", "memory_mb": 0, "local_gb": None, "cpu_arch": "x86_64"}
    for properties in (json.dumps(numbers), json.dumps(texts | {"local_gb": "480"}), json.dumps(unknown), "{broken"):
        for reservable in (True, False):
            host = site.machine(site.at(-30), None, reservable, in_nova=UNKNOWN, in_blazar=UNKNOWN)
            site.add("ironic.nodes", {"id": site.serial("metal"), "uuid": host.name, "properties": properties})
            booking = site.booking([host], site.at(10), site.at(14)) if reservable else None
            site.instance(host, site.at(10, 1), site.at(13), booking)


def archived_nodes(site: Site) -> None:
    """SPEC: "Rows that nova has archived … are read together with the live table …, the live one first"."""
    with site.archived():
        gone = site.machine(site.at(-300), site.at(100))
        site.instance(gone, site.at(20, 1), site.at(22), site.booking([gone], site.at(20), site.at(24)))
        back = site.machine(site.at(-300), site.at(50), reservable=False)
    site.node(back.name, "re-created", site.at(52))
    site.instance(back, site.at(60), site.at(70))
    kept = site.machine(site.at(-30), reservable=False)
    row = {"id": site.last_id("node"), "hypervisor_hostname": kept.name, "hypervisor_type": "QEMU", "vcpus": 1}
    site.add("nova.shadow_compute_nodes", row | {"created_at": site.at(-30), "deleted_at": site.at(5)})


def node_types(site: Site) -> None:
    """SPEC: "`node_type` is that of the hypervisor's latest blazar row", named in the ways of blazar's releases.

    "Of several properties the live ones come first, then the latest `created_at`".
    """
    for day, named_by in enumerate(("property_id", "capability_id", "capability_name"), 10):
        host = site.machine(site.at(-30))
        site.capability(host, "gpu_rtx_6000", site.at(-30), named_by=named_by)
        site.capability(host, "2", site.at(-29), name="gpu.gpu_count", named_by=named_by)
        site.stay(host, site.at(day, 1), site.at(day, 9), site.booking([host], site.at(day), site.at(day + 1)))
    changed, forgotten = site.machine(site.at(-30)), site.machine(site.at(-30))
    site.capability(changed, "compute_haswell", site.at(-30))
    site.capability(changed, "compute_skylake", site.at(10))
    site.capability(changed, "compute_typo", site.at(20), site.at(21))
    site.capability(forgotten, "compute_skylake", site.at(-30))
    site.blazar_host(forgotten.name, site.at(50))
