"""The `chameleon-usage` command. Heavy modules are imported where they are needed, so that --help answers at once."""

import functools
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from loader import __version__, console
from loader.errors import Failure, Interrupted, redacted, unexpected, watched_signals
from loader.work import remove_work_folders


def _complete_site(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The sites of the config that was named before, for a shell's completion."""
    from loader import config as configuration

    path = context.params.get("config") or (context.obj or {}).get("config")
    while path is None and context.parent:
        context = context.parent
        path = context.params.get("config")
    try:
        return [key for key in configuration.read(path) if key.startswith(begun)] if path else []
    except Failure:
        return []


def _complete_metric(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    from loader.outputs import operands

    return [metric for metric in operands() if metric.startswith(begun)]


def _complete_resource(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    from loader.outputs import RESOURCES

    return [resource for resource in RESOURCES if resource.startswith(begun)]


class Kind(click.Choice):
    """A kind of finding; their list is read only when one is given."""

    def __init__(self) -> None:
        super().__init__([])

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from loader.check import KINDS

        return click.Choice(KINDS).convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list:
        from loader.check import KINDS

        return click.Choice(KINDS).shell_complete(ctx, param, incomplete)


FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True, help="For whom."
)
OUTPUT = click.option(
    "--output", metavar="PATH", help="Where process wrote. Default: the config's `output`, then output/usage."
)
LOG_FORMAT = click.option(
    "--log-format",
    type=click.Choice(console.FORMATS),
    default="text",
    show_default=True,
    help="json: one object a line, for machines.",
)
VERBOSE = click.option("-v", "--verbose", is_flag=True, help="Say each step, on stderr.")
CONFIG = click.option("--config", type=click.Path(path_type=Path), help="Path to etc/site.yml, the sites' settings.")
SITE = click.option(
    "--site",
    "sites",
    multiple=True,
    metavar="KEY",
    shell_complete=_complete_site,
    help="Key of a site; repeatable. Default: all sites.",
)
DATA_DIR = click.option(
    "--data-dir", metavar="PATH", help="Where the extracted tables lie: a folder or s3://bucket/folder."
)


def shared_flags(command: Callable) -> Callable:
    """--config, --site and --data-dir, on the group and on each command: accepted before and after its name."""
    for flag in (DATA_DIR, SITE, CONFIG):
        command = flag(command)
    return command


def for_sites(command: Callable) -> Callable:
    """A command with the shared flags: it gets `config`, `keys` (of sites) and `data_dir`.

    What stands after its name wins over what stands before it; --site adds up.
    """

    @shared_flags
    @click.pass_context
    @functools.wraps(command)
    def merged(
        context: click.Context, config: Path | None, sites: tuple[str, ...], data_dir: str | None, **options
    ) -> None:
        before = context.obj or {}  # nothing stands before `python -m loader`
        command(
            config=config or before.get("config"),
            keys=(*before.get("keys", ()), *sites),
            data_dir=data_dir or before.get("data_dir"),
            **options,
        )

    return merged


class Commands(click.Group):
    """A group that turns our errors into one line and an exit code."""

    def make_context(self, *arguments, **extra) -> click.Context:
        return guarded(lambda: super(Commands, self).make_context(*arguments, **extra))

    def invoke(self, ctx: click.Context):
        return guarded(lambda: super(Commands, self).invoke(ctx))


def guarded(run: Callable):
    """Run a command; a Failure prints `Error: …` on stderr and exits with its code, Ctrl-C exits with 130."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # none where it was closed
        stream.reconfigure(errors="replace")  # a terminal that can't show └ must not fail a run that was published
    console.set_up()
    try:
        with watched_signals():
            return run()
    except click.UsageError as e:
        e.message = redacted(e.message)
        raise
    except Failure as e:
        console.say(logging.ERROR, redacted(str(e)))
        sys.exit(e.exit_code)
    except Interrupted as e:
        remove_work_folders()
        console.say(logging.ERROR, f"interrupted; what was not reported as written is as before{e.note}")
        sys.stdout.flush()
        os._exit(128 + e.number)  # a query that still runs in a thread of dbt's would abort an orderly exit
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except (click.exceptions.Exit, click.ClickException, click.Abort):
        raise
    except Exception as e:
        if os.environ.get("CHAMELEON_USAGE_DEBUG"):
            raise
        console.say(logging.ERROR, unexpected(e))
        sys.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@shared_flags
@click.version_option(__version__, prog_name="chameleon-usage")
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


@main.command(short_help="Copy the source tables to parquet.")
@for_sites
@click.option(
    "--db-uri", metavar="URI", help="mysql://user:password@host:3306. Default: $DATABASE_URI, then the config's."
)
@click.option(
    "--history/--no-history",
    default=None,
    help="Keep rows that vanish from the database, or drop them. Default: the config's.",
)
@click.option(
    "--accept-server",
    is_flag=True,
    help="Go on with the history of another database server: after a move or a restore.",
)
@click.option("--schema", "schemas", multiple=True, metavar="NAME", help="Only this database; repeatable.")
@LOG_FORMAT
@VERBOSE
def extract(log_format: str, verbose: bool, **given) -> None:
    """Copy the source tables to <data_dir>/<schema>.<table>.parquet.

    All tables are read in one snapshot of the database. A table that is missing or not granted is reported and the rest
    goes on. Files are replaced whole, and only after reading has ended; a table that failed keeps its earlier file.

    With --history (or `history: true` in the config) rows that are gone from the database stay in the file, with the
    extractions that last saw and first missed them in _last_seen_at and _vanished_at.

    Exit code: 0 all copied, or only optional tables missing; 1 a required table is missing or anything failed; 2 usage.

    \b
    chameleon-usage --config etc/site.yml --site chi_uc extract
    DATABASE_URI=mysql://user:password@host chameleon-usage --data-dir data/chi_uc extract --history
    """
    from loader.extract import extract_sites

    console.set_up(log_format, verbose)
    extract_sites(**given)


@main.command(short_help="Turn extracted tables into usage.")
@for_sites
@click.option(
    "--output",
    metavar="PATH",
    help="Folder or s3:// URL; files go to <output>/<site>/. Default: the config's `output`.",
)
@click.option(
    "--start-date", required=True, metavar="DATE", help="Start of the window, UTC: 2024-01-01 or 2024-01-01T06:00."
)
@click.option(
    "--end-date", required=True, metavar="DATE", help="End of the window, UTC; the instant itself is not in it."
)
@click.option(
    "--memory-limit", metavar="SIZE", help="Memory for DuckDB, e.g. 1GB; past it, it spills to disk. Default 3GB."
)
@click.option("--threads", type=click.IntRange(1), help="Threads for DuckDB. Default: the cores, shared by the sites.")
@click.option(
    "--jobs", type=click.IntRange(1), help="Sites at once; they share the memory. Default: as many as cores and GB."
)
@click.option(
    "--resample",
    metavar="LENGTH",
    help="Also write values a bucket: 15m, 1h, 1d, 7d, 1w, 1mo, 1y, from --start-date on.",
)
@click.option("--wide", is_flag=True, help="Also write usage_wide.parquet: a column a metric.")
@click.option(
    "--export-uri",
    metavar="URI",
    help="Also replace the sites' rows of usage_compat.usage_wide in this MySQL. Default: $EXPORT_URI.",
)
@click.option(
    "--force", is_flag=True, help="Process also a site whose outputs are of the same extraction and options already."
)
@click.option(
    "--allow-failed", is_flag=True, help="Go on although the last extraction failed to copy a required table."
)
@LOG_FORMAT
@VERBOSE
def process(log_format: str, verbose: bool, **given) -> None:
    """Turn extracted tables into <output>/<site>/usage.parquet, usage_by_project, spans and quality.

    The files of a site are checked, then published together: when anything fails, none of them changes, and the other
    sites go on. Needs `pip install 'chameleon-usage[pipeline]'`.

    \b
    chameleon-usage --config etc/site.yml --site chi_uc process \\
        --output output/usage --start-date 2024-01-01 --end-date 2024-12-31
    chameleon-usage --config etc/site.yml process --output s3://usage/all \\
        --start-date 2024-01-01 --end-date 2025-01-01 --resample 1d
    """
    from loader.process import process_sites

    console.set_up(log_format, verbose)
    process_sites(**given)


@main.command(short_help="Show the source rows behind a number, or what became of a row.")
@for_sites
@OUTPUT
@click.option("--at", metavar="INSTANT", help="UTC, in the window: 2024-06-01 or 2024-06-01T12:00.")
@click.option(
    "--metric",
    metavar="NAME",
    shell_complete=_complete_metric,
    help="Show the spans that add up to this metric: total, committed, idle, …",
)
@click.option(
    "--resource",
    metavar="NAME",
    shell_complete=_complete_resource,
    help="nodes (default), vcpus, vcpus_overcommit, memory_mb or disk_gb.",
)
@click.option("--project", metavar="ID", help="Of this project alone, by id or name.")
@click.option("--span", metavar="TABLE/KEY", help="The story of one source row: nova.instances/UUID, blazar.leases/ID.")
@click.option("--limit", type=click.IntRange(0), default=10, show_default=True, help="Spans to show, as text.")
@FORMAT
def explain(**given) -> None:
    """Show the utilisation stack at an instant, and the source rows that a value is the sum of.

    \b
    chameleon-usage explain --site chi_uc --at 2024-06-01
    chameleon-usage explain --site chi_uc --at 2024-06-01 --metric idle --resource vcpus
    chameleon-usage explain --site chi_uc --at 2024-06-01T12:00 --metric committed --project my-project --format csv
    chameleon-usage explain --site chi_uc --span nova.instances/0b3c2f0e-…
    """
    from loader.look import explain_site

    explain_site(**given)


@main.command(short_help="List what is wrong or doubtful with the numbers, and what to do.")
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
def check(**given) -> None:
    """List the findings of quality.parquet by the hours at stake, with what each means and what to do.

    \b
    chameleon-usage check --site chi_uc
    chameleon-usage check --fail-on negative --fail-on missing_table --min-hours 24
    """
    from loader.look import check_sites

    check_sites(**given)


@main.command(short_help="Show how fresh each site's extraction and outputs are.")
@for_sites
@OUTPUT
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="For whom."
)
def status(**given) -> None:
    """Show per site when it was extracted and processed, the window of its outputs, and which tables are missing.

    \b
    chameleon-usage --config etc/site.yml status
    chameleon-usage status --output output/usage --format json
    """
    from loader.look import show_status

    show_status(**given)


@main.command(short_help="Write a page that shows the numbers.")
@for_sites
@OUTPUT
@click.option("--html", required=True, metavar="FILE", help="The page: one file, which needs no network.")
@click.option("--title", default="Usage report", show_default=True, help="Its heading.")
def report(**given) -> None:
    """Write one HTML page: capacity and use over time, utilisation, months, projects, node types, findings.

    It is made of the files that `process --resample 1d` wrote. Needs `pip install 'chameleon-usage[report]'`.

    \b
    chameleon-usage report --output output/usage --html report.html
    chameleon-usage --config etc/site.yml report --site chi_uc --html chi_uc.html --title "CHI@UC in 2024"
    """
    from loader.report.command import write_report

    write_report(**given)


@main.command(short_help="Write plots and their data as files.")
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
def plot(**given) -> None:
    """Write plots of each site and a comparison as PNG and SVG, and the resampled data as parquet, CSV and JSON.

    They are made of the files that `process --resample 1d` wrote. Needs `pip install 'chameleon-usage[report]'`.

    \b
    chameleon-usage plot --output output/usage --to plots
    chameleon-usage --config etc/site.yml plot --events etc/events.yml --operations openstack --format svg
    """
    from loader.report.command import write_plots

    write_plots(**given)


@main.command(short_help="Write the lineage site: what is made of what.")
@click.option("--html", default="lineage.html", show_default=True, metavar="FILE", help="The page: one file.")
def docs(html: str) -> None:
    """Write dbt's documentation as one page: tables, models and columns described, the graph from source to output.

    Needs `pip install 'chameleon-usage[pipeline]'`, and no data.

    \b
    chameleon-usage docs --html lineage.html
    """
    from loader.lineage import write_docs

    write_docs(html)


@main.group("config", short_help="Check etc/site.yml, or print its schema.")
def config_group() -> None:
    """Check the sites' settings, or print the schema that editors complete and check them with."""


@config_group.command("check")
@for_sites
def config_check(config: Path | None, keys: tuple[str, ...], data_dir: str | None) -> None:  # noqa: ARG001
    """Check --config as a whole: keys, values, variables, places. No database is asked, and no password is printed.

    \b
    chameleon-usage --config etc/site.yml config check
    """
    from loader.config_check import check_config

    check_config(config, keys)


@config_group.command("schema")
def config_schema() -> None:
    """Print the JSON schema of etc/site.yml.

    \b
    chameleon-usage config schema > etc/site.schema.json
    # yaml-language-server: $schema=site.schema.json      (first line of etc/site.yml)
    """
    from loader.config_check import schema

    click.echo(schema())


@main.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, flags, sites and metrics.

    \b
    chameleon-usage completion bash > ~/.local/share/bash-completion/completions/chameleon-usage
    chameleon-usage completion zsh > "${fpath[1]}/_chameleon-usage"
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)(main, {}, "chameleon-usage", "_CHAMELEON_USAGE_COMPLETE")
    click.echo(script.source())


@main.command("print-grant-sql", short_help="Print the SQL that lets a user extract.")
@click.option("--user", default="usage_exporter", show_default=True, help="Database user that extracts.")
@click.option("--host", default="%", show_default=True, help="Host it connects from, as MySQL writes it.")
@click.option("--schema", "schemas", multiple=True, metavar="NAME", help="Only this database; repeatable.")
def print_grant_sql(user: str, host: str, schemas: tuple[str, ...]) -> None:
    """Print the SQL that creates the extractor's user and lets it read the source tables, nothing else.

    The command only prints; have a database administrator run it: `chameleon-usage print-grant-sql | mariadb --force`
    goes on past tables and columns that this cloud does not have.

    \b
    chameleon-usage print-grant-sql
    chameleon-usage print-grant-sql --user usage_exporter --host '10.0.0.%' --schema nova
    """
    from loader.grants import grant_sql

    click.echo(grant_sql(user, host, schemas))
