"""The rows of a made-up site, added in groups that belong together: a machine, a booking, an instance, a container."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from loader.sample.tables import DAY, HOUR, Tables

OWNERS = [
    ("openstack", "admin"),
    ("Université «Ñandú»", "o'brien@example.edu"),
    ('"quoted", with a comma', 'zoë "z" 李'),
]


class Size(NamedTuple):
    """Capacity of a host, or size of an instance."""

    vcpus: int | None
    memory_mb: int | None
    disk_gb: int | None


class Profile(NamedTuple):
    """What differs between the kinds in a single row."""

    hypervisor_type: str
    in_nova: Size
    in_blazar: Size
    resource_type: str
    flavor: Size
    node_types: tuple[str, ...]


UNKNOWN = Size(0, 0, 0)
METAL = Size(48, 131072, 250)
VIRTUAL = Size(48, 196608, 1800)
CHASSIS = ("compute_skylake", "gpu_rtx_6000", "storage_nvme")
BOARDS = ("raspberrypi4-64", "jetson-nano", "jetson-xavier-nx")
PROFILES = {
    "baremetal": Profile("ironic", UNKNOWN, METAL, "physical:host", Size(1, 1, 20), CHASSIS),
    "kvm": Profile("QEMU", VIRTUAL, VIRTUAL, "flavor:instance", Size(4, 8192, 40), CHASSIS),
    "edge": Profile("", UNKNOWN, UNKNOWN, "device", UNKNOWN, BOARDS),
}
FLAVORS = (Size(1, 2048, 20), Size(2, 4096, 20), Size(4, 8192, 40), Size(8, 16384, 80))


class Host(NamedTuple):
    """A hypervisor, or a device of an edge site (named by its id)."""

    name: str
    service: str | None
    blazar_id: str


class Booking(NamedTuple):
    """A reservation, and the (project, user) of its lease."""

    id: str
    owner: tuple[str, str]


class Site(Tables):
    """A site of a kind: what is added belongs together."""

    def __init__(self, kind: str, seed: int) -> None:
        """An empty site."""
        super().__init__(kind, seed)
        self.profile = PROFILES[kind]
        self.owners = list(OWNERS)
        self._properties: dict[str, str] = {}
        self._flavors: dict[Size, int] = {}

    def node(
        self,
        name: str | None,
        service: str | None,
        created: int,
        deleted: int | None = None,
        size: Size | None = None,
        ratio: float | None = 1.0,
    ) -> None:
        """A row of nova.compute_nodes."""
        size = size or self.profile.in_nova
        row: dict[str, Any] = {
            "id": self.serial("node"),
            "hypervisor_hostname": name,
            "host": service,
            "created_at": created,
        }
        row |= {"hypervisor_type": self.profile.hypervisor_type, "deleted_at": deleted, "cpu_allocation_ratio": ratio}
        row |= {"vcpus": size.vcpus, "memory_mb": size.memory_mb, "local_gb": size.disk_gb}
        self.add("nova.compute_nodes", row)

    def blazar_host(
        self, name: str | None, created: int, deleted: int | None = None, size: Size | None = None, key: str = ""
    ) -> str:
        """A row of blazar.computehosts; its id."""
        size, key = size or self.profile.in_blazar, key or self.uuid()
        row = {"id": key, "hypervisor_hostname": name, "created_at": created, "deleted_at": deleted}
        row |= {"vcpus": size.vcpus, "memory_mb": size.memory_mb, "local_gb": size.disk_gb}
        self.add("blazar.computehosts", row)
        return key

    def device(self, created: int, deleted: int | None = None, reservable: bool = True) -> Host:
        """A row of blazar.devices."""
        key = self.uuid()
        row = {"id": key, "reservable": int(reservable), "created_at": created, "deleted_at": deleted}
        self.add("blazar.devices", row)
        return Host(key, None, key)

    def machine(
        self,
        created: int,
        deleted: int | None = None,
        reservable: bool = True,
        service: str = "",
        in_nova: Size | None = None,
        in_blazar: Size | None = None,
        ratio: float | None = 1.0,
    ) -> Host:
        """A host of the site's kind: in nova, and an hour later in blazar if it is reservable; or a device."""
        if self.kind == "edge":
            return self.device(created, deleted, reservable)
        number = self.serial("machine")
        if self.kind == "kvm":  # one service a host; its name lacks the domain
            service = service or f"kvm-{number:03}"
            name = f"{service}.example.org"
        else:  # one service for many nodes
            service = service or f"ironic-{number // 25}"
            name = self.uuid()
        self.node(name, service, created, deleted, in_nova, ratio)
        return Host(name, service, self.blazar_host(name, created + HOUR, deleted, in_blazar) if reservable else "")

    def capability(
        self,
        host: Host,
        value: str,
        created: int,
        deleted: int | None = None,
        name: str = "node_type",
        named_by: str = "property_id",
    ) -> None:
        """A property of a host in blazar; `named_by`, a column, says how releases differ."""
        if name not in self._properties:
            self._properties[name] = self.uuid()
            self.add("blazar.resource_properties", {"id": self._properties[name], "property_name": name})
        table = "device" if self.kind == "edge" else "computehost"
        row = {"id": self.uuid(), f"{table}_id": host.blazar_id, "capability_value": value}
        row |= {named_by: name if named_by == "capability_name" else self._properties[name]}
        self.add(f"blazar.{table}_extra_capabilities", row | {"created_at": created, "deleted_at": deleted})

    def lease(
        self,
        start: int,
        end: int | None,
        created: int | None = None,
        deleted: int | None = None,
        owner: tuple[str, str] | None = None,
    ) -> str:
        """A lease, by default made a day ahead; its id."""
        key, (project, user) = self.uuid(), owner or self.owners[0]
        created = start - DAY if created is None else created
        row = {"id": key, "project_id": project, "user_id": user, "start_date": start, "end_date": end}
        self.add("blazar.leases", row | {"created_at": created, "deleted_at": deleted})
        return key

    def reservation(self, lease_id: str) -> str:
        """A reservation of a lease, of the kind's resource type; its id."""
        key = self.uuid()
        row = {"id": key, "lease_id": lease_id, "resource_type": self.profile.resource_type}
        self.add("blazar.reservations", row)
        if self.kind == "kvm":
            size = self.profile.flavor._asdict()
            self.add("blazar.instance_reservations", {"id": self.uuid(), "reservation_id": key, **size})
        return key

    def allocate(self, reservation_id: str, blazar_id: str, created: int, deleted: int | None = None) -> None:
        """Give a host or device to a reservation."""
        table, column = ("computehost", "compute_host_id") if self.kind != "edge" else ("device", "device_id")
        row = {"id": self.uuid(), column: blazar_id, "reservation_id": reservation_id}
        self.add(f"blazar.{table}_allocations", row | {"created_at": created, "deleted_at": deleted})

    def booking(
        self,
        hosts: Iterable[Host],
        start: int,
        end: int | None,
        created: int | None = None,
        deleted: int | None = None,
        owner: tuple[str, str] | None = None,
    ) -> Booking:
        """A lease with one reservation to which all these hosts are allocated when the lease is made."""
        owner, created = owner or self.owners[0], start - DAY if created is None else created
        key = self.reservation(self.lease(start, end, created, deleted, owner))
        for host in hosts:
            self.allocate(key, host.blazar_id, created + 2, deleted)
        return Booking(key, owner)

    def instance(
        self,
        host: Host,
        start: int,
        end: int | None = None,
        booking: Booking | None = None,
        specs: Sequence[str | None] | None = None,
        size: Size | None = None,
        owner: tuple[str, str] | None = None,
        **changed: Any,
    ) -> str:
        """An instance with its first and last event and its request_specs row, or these `specs`; its uuid.

        `changed` are columns of nova.instances that shall differ. Archiving removes request_specs.
        """
        uuid, size = self.uuid(), size or self.profile.flavor
        project, user = booking.owner if booking else owner or self.owners[0]
        row = {"id": self.serial("instance"), "uuid": uuid, "project_id": project, "user_id": user, "hidden": 0}
        row |= {"node": host.name, "vcpus": size.vcpus, "memory_mb": size.memory_mb, "root_gb": size.disk_gb}
        row |= {"created_at": start, "launched_at": start + 90, "terminated_at": end, "deleted_at": end and end + 1}
        self.add("nova.instances", {**row, **changed})
        self.event(uuid, "compute__do_build_and_run_instance", start + 5, host.service)
        if end is not None:
            self.event(uuid, "compute_terminate_instance", end - 4, host.service)
        if specs is None:
            specs = () if self.is_archiving else (self.spec(booking),)
        for spec in specs:
            self.add("nova_api.request_specs", {"id": self.serial("spec"), "instance_uuid": uuid, "spec": spec})
        return uuid

    def event(self, uuid: str, name: str, at: int, host: str | None, result: str | None = "Success") -> None:
        """An action of an instance with one event."""
        action = self.serial("action")
        self.add("nova.instance_actions", {"id": action, "instance_uuid": uuid})
        row = {"id": self.serial("event"), "action_id": action, "event": name, "start_time": at}
        self.add("nova.instance_actions_events", row | {"result": result, "host": host})

    def migration(
        self,
        uuid: str,
        at: int,
        source: str | None,
        kind: str = "live-migration",
        status: str = "completed",
        old_flavor: int | None = None,
        updated: int | None = None,
    ) -> None:
        """A move or resize, by default in its last status ten minutes after it was asked for."""
        row = {"id": self.serial("migration"), "instance_uuid": uuid, "migration_type": kind, "status": status}
        row |= {"source_node": source, "old_instance_type_id": old_flavor}
        self.add("nova.migrations", row | {"created_at": at, "updated_at": updated or at + 600})

    def flavor(self, size: Size) -> int:
        """The id of a flavor of this size."""
        if size not in self._flavors:
            key = self._flavors[size] = self.serial("flavor")
            row = {"id": key, "name": f"m{key}", "vcpus": size.vcpus, "memory_mb": size.memory_mb}
            self.add("nova_api.flavors", row | {"root_gb": size.disk_gb})
        return self._flavors[size]

    def instance_extra(self, uuid: str, flavor: str) -> None:
        """A row of nova.instance_extra that tells the name of an instance's flavor."""
        document = {"cur": {"nova_object.name": "Flavor", "nova_object.data": {"name": flavor}}, "old": None}
        row = {"id": self.serial("extra"), "instance_uuid": uuid, "flavor": json.dumps(document)}
        self.add("nova.instance_extra", row)

    def spec(self, booking: Booking | None) -> str:
        """A RequestSpec as nova stores it: reserved hosts are asked for by a hint, reserved flavors by their name."""
        hints: dict[str, list[str]] = {}
        flavor = "baremetal" if self.kind == "baremetal" else "m1.small"
        if booking and self.kind == "kvm":
            flavor = f"reservation:{booking.id}"
        elif booking:
            hints["reservation"] = [booking.id]
        flavor_object = {"nova_object.name": "Flavor", "nova_object.data": {"name": flavor}}
        data = {"scheduler_hints": hints, "flavor": flavor_object}
        return json.dumps({"nova_object.name": "RequestSpec", "nova_object.data": data})

    def container(self, booking: Booking | None, started: int | None, updated: int, status: str = "Running") -> None:
        """A row of zun.container."""
        project, user = booking.owner if booking else self.owners[0]
        annotations = json.dumps({"zun.openstack.org/reservation_id": booking.id} if booking else {"user": user})
        row = {"id": self.serial("container"), "uuid": self.uuid(), "project_id": project, "user_id": user}
        row |= {"status": status, "started_at": started, "updated_at": updated, "annotations": annotations}
        self.add("zun.container", row)

    def stay(self, host: Host, start: int, end: int | None, booking: Booking) -> None:
        """A plain instance or container of a reservation."""
        if self.kind == "edge":
            self.container(booking, start, end or start, "Stopped" if end else "Running")
        else:
            self.instance(host, start, end, booking)
