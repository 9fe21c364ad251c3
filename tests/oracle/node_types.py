"""SPEC 6, the node type of a host or device."""

from __future__ import annotations

from datetime import datetime

from tests.oracle.site import Site
from tests.oracle.values import Row, id_order, text

NODE_TYPE = "node_type"
DEVICE_TABLES = ("blazar.devices", "blazar.device_allocations")


def with_node_types(site: Site) -> list[Row]:
    """The spans of the site, each with the node type of its host or device."""
    types: dict[tuple[bool, str | None], str | None] = {(True, None): None, (False, None): None}
    for span in site.spans:
        key = (span["source_table"] in DEVICE_TABLES, span["hypervisor_hostname"])
        if key not in types:
            types[key] = node_type(site, *key)
        span["node_type"] = types[key]
    return site.spans


def node_type(site: Site, is_device: bool, name: str) -> str | None:
    """SPEC 6: "`node_type` is that of the hypervisor's latest blazar row (devices: `hypervisor_hostname` is the
    device's id)" (decision 25)."""
    if is_device:
        return capability(site, "blazar.device_extra_capabilities", "device_id", name)
    hosts = site.blazar_hosts.get(name, [])
    if not hosts:
        return None
    newest = max(hosts, key=lambda row: (row.get("created_at") or datetime.min, id_order(row["id"])))
    return capability(site, "blazar.computehost_extra_capabilities", "computehost_id", newest["id"])


def capability(site: Site, table: str, column: str, owner: str) -> str | None:
    """The node_type of a host or device, "of several capability rows those without deleted_at first, then the
    latest created_at (null first), then the larger id"."""
    named_so = [p["id"] for p in site.rows("blazar.resource_properties") if p.get("property_name") == NODE_TYPE]

    def tells(row: Row) -> bool:
        kind = text(row.get("property_id")) or text(row.get("capability_id"))
        return row.get("capability_name") == NODE_TYPE or kind in named_so

    def order(row: Row) -> tuple[bool, datetime, tuple[int, int, str]]:
        return row.get("deleted_at") is None, row.get("created_at") or datetime.min, id_order(row["id"])

    telling = [row for row in site.rows(table) if row.get(column) == owner and tells(row)]
    return text(max(telling, key=order, default={}).get("capability_value"))
