"""The rows of a made-up site, added in groups that belong together: a machine, a booking, an instance, a container."""

import calendar
import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa

from loader import catalogue

WINDOW = (datetime(2024, 1, 1), datetime(2025, 1, 1))

HOUR, DAY = 3600, 86400
START = calendar.timegm(WINDOW[0].timetuple())
CHUNK = 50_000
ARROW = {"varchar": pa.string(), "bigint": pa.int64(), "timestamp": pa.timestamp("us"), "double": pa.float64()}
# Beginnings of the names of the required tables that a kind hasn't; of optional ones it has those with rows.
LACKS = {"edge": ("nova.", "nova_api.", "blazar.computehost", "blazar.instance_reservations")}
OWNERS = [
    ("openstack", "admin"),
    ("Université «Ñandú»", "o'brien@example.edu"),
    ('"quoted", with a comma', 'zoë "z" 李'),
]

Row = dict[str, Any]


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


UNKNOWN = Size(0, 0, 0)
METAL = Size(48, 131072, 250)
PROFILES = {
    "baremetal": Profile("ironic", UNKNOWN, METAL, "physical:host", Size(1, 1, 20)),
    "kvm": Profile("QEMU", Size(48, 196608, 1800), Size(48, 196608, 1800), "flavor:instance", Size(4, 8192, 40)),
    "edge": Profile("", UNKNOWN, UNKNOWN, "device", UNKNOWN),
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


class Site:
    """Tables being filled. Instants are seconds since 1970; `add` takes rows, the rest adds what belongs together."""

    def __init__(self, kind: str, seed: int) -> None:
        """An empty site."""
        self.kind, self.profile, self.rng = kind, PROFILES[kind], random.Random(f"{kind}:{seed}")  # noqa: S311
        self.owners = list(OWNERS)
        self._catalogue = catalogue.load()
        self._rows: dict[str, list[Row]] = {name: [] for name in self._catalogue}
        self._chunks: dict[str, list[pa.Table]] = {name: [] for name in self._catalogue}
        self._last_id: Counter[str] = Counter()

    @staticmethod
    def at(day: float, hour: float = 0) -> int:
        """The instant this long after the window's start."""
        return START + round(day * DAY + hour * HOUR)

    def uuid(self) -> str:
        """A new uuid."""
        h = f"{self.rng.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

    def serial(self, name: str) -> int:
        """The next of the numbers 1, 2, … under this name."""
        self._last_id[name] += 1
        return self._last_id[name]

    def add(self, table: str, row: Row) -> None:
        """Add a row; columns left out are null."""
        rows = self._rows[table]
        rows.append(row)
        if len(rows) >= CHUNK:
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows, columns = self._rows[table], self._catalogue[table].columns
        if unknown := set().union(*rows) - columns.keys():
            raise KeyError(f"{table} has no column {', '.join(sorted(unknown))} in the catalogue")
        arrays = {}
        for name, column in columns.items():
            values = [row.get(name) for row in rows]
            seconds = column.data_type == "timestamp"
            array = pa.array(values, pa.timestamp("s") if seconds else ARROW[column.data_type])
            arrays[name] = array.cast(ARROW["timestamp"]) if seconds else array
        self._chunks[table].append(pa.table(arrays))
        rows.clear()

    def tables(self) -> dict[str, pa.Table]:
        """The tables that a site of this kind has, with the catalogue's columns."""
        result = {}
        for name, table in self._catalogue.items():
            if self._rows[name] or not (table.optional or self._chunks[name]):
                self._flush(name)
            if self._chunks[name] and not name.startswith(LACKS.get(self.kind, "-")):
                result[name] = pa.concat_tables(self._chunks[name])
        return result

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
        row = {"id": self.serial("node"), "hypervisor_hostname": name, "host": service, "created_at": created}
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

        `changed` are columns of nova.instances that shall differ.
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
        for spec in [self.spec(booking)] if specs is None else specs:
            self.add("nova_api.request_specs", {"id": self.serial("spec"), "instance_uuid": uuid, "spec": spec})
        return uuid

    def event(self, uuid: str, name: str, at: int, host: str | None, result: str | None = "Success") -> None:
        """An action of an instance with one event."""
        action = self.serial("action")
        self.add("nova.instance_actions", {"id": action, "instance_uuid": uuid})
        row = {"id": self.serial("event"), "action_id": action, "event": name, "start_time": at}
        self.add("nova.instance_actions_events", row | {"result": result, "host": host})

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
