"""The awkward rows of devices and containers."""

from loader.sample.site import Site


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


def device_types(site: Site) -> None:
    """SPEC: "`node_type` is that of the hypervisor's latest blazar row (devices: … the device's id)"."""
    known, unknown = site.device(site.at(-30)), site.device(site.at(-30))
    site.capability(known, "raspberrypi3", site.at(-30), site.at(20))
    site.capability(known, "raspberrypi4-64", site.at(20))
    site.capability(known, "CHI@Edge", site.at(21), name="machine_name")
    site.container(site.booking([known, unknown], site.at(30), site.at(33)), site.at(31), site.at(32), "Stopped")
