"""The `chameleon-usage` command. Heavy modules are imported where they are needed, so that --help answers at once."""

from pathlib import Path

import click

from loader import SCHEMA_VERSION, __version__
from loader.commands.ask import check, explain, status
from loader.commands.flags import shared_flags
from loader.commands.guard import Commands
from loader.commands.make import extract, print_grant_sql, process
from loader.commands.settings import completion, config
from loader.commands.show import docs, plot, report


def _show_version(context: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    """Say the versions that numbers depend on."""
    if not is_asked:
        return
    from importlib.metadata import PackageNotFoundError, version

    click.echo(f"chameleon-usage {__version__}, schema of outputs {SCHEMA_VERSION}")
    for package in ("dbt-core", "dbt-duckdb", "duckdb", "dlt"):
        try:
            click.echo(f"{package} {version(package)}")
        except PackageNotFoundError:
            click.echo(f"{package} is not installed: pip install 'chameleon-usage[pipeline]'")
    context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@shared_flags
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show versions."
)
@click.pass_context
def main(context: click.Context, config: Path | None, sites: tuple[str, ...], data_dir: str | None) -> None:
    """What capacity did an OpenStack cloud have at every instant of its history, and who used it?

    \b
    chameleon-usage print-grant-sql | mariadb --force
    chameleon-usage --config etc/site.yml --site chi_uc extract
    chameleon-usage --config etc/site.yml --site chi_uc process \\
        --output output/usage --start-date 2024-01-01 --end-date 2024-12-31
    """
    context.obj = {"config": config, "keys": sites, "data_dir": data_dir}


for command in (extract, process, explain, check, status, report, plot, docs, config, completion, print_grant_sql):
    main.add_command(command)
