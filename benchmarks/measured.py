"""Run a command and write how long it took, its CPU seconds and its peak memory: `measured.py RESULT.json COMMAND …`.

A small process of its own: on Linux the peak of a child is never less than that of the process that forked it.
"""

import json
import os
import sys
import time
from pathlib import Path


def main(result: Path, command: list[str]) -> int:
    """Run `command` with our stdin and stdout; its exit code."""
    started = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024
    facts = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * unit}
    result.write_text(json.dumps(facts), "utf-8")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]) and 1)
