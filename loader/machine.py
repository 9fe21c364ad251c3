"""The cores and the memory that a run may use."""

import os
import re

MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(([KMGT])i?B)", re.IGNORECASE)
MEMORY_EACH = 1.0  # GB: with less, a site of a million instances fails (benchmarks/README.md)


def cores() -> int:
    """Cores that this process may use; of the machine where the system doesn't tell (macOS)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _parts(memory_limit: str) -> tuple[str, str, str]:
    """Number, unit and the unit's prefix of a size; raises ValueError for what is none."""
    if not (found := MEMORY.fullmatch(memory_limit)):
        raise ValueError(memory_limit)
    number, unit, prefix = found.groups()
    return number, unit, prefix


def gigabytes(memory_limit: str) -> float:
    """A size like 800MB as a number."""
    number, _, prefix = _parts(memory_limit)
    return float(number) * {"k": 1e-6, "m": 1e-3, "g": 1, "t": 1e3}[prefix.lower()]


def jobs_within(memory_limit: str) -> int:
    """How many sites at once: a core each, and at least MEMORY_EACH of memory."""
    return max(1, min(cores(), int(gigabytes(memory_limit) / MEMORY_EACH)))


def share_of(memory_limit: str, jobs: int) -> str:
    """A job's part of the memory."""
    number, unit, _ = _parts(memory_limit)
    return f"{float(number) / jobs:.6g}{unit}"
