"""What every command runs in: errors become one line and an exit code, signals end work in order."""

import logging
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from loader import console
from loader.errors import Failure, Interrupted, redacted, unexpected, watched_signals
from loader.work import remove_work_folders

T = TypeVar("T")


class Commands(click.Group):
    """A group that turns our errors into one line and an exit code."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        return guarded(lambda: super(Commands, self).make_context(*arguments, **extra))

    def invoke(self, ctx: click.Context) -> Any:
        return guarded(lambda: super(Commands, self).invoke(ctx))


def guarded(run: Callable[[], T]) -> T:
    """Run a command; a Failure prints `Error: …` on stderr and exits with its code, Ctrl-C exits with 130."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # none where it was closed
        stream.reconfigure(errors="replace")  # a terminal that can't show └ must not fail a run that was published
    console.set_up()
    try:
        with watched_signals():
            return run()
    except click.UsageError as e:
        e.message = redacted(e.message)  # type: ignore[misc]  # Final in click, which gives no other way
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
