"""Plots of an edge site: its devices, split into what operations projects and what user projects reserved.

    python examples/report_edge.py --site chi_edge --operations openstack --output output/usage --to plots

Reads what `chameleon-usage process --resample 1d` wrote.
"""

import argparse
from pathlib import Path

from loader.outputs import opened, places
from loader.report import figures, plots


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="output/usage", help="where process wrote")
    parser.add_argument("--to", type=Path, default=Path("plots"), help="folder for the files")
    parser.add_argument("--site", required=True, help="key of the edge site")
    parser.add_argument("--operations", action="append", required=True, help="id or name of a project; repeatable")
    given = parser.parse_args()

    (place,) = places(None, (given.site,), None, given.output)
    with opened(place.output, place.key, resampled=True) as published:
        site = figures.read(published, place.key, place.name)
        folder = given.to / site.key
        for file in (
            *plots.devices(site, published, given.operations, folder),
            *plots.stacks(site, folder),
            *plots.tables(published, folder),
        ):
            print(f"wrote {file}")


if __name__ == "__main__":
    main()
