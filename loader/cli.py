"""The `chameleon-usage` command. Heavy modules are imported where they are needed, so that --help answers at once."""

import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import click

from loader import __version__, console
from loader.errors import Failure, Interrupted, watched_signals
from loader.work import remove_work_folders

CONFIG = click.option("--config", type=click.Path(path_type=Path), help="Path to etc/site.yml, the sites' settings.")
SITE = click.option(
    "--site", "sites", multiple=True, metavar="KEY", help="Key of a site; repeatable. Default: all sites."
)
DATA_DIR = click.option(
    "--data-dir", metavar="PATH", help="Where the extracted tables lie: a folder or s3://bucket/folder."
)


def shared_flags(command: Callable) -> Callable:
    """--config, --site and --data-dir, on the group and on each command: accepted before and after its name."""
    for flag in (DATA_DIR, SITE, CONFIG):
        command = flag(command)
    return command


def _merged(context: click.Context, config: Path | None, sites: tuple[str, ...], data_dir: str | None) -> dict:
    """Shared flags from both places: what stands after the command wins, --site adds up."""
    before = context.obj or {}
    return {
        "config": config or before.get("config"),
        "keys": (*before.get("keys", ()), *sites),
        "data_dir": data_dir or before.get("data_dir"),
    }


class Commands(click.Group):
    """A group that turns our errors into one line and an exit code."""

    def make_context(self, *arguments, **extra) -> click.Context:
        return guarded(lambda: super(Commands, self).make_context(*arguments, **extra))

    def invoke(self, ctx: click.Context):
        return guarded(lambda: super(Commands, self).invoke(ctx))


def redacted(text: str) -> str:
    """A message less the user and password of any URI in it: click repeats what was typed in a wrong place."""
    return re.sub(r"://(?!user:password@)\S*@", "://…@", text)


def guarded(run: Callable):
    """Run a command; a Failure prints `Error: …` on stderr and exits with its code, Ctrl-C exits with 130."""
    for stream in (sys.stdout, sys.stderr):
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
        words = redacted(" ".join(f"{type(e).__name__}: {e}".split()))
        console.say(logging.ERROR, f"unexpected, please report it: {words} (CHAMELEON_USAGE_DEBUG=1 shows where)")
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
@shared_flags
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
@click.option(
    "--log-format",
    type=click.Choice(console.FORMATS),
    default="text",
    show_default=True,
    help="json: one object a line, for machines.",
)
@click.pass_context
def extract(
    context: click.Context,
    config: Path | None,
    sites: tuple[str, ...],
    data_dir: str | None,
    log_format: str,
    **options,
):
    """Copy the source tables to <data_dir>/<schema>.<table>.parquet.

    All tables are read in one snapshot of the database. A table that is missing or not granted is reported and the rest
    goes on. Files are replaced whole, and only after reading has ended; a table that failed keeps its earlier file.

    With --history (or `history: true` in the config) rows that are gone from the database stay in the file, with the
    extractions that last saw and first missed them in _last_seen_at and _vanished_at.

    Exit code: 0 all copied, or only optional tables missing; 1 a required table is missing or anything failed; 2 usage.
    """
    from loader.extract import extract_sites

    console.set_up(log_format)
    extract_sites(**_merged(context, config, sites, data_dir), **options)


@main.command(short_help="Turn extracted tables into usage.")
@shared_flags
@click.option("--output", required=True, metavar="PATH", help="Folder or s3:// URL; files go to <output>/<site>/.")
@click.option(
    "--start-date", required=True, metavar="DATE", help="Start of the window, UTC: 2024-01-01 or 2024-01-01T06:00."
)
@click.option(
    "--end-date", required=True, metavar="DATE", help="End of the window, UTC; the instant itself is not in it."
)
@click.option(
    "--memory-limit", metavar="SIZE", help="Memory for DuckDB, e.g. 1GB; past it, it spills to disk. Default 3GB."
)
@click.option("--threads", type=click.IntRange(1), help="Threads for DuckDB. Default: one a core.")
@click.option(
    "--resample",
    metavar="LENGTH",
    help="Also write values a bucket: 15m, 1h, 1d, 7d, 1w, 1mo, 1y, from --start-date on.",
)
@click.option(
    "--allow-failed", is_flag=True, help="Go on although the last extraction failed to copy a required table."
)
@click.pass_context
def process(context: click.Context, config: Path | None, sites: tuple[str, ...], data_dir: str | None, **options):
    """Turn extracted tables into <output>/<site>/usage.parquet, usage_by_project, spans and quality.

    The files of a site are checked, then published together: when anything fails, none of them changes.
    Needs `pip install 'chameleon-usage[pipeline]'`.
    """
    from loader.process import process_sites

    process_sites(**_merged(context, config, sites, data_dir), **options)


@main.command("print-grant-sql", short_help="Print the SQL that lets a user extract.")
@click.option("--user", default="usage_exporter", show_default=True, help="Database user that extracts.")
@click.option("--host", default="%", show_default=True, help="Host it connects from, as MySQL writes it.")
@click.option("--schema", "schemas", multiple=True, metavar="NAME", help="Only this database; repeatable.")
def print_grant_sql(user: str, host: str, schemas: tuple[str, ...]) -> None:
    """Print the SQL that creates the extractor's user and lets it read the source tables, nothing else.

    The command only prints; have a database administrator run it: `chameleon-usage print-grant-sql | mariadb --force`
    goes on past tables and columns that this cloud does not have.
    """
    from loader.grants import grant_sql

    click.echo(grant_sql(user, host, schemas))
