"""A server's process: started on ports that are free, waited for, and ended by its own pid."""

import ctypes
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

HOST = "127.0.0.1"
TRIES = 3  # a free port can be taken by another process before our server binds it
START_SECONDS = 60
GRACE_SECONDS = 15

# what to run, and whether it answers; of the number of the try
Plan = tuple[list[str | Path], Callable[[subprocess.Popen], bool]]
Start = Callable[[int], Plan]

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ServerError(RuntimeError):
    """A server that the tests need did not start; the message ends with the end of its log."""


class MissingServer(ServerError):
    """A server that the tests need is not installed."""


def free_ports(count: int, companion: int = 0) -> list[int]:
    """Different ports that nothing listens on at the moment, nor on the port that is `companion` above each."""
    ports: list[int] = []
    with ExitStack() as held:
        while len(ports) < count:
            first = held.enter_context(socket.socket())
            first.bind((HOST, 0))
            port = first.getsockname()[1]
            if companion:
                try:
                    held.enter_context(socket.socket()).bind((HOST, port + companion))
                except (OSError, OverflowError):
                    continue
            ports.append(port)
    return ports


def free_port() -> int:
    """A port that nothing listens on at the moment."""
    return free_ports(1)[0]


def _die_with_parent() -> None:
    """Runs in the child before exec: Linux ends the server if the test process is killed and can't do it itself."""
    if _libc is not None:
        _libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@contextmanager
def _process(command: list[str | Path], log: Path, env: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Run `command` in the log's folder until the block ends: terminate, wait, and kill it only after a grace."""
    with log.open("ab") as output, _terminate_unwinds():
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=env,
            start_new_session=True,  # Ctrl-C in the terminal is for the tests; they then end the server
            preexec_fn=_die_with_parent,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _terminate_unwinds() -> Iterator[None]:
    """SIGTERM to the test process raises SystemExit, so that every `finally` here runs (Python's default is to die)."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen, log: Path) -> None:
    """Poll `ready` until it is true; raises ServerError when the process has ended or time is up."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            what = f"ended with {process.returncode}" if ended else f"did not answer within {START_SECONDS} s"
            tail = log.read_text(errors="replace")[-3000:]
            raise ServerError(f"{Path(process.args[0]).name} {what}; the end of {log}:\n{tail}")
        time.sleep(0.05)


Revive = Callable[[], AbstractContextManager[subprocess.Popen]]


@contextmanager
def started(start: Start, log: Path, env: dict[str, str]) -> Iterator[tuple[subprocess.Popen, Revive]]:
    """Run the server that `start(attempt)` describes by its command and its readiness check; fresh ports every try.

    Yields its process, and what starts it once more after its end: same command, same ports, same data.
    """
    for attempt in range(TRIES):
        command, ready = start(attempt)

        @contextmanager
        def once(command=command, ready=ready) -> Iterator[subprocess.Popen]:
            with _process(command, log, env) as process:
                _wait_until(lambda: ready(process), process, log)
                yield process

        with ExitStack() as stack:
            try:
                process = stack.enter_context(once())
            except ServerError:
                if attempt == TRIES - 1:
                    raise
                continue
            yield process, once
            return


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
