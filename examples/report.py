"""Plots of a site as an operator would make them for a funder: the stack, collectors, a comparison, and the data.

    python examples/report.py --output output/usage --to plots [--site chi_uc] [--events etc/events.yml]

Reads what `chameleon-usage process --resample 1d` wrote. Change it: figures are plain lists, charts are Altair's.
"""

import argparse
from pathlib import Path

from loader.outputs import opened, places
from loader.report import events, figures, plots


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="output/usage", help="where process wrote")
    parser.add_argument("--to", type=Path, default=Path("plots"), help="folder for the files")
    parser.add_argument("--site", action="append", default=[], help="key of a site; repeatable; default all")
    parser.add_argument("--events", type=Path, help="YAML, a list of {date: 2024-03-01, text: …}")
    given = parser.parse_args()

    sites = []
    for place in places(None, tuple(given.site), None, given.output):
        with opened(place.output, place.key, resampled=True) as published:
            site = figures.read(published, place.key, place.name)
            folder = given.to / site.key
            written = [*plots.stacks(site, folder), *plots.collectors(site, folder), *plots.tables(published, folder)]
        sites.append(site)
        shares = ", ".join(
            f"{name} {share:.1%}" for name, share in plots.utilisations(site).items() if share is not None
        )
        print(f"{site.name}: {len(written)} files in {folder}; {shares}")
    happened = events.read(given.events) if given.events else []
    for file in plots.comparison(sites, given.to, happened):
        print(f"wrote {file}")


if __name__ == "__main__":
    main()
