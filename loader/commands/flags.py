"""Flags that several commands have, and what a shell completes them with."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from loader import console
from loader.errors import Failure


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


def complete_metric(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    from loader.outputs import operands

    return [metric for metric in operands() if metric.startswith(begun)]


def complete_resource(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    from loader.outputs import RESOURCES

    return [resource for resource in RESOURCES if resource.startswith(begun)]


class Kind(click.Choice[str]):
    """A kind of finding; their list is read only when one is given."""

    def __init__(self) -> None:
        super().__init__([])

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from loader.check import KINDS

        return click.Choice(KINDS).convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
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


def shared_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """--config, --site and --data-dir, on the group and on each command: accepted before and after its name."""
    for flag in (DATA_DIR, SITE, CONFIG):
        command = flag(command)
    return command


def for_sites(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command with the shared flags: it gets `config`, `keys` (of sites) and `data_dir`.

    What stands after its name wins over what stands before it; --site adds up.
    """

    def merged(
        context: click.Context, config: Path | None, sites: tuple[str, ...], data_dir: str | None, **options: Any
    ) -> None:
        before = context.obj or {}  # nothing stands before `python -m loader`
        command(
            config=config or before.get("config"),
            keys=(*before.get("keys", ()), *sites),
            data_dir=data_dir or before.get("data_dir"),
            **options,
        )

    functools.update_wrapper(merged, command)
    return shared_flags(click.pass_context(merged))
