"""Errors that a user can mend: one line that names the thing and says what to do, never a traceback."""


class Failure(Exception):
    """Something outside went wrong (database, files, object store, data): exit code 1."""

    exit_code = 1


class UsageError(Failure):
    """A flag, variable or config entry is wrong or missing: exit code 2."""

    exit_code = 2
