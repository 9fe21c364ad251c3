"""Errors that a user can mend: one line that names the thing and says what to do, never a traceback."""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Failure(Exception):
    """Something outside went wrong (database, files, object store, data): exit code 1."""

    exit_code = 1


class UsageError(Failure):
    """A flag, variable or config entry is wrong or missing: exit code 2."""

    exit_code = 2


def redacted(text: str) -> str:
    """A message less the user and password of any URI in it: click repeats what was typed in a wrong place."""
    return re.sub(r"://(?!user:password@)(\S*@|[^\s:@/]+:[^\n@]*@(\S*@)?)", "://…@", text)


def unexpected(error: Exception) -> str:
    """What to tell of an error that nobody thought of."""
    words = redacted(" ".join(f"{type(error).__name__}: {error}".split()))
    return f"unexpected, please report it: {words} (CHAMELEON_USAGE_DEBUG=1 shows where)"


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM: every clean-up runs, then the command ends with 128 and the signal's number.

    `note` is added to what is told.
    """

    def __init__(self, number: int, note: str = ""):
        super().__init__(number, note)
        self.number, self.note = number, note


_signals: list[int] = []
_sections: list[str] = []  # that must not be left in the middle


@contextmanager
def watched_signals() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into Interrupted, and remember them: dbt swallows what is raised in it."""

    def handle(number: int, _frame: object) -> None:
        _signals.append(number)
        if not _sections or len(_signals) > 1:
            raise Interrupted(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted(what: str) -> Iterator[None]:
    """A first signal waits until somebody asks with stop_if_interrupted(); a second one doesn't."""
    _sections.append(what)
    try:
        yield
    finally:
        _sections.pop()


def stop_if_interrupted() -> None:
    """Raise Interrupted if a signal came meanwhile."""
    if _signals:
        raise Interrupted(_signals[0])
