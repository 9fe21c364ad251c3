"""The commands that make data: print-grant-sql, extract, process."""

from typing import Any

import click

from loader import console
from loader.commands.flags import LOG_FORMAT, VERBOSE, for_sites


@click.command("print-grant-sql", short_help="Print the SQL that lets a user extract.")
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


@click.command(short_help="Copy the source tables to parquet.")
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
def extract(log_format: str, verbose: bool, **given: Any) -> None:
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


@click.command(short_help="Turn extracted tables into usage.")
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
def process(log_format: str, verbose: bool, **given: Any) -> None:
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
