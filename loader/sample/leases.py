"""The awkward rows of leases, on hosts and devices alike."""

from loader.sample.site import Site


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
