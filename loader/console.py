"""What a person or a machine reads while it works: lines of text or of JSON, and a progress bar on a terminal."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LOG = logging.getLogger("chameleon_usage")
FORMATS = ("text", "json")
PREFIXES = {logging.WARNING: "Warning: ", logging.ERROR: "Error: "}


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return PREFIXES.get(record.levelno, "") + record.getMessage()


class _Json(logging.Formatter):
    """One object a line: time (UTC), level, message, and what `extra={"facts": {…}}` adds."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": at, "level": record.levelname.lower(), "message": " ".join(record.getMessage().split())}
        return json.dumps(line | getattr(record, "facts", {}), ensure_ascii=False)


class _Echo(logging.Handler):
    """Results to stdout, the rest to stderr: to those of the moment, which a progress bar replaces."""

    def emit(self, record: logging.LogRecord) -> None:
        is_err = record.levelno != logging.INFO
        try:
            # named, for click would look for the real stream and write past a progress bar
            click.echo(self.format(record), file=sys.stderr if is_err else sys.stdout)
        except BrokenPipeError:  # who reads has gone; the work must not end for that
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2 if is_err else 1)


def set_up(form: str = "text", is_verbose: bool = False) -> None:
    """Send our log to stdout and stderr, as text or JSON; each step, too, if verbose. No other loggers are touched."""
    handler = _Echo()
    handler.setFormatter(_Json() if form == "json" else _Text())
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.DEBUG if is_verbose else logging.INFO)
    LOG.propagate = False


def is_json() -> bool:
    """Does a machine read our log?"""
    return any(isinstance(handler.formatter, _Json) for handler in LOG.handlers)


def say(level: int, message: str, **facts: object) -> None:
    """Log a line; `facts` are for machines."""
    LOG.log(level, message, extra={"facts": facts})


class Steps:
    """A line a site on a terminal: which model of how many; nothing elsewhere."""

    @contextmanager
    def shown(self) -> Iterator[Callable[[str, int, int, str], None]]:
        """Show lines until the block ends, where stderr is a terminal and a person reads; gives what updates them."""
        if not _is_watched():
            yield lambda *_: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = [
            *(TextColumn("{task.fields[site]}"), BarColumn(20), TextColumn("{task.completed:.0f} of {task.total:.0f}")),
            *(TimeElapsedColumn(), TextColumn("{task.description}")),
        ]
        tasks: dict[str, TaskID] = {}
        with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:

            def update(site: str, done: int, of: int, what: str) -> None:
                if site not in tasks:
                    tasks[site] = progress.add_task(what, site=site, total=of)
                progress.update(tasks[site], completed=done, total=of, description=what)

            yield update


def _is_watched() -> bool:
    """Does a person read our log on a terminal?"""
    return not is_json() and sys.stderr.isatty()


class Bars:
    """A progress bar a table on a terminal: rows, rate and time; nothing elsewhere."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.task: TaskID | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show bars until the block ends, where stderr is a terminal and a person reads."""
        if not _is_watched():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = [
            *(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20)),
            *(TextColumn("{task.completed:,.0f} rows"), TextColumn("{task.fields[rate]}"), TimeElapsedColumn()),
        ]
        console = Console(stderr=True)
        # lines for a terminal go above the bar; those for a file or a pipe stay on their way
        with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as self.progress:
            yield
        self.progress = None

    @property
    def are_shown(self) -> bool:
        return self.progress is not None

    def start(self, name: str, about: int | None) -> None:
        """A bar for a table of `about` so many rows (None: unknown)."""
        if self.progress:
            self.task = self.progress.add_task(name, total=about or None, rate="")

    def advance(self, rows: int) -> None:
        """`rows` more were read."""
        if self.progress and self.task is not None:
            speed = self.progress.tasks[-1].speed
            rate = f"{speed:,.0f}/s" if speed else ""
            self.progress.update(self.task, advance=rows, rate=rate)

    def restart(self) -> None:
        """The table is read from its beginning again."""
        if self.progress and self.task is not None:
            self.progress.reset(self.task)

    def stop(self) -> None:
        """The table is done."""
        if self.progress and self.task is not None:
            self.progress.remove_task(self.task)
            self.task = None
