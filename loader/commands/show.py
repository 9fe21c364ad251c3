"""The commands that write pages and pictures: report, plot, docs."""

from pathlib import Path
from typing import Any

import click

from loader.commands.flags import OUTPUT, for_sites


@click.command(short_help="Write a page that shows the numbers.")
@for_sites
@OUTPUT
@click.option("--html", required=True, metavar="FILE", help="The page: one file, which needs no network.")
@click.option("--title", default="Usage report", show_default=True, help="Its heading.")
def report(**given: Any) -> None:
    """Write one HTML page: capacity and use over time, utilisation, months, projects, node types, findings.

    It is made of the files that `process --resample 1d` wrote. Needs `pip install 'chameleon-usage[report]'`.

    \b
    chameleon-usage report --output output/usage --html report.html
    chameleon-usage --config etc/site.yml report --site chi_uc --html chi_uc.html --title "CHI@UC in 2024"
    """
    from loader.report.command import write_report

    write_report(**given)


@click.command(short_help="Write plots and their data as files.")
@for_sites
@OUTPUT
@click.option("--to", default="plots", show_default=True, metavar="FOLDER", help="Where the files go.")
@click.option(
    "--events",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="YAML, a list of {date: 2024-03-01, text: …, site: …}, to annotate the comparison.",
)
@click.option(
    "--operations",
    multiple=True,
    metavar="PROJECT",
    help="Id or name of a project of the operators; repeatable. Plots what they reserved apart from user projects.",
)
@click.option("--format", "formats", multiple=True, type=click.Choice(["png", "svg"]), help="Default: both.")
def plot(**given: Any) -> None:
    """Write plots of each site and a comparison as PNG and SVG, and the resampled data as parquet, CSV and JSON.

    They are made of the files that `process --resample 1d` wrote. Needs `pip install 'chameleon-usage[report]'`.

    \b
    chameleon-usage plot --output output/usage --to plots
    chameleon-usage --config etc/site.yml plot --events etc/events.yml --operations openstack --format svg
    """
    from loader.report.command import write_plots

    write_plots(**given)


@click.command(short_help="Write the lineage site: what is made of what.")
@click.option("--html", default="lineage.html", show_default=True, metavar="FILE", help="The page: one file.")
def docs(html: str) -> None:
    """Write dbt's documentation as one page: tables, models and columns described, the graph from source to output.

    Needs `pip install 'chameleon-usage[pipeline]'`, and no data.

    \b
    chameleon-usage docs --html lineage.html
    """
    from loader.lineage import write_docs

    write_docs(html)
