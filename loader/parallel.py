"""Several sites at once: a process each, forked after dbt has parsed the project, so that none parses it again."""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from loader.console import LOG, say
from loader.errors import Failure, Interrupted, unexpected

T = TypeVar("T")
Progress = Callable[[int, int, str], None]  # how many of how many are done, and what is being done
_telling = threading.Lock()
_CONTEXT = multiprocessing.get_context("fork") if hasattr(os, "fork") else None


class _ToParent(logging.Handler):
    """What a site's process says is said by the one that was called: it may show a progress bar."""

    def __init__(self, channel: Connection) -> None:
        super().__init__()
        self.channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        _tell(self.channel, "say", record.levelno, record.getMessage(), getattr(record, "facts", {}))


def _tell(channel: Connection, *words: Any) -> None:
    """Send to the parent; dbt's thread tells progress while the main one may say something."""
    try:
        with _telling:
            channel.send(words)
    except OSError:  # the parent is gone
        os.kill(os.getpid(), signal.SIGTERM)


def _child(channel: Connection, inherited: list[Connection], run: Callable[[Progress], T]) -> None:
    """Run in a process of its own: tell progress and what is said, then the result, or the Failure instead.

    `inherited`: the ends at which the parent listens; were they open here, too, nobody would see that it is gone.
    """
    for end in inherited:
        end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, too, which ends this one
    LOG.handlers[:] = [_ToParent(channel)]
    try:
        result: Any = run(partial(_tell, channel, "progress"))
    except Failure as e:
        result = Failure(str(e))
    except Interrupted as e:
        os._exit(128 + e.number)
    except Exception as e:
        result = _unthought_of(e)
    _tell(channel, "result", result)
    channel.close()


def _unthought_of(error: Exception) -> Failure:
    """The failure of one site alone; with CHAMELEON_USAGE_DEBUG it is raised as it is."""
    if os.environ.get("CHAMELEON_USAGE_DEBUG"):
        raise error
    return Failure(unexpected(error))


def run_all(
    runs: Mapping[str, Callable[[Progress], T]], jobs: int, progress: Callable[[str, int, int, str], None]
) -> Iterator[tuple[str, T | Failure]]:
    """Run each, at most `jobs` at once; yield name and result, or the Failure instead, as they end.

    A process that dies (killed by the system for its memory, …) is a Failure of its own. When the caller is
    interrupted, those that run are, too, and waited for. With one job all run in this process.
    """
    if jobs == 1 or _CONTEXT is None:
        for name, run in runs.items():
            try:
                result: T | Failure = run(partial(progress, name))
            except Failure as e:
                result = e
            except Exception as e:
                result = _unthought_of(e)
            yield name, result
        return
    waiting = list(runs)
    running: dict[Connection, tuple[str, Any]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                name = waiting.pop(0)
                mine, theirs = _CONTEXT.Pipe(duplex=False)
                process = _CONTEXT.Process(target=_child, args=(theirs, [mine, *running], runs[name]), name=name)
                process.start()  # were a signal to come before the next line, it would end when it next tells something
                running[mine] = (name, process)
                theirs.close()
            ready = wait(list(running))
            for channel in [channel for channel in running if channel in ready]:
                name, process = running[channel]
                kind, *told = _heard(channel, process)
                if kind == "progress":
                    progress(name, *told)
                elif kind == "say":
                    level, message, facts = told
                    say(level, message, **facts)
                else:
                    del running[channel]
                    channel.close()
                    process.join()
                    yield name, told[0]
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.join()


def _heard(channel: Connection, process: Any) -> tuple[Any, ...]:
    """What a process tells next; that it died, if it tells nothing any more."""
    try:
        return channel.recv()
    except (EOFError, OSError):  # OSError: in the middle of what it told
        process.join()
        return "result", Failure(_died(process.exitcode))


def _died(code: int | None) -> str:
    if code is not None and code < 0:
        return f"its process was ended by signal {-code}; with 9 the system may be out of memory: give --jobs 1"
    return f"its process ended with {code}"
