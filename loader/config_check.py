"""`config check` and `config schema`: the sites' settings before a run needs them."""

import json
import os
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loader import config as configuration
from loader import storage
from loader.config import SiteEntry
from loader.errors import Failure, UsageError
from loader.mysql import parse_uri


def check_config(config: Path | None, keys: tuple[str, ...]) -> None:
    """Print each site as it will be used; UsageError with all that is wrong, a line each."""
    if config is None:
        raise UsageError("missing --config: the file to check")
    wrong, rows = [], []
    for key in keys or configuration.read(config):
        try:
            rows.append(_checked(config, key))
        except Failure as e:
            wrong.append(str(e))
    try:
        configuration.select(config, keys, None)  # what concerns several sites
    except Failure as e:
        if str(e) not in wrong:
            wrong.append(str(e))
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("site", "label", "database", "data_dir", "output"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    if rows:
        console.print(table)
    if wrong:
        raise UsageError("\n".join(wrong))


def _checked(config: Path, key: str) -> tuple[str, ...]:
    """A site's settings, its variables filled in, the password left out."""
    site = configuration.select(config, (key,), None)[0]
    storage.check_place(site.data_dir, f"{config}: data_dir of {key}")
    if site.output:
        storage.check_place(site.output, f"{config}: output of {key}")
    database = "–"
    if site.db_uri is not None:
        uri = configuration.substituted(site.db_uri.get_secret_value(), site.db_uri_from)
        parsed = parse_uri(uri, site.db_uri_from)
        database = f"{parsed.user}@{parsed.host}:{parsed.port}"
    elif os.environ.get("DATABASE_URI"):
        database = "$DATABASE_URI"
    return key, site.name, database, site.data_dir, site.output or "–"


def schema() -> str:
    """The JSON schema of the file: a mapping of site keys to settings."""
    found = TypeAdapter(dict[str, SiteEntry]).json_schema()
    found |= {"title": "Sites of chameleon-usage", "propertyNames": {"pattern": f"^{configuration.KEY.pattern}$"}}
    return json.dumps(found, indent=2)
