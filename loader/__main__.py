"""`python -m loader`: the same as `chameleon-usage extract`, with the same flags, with or without the word."""

import click

from loader.commands.guard import guarded
from loader.commands.make import extract

WORD = click.Argument(["word"], required=False, type=click.Choice(["extract"]), expose_value=False)

if __name__ == "__main__":
    command = click.Command("extract", params=[*extract.params, WORD], callback=extract.callback, help=extract.help)
    command.context_settings = {"help_option_names": ["-h", "--help"]}
    guarded(lambda: command.main(prog_name="python -m loader"))
