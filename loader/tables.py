"""Numbers on the terminal."""

from rich.console import Console
from rich.table import Table

# The utilisation stack as a reader sees it.
STACK = {
    "total": "total",
    "reservable": "├─ reservable",
    "committed": "│  ├─ committed",
    "occupied_reservation": "│  │  ├─ occupied_reservation",
    "idle": "│  │  └─ idle",
    "available_reservable": "│  └─ available_reservable",
    "ondemand_capacity": "└─ ondemand_capacity",
    "occupied_ondemand": "   ├─ occupied_ondemand",
    "available_ondemand": "   └─ available_ondemand",
}
SITES_ABREAST = 4  # fit 80 columns


def _short(instant: str) -> str:
    return instant.removesuffix("T00:00:00")


def print_hours(hours: dict[str, dict[tuple[str, str], float]], start: str, end: str) -> None:
    """A table of node-hours: a line a metric, a column a site; – where a metric is not tracked."""
    console = Console(highlight=False)
    names = list(hours)
    for first in range(0, len(names), SITES_ABREAST):
        console.print(f"node-hours from {_short(start)} to {_short(end)} (UTC)", soft_wrap=True)
        table = Table(box=None, pad_edge=False)
        table.add_column("", no_wrap=True)
        for name in names[first : first + SITES_ABREAST]:
            table.add_column(name, justify="right", overflow="fold")
        for metric, label in STACK.items():
            values = [hours[name].get((metric, "nodes")) for name in names[first : first + SITES_ABREAST]]
            table.add_row(label, *("–" if v is None else f"{v:,.1f}" for v in values))
        console.print(table)
