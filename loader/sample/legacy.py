"""What the collector before this one noted."""

from loader.sample.site import Site

NODES = {"compute_skylake": 46, "gpu_rtx_6000": 26}


def hours_of_the_earlier_collector(site: Site) -> None:
    """SPEC: "One step a day (rows of one day summed, null hours 0), …, zero on a day without a row"."""
    for day in range(-14, 42):
        for node_type, nodes in NODES.items():
            row = {"date": site.at(day), "node_type": node_type}
            if (day, node_type) != (21, "gpu_rtx_6000"):
                hours = {"total_hours": 24.0 * nodes, "maint_hours": 8.0 * nodes}
                hours |= {"reserved_hours": site.rng.randrange(3 * nodes) / 4}
                hours |= {"used_hours": site.rng.randrange(2 * nodes, 4 * nodes) / 4}
                free = hours["total_hours"] - hours["maint_hours"] - hours["reserved_hours"] - hours["used_hours"]
                row |= hours | {"idle_hours": free}
            if day != 20:
                site.add("chameleon_usage.node_usage_report_cache", row)
