"""A command as a person types it: on a terminal of its own."""

import os
import pty
from pathlib import Path

from tests.commands import BIN


def on_a_terminal(*words: str | Path, stdout: Path | None = None, **env: str) -> tuple[int, str]:
    """Run chameleon-usage with these words, `> stdout` or not: the exit code, and all that the terminal was sent."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="100", **env)
        if stdout:
            os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT), 1)
        os.execv(BIN / "chameleon-usage", ["chameleon-usage", *map(str, words)])  # noqa: S606
    sent = b""
    while True:
        try:
            block = os.read(terminal, 1 << 16)
        except OSError:  # the child has ended
            break
        if not block:
            break
        sent += block
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), sent.decode()
