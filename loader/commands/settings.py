"""The commands on settings: config check, config schema, completion."""

from pathlib import Path

import click

from loader.commands.flags import for_sites


@click.group("config", short_help="Check etc/site.yml, or print its schema.")
def config() -> None:
    """Check the sites' settings, or print the schema that editors complete and check them with."""


@config.command("check")
@for_sites
def config_check(config: Path | None, keys: tuple[str, ...], data_dir: str | None) -> None:  # noqa: ARG001
    """Check --config as a whole: keys, values, variables, places. No database is asked, and no password is printed.

    \b
    chameleon-usage --config etc/site.yml config check
    """
    from loader.config_check import check_config

    check_config(config, keys)


@config.command("schema")
def config_schema() -> None:
    """Print the JSON schema of etc/site.yml.

    \b
    chameleon-usage config schema > etc/site.schema.json
    # yaml-language-server: $schema=site.schema.json      (first line of etc/site.yml)
    """
    from loader.config_check import schema

    click.echo(schema())


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, flags, sites and metrics.

    \b
    chameleon-usage completion bash > ~/.local/share/bash-completion/completions/chameleon-usage
    chameleon-usage completion zsh > "${fpath[1]}/_chameleon-usage"
    """
    from click.shell_completion import BashComplete, ZshComplete

    command = click.get_current_context().find_root().command
    script = {"bash": BashComplete, "zsh": ZshComplete}[shell](
        command, {}, "chameleon-usage", "_CHAMELEON_USAGE_COMPLETE"
    )
    click.echo(script.source())
