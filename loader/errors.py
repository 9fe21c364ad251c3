"""Errors that a user can mend: one line that names the thing and says what to do, never a traceback."""

import signal
import threading


class Failure(Exception):
    """Something outside went wrong (database, files, object store, data): exit code 1."""

    exit_code = 1


class UsageError(Failure):
    """A flag, variable or config entry is wrong or missing: exit code 2."""

    exit_code = 2


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM: every clean-up runs, then the command ends with 128 and the signal's number."""


_signals: list[int] = []


def watch_signals() -> None:
    """Turn SIGINT and SIGTERM into Interrupted, and remember them: dbt swallows what is raised in it."""

    def handle(number: int, _frame: object) -> None:
        _signals.append(number)
        raise Interrupted(number)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handle)


def stop_if_interrupted() -> None:
    """Raise Interrupted if a signal came meanwhile."""
    if _signals:
        raise Interrupted(_signals[0])
