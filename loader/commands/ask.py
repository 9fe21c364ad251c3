"""The commands that answer questions about the numbers: explain, check, status."""

from typing import Any

import click

from loader.commands.flags import FORMAT, OUTPUT, Kind, complete_metric, complete_resource, for_sites


@click.command(short_help="Show the source rows behind a number, or what became of a row.")
@for_sites
@OUTPUT
@click.option("--at", metavar="INSTANT", help="UTC, in the window: 2024-06-01 or 2024-06-01T12:00.")
@click.option(
    "--metric",
    metavar="NAME",
    shell_complete=complete_metric,
    help="Show the spans that add up to this metric: total, committed, idle, …",
)
@click.option(
    "--resource",
    metavar="NAME",
    shell_complete=complete_resource,
    help="nodes (default), vcpus, vcpus_overcommit, memory_mb or disk_gb.",
)
@click.option("--project", metavar="ID", help="Of this project alone, by id or name.")
@click.option("--span", metavar="TABLE/KEY", help="The story of one source row: nova.instances/UUID, blazar.leases/ID.")
@click.option("--limit", type=click.IntRange(0), default=10, show_default=True, help="Spans to show, as text.")
@FORMAT
def explain(**given: Any) -> None:
    """Show the utilisation stack at an instant, and the source rows that a value is the sum of.

    \b
    chameleon-usage explain --site chi_uc --at 2024-06-01
    chameleon-usage explain --site chi_uc --at 2024-06-01 --metric idle --resource vcpus
    chameleon-usage explain --site chi_uc --at 2024-06-01T12:00 --metric committed --project my-project --format csv
    chameleon-usage explain --site chi_uc --span nova.instances/0b3c2f0e-…
    """
    from loader.look import explain_site

    explain_site(**given)


@click.command(short_help="List what is wrong or doubtful with the numbers, and what to do.")
@for_sites
@OUTPUT
@click.option(
    "--fail-on",
    multiple=True,
    type=Kind(),
    metavar="KIND",
    help="Exit with 1 if there is such a finding: negative, orphan, missing_table, …, or any; repeatable.",
)
@click.option(
    "--min-hours", type=click.FloatRange(0), default=0.0, metavar="H", help="Leave out findings of fewer hours."
)
@FORMAT
def check(**given: Any) -> None:
    """List the findings of quality.parquet by the hours at stake, with what each means and what to do.

    \b
    chameleon-usage check --site chi_uc
    chameleon-usage check --fail-on negative --fail-on missing_table --min-hours 24
    """
    from loader.look import check_sites

    check_sites(**given)


@click.command(short_help="Show how fresh each site's extraction and outputs are.")
@for_sites
@OUTPUT
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="For whom."
)
def status(**given: Any) -> None:
    """Show per site when it was extracted and processed, the window of its outputs, and which tables are missing.

    \b
    chameleon-usage --config etc/site.yml status
    chameleon-usage status --output output/usage --format json
    """
    from loader.look import show_status

    show_status(**given)
