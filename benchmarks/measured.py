"""Run a command and write its time, CPU seconds, peak memory and bytes: `measured.py RESULT.json COMMAND …`.

A small process of its own: on Linux the peak of a child is never less than that of the process that forked it.
"""

import json
import os
import sys
import time
from pathlib import Path


def moved(pid: int) -> dict[str, int]:
    """Bytes that an ended process, not yet reaped, has read and written; nothing where there is no /proc."""
    file = Path(f"/proc/{pid}/io")
    if not file.exists():
        return {"read": 0, "written": 0}
    counts = dict(line.split(": ") for line in file.read_text("utf-8").splitlines())
    return {"read": int(counts["rchar"]), "written": int(counts["wchar"])}


def main(result: Path, command: list[str]) -> int:
    """Run `command` with our stdin and stdout; its exit code."""
    started = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    wall = time.perf_counter() - started
    facts = {"wall": wall, **moved(pid)}
    _, status, usage = os.wait4(pid, 0)
    unit = 1 if sys.platform == "darwin" else 1024
    facts |= {"cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * unit}
    result.write_text(json.dumps(facts), "utf-8")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]) and 1)
