"""Rows of the table: whole processes, measured, and how they read as text."""

import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"
README = HERE / "README.md"
MARKERS = ("<!-- results -->", "<!-- end of results -->")
MB = 1_000_000
HEADS = ["", "wall s", "CPU s", "server's CPU s", "peak MB", "MB read", "MB written", "target", ""]
PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dlt", "pymysql", "pyarrow")


@dataclass
class Row:
    """A line of the table: medians of the runs, and whether the target was met (None: there is none)."""

    name: str
    wall: float | None = None
    cpu: float | None = None
    server: float | None = None  # CPU seconds of the database
    peak: float | None = None
    read: float | None = None  # bytes that the process read, from the page cache or the disk
    written: float | None = None  # bytes that it wrote, temporary files included
    walls: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)  # seconds a run of what the command tells apart
    turn: int = 0  # rows of one turn were measured in the same rounds
    target: str = ""
    passed: bool | None = None

    def aim(self, target: str, passed: bool | None) -> None:
        """Add a target, in words, and whether it was met."""
        self.target = f"{self.target}, {target}" if self.target else target
        if passed is not None:
            self.passed = passed and self.passed is not False

    def at_most(self, times: float, other: "Row", what: str) -> None:
        """The target of taking at most so many times as long as another row, in the same round where there is one."""
        ratio = self.ratio(other)
        self.aim(
            f"≤ {times:g} × {what}" + (f" (is {ratio:.2f})" if ratio else ""), ratio is not None and ratio <= times
        )

    def ratio(self, other: "Row") -> float | None:
        """How many times as long as another row: the median of the rounds, if both were measured in the same ones."""
        if not self.wall or not other.wall:
            return None
        if self.turn and self.turn == other.turn:
            return statistics.median(mine / its for mine, its in zip(self.walls, other.walls, strict=True))
        return self.wall / other.wall

    def below(self, peak: float) -> None:
        """The target of a peak of memory, in bytes."""
        self.aim(f"< {peak / MB:,.0f} MB", self.peak is not None and self.peak < peak)

    def within(self, seconds: float) -> None:
        """The target of a time."""
        self.aim(f"≤ {seconds:g} s", self.wall is not None and self.wall <= seconds)

    def grown(self, other: "Row", times: float) -> None:
        """Say the growth exponent: 1 where `times` the data takes `times` as long."""
        if self.wall and other.wall:
            self.aim(f"exponent {math.log(self.wall / other.wall, times):.2f}", None)


@dataclass(frozen=True)
class Measured:
    """A command to measure: each time with `output` made anew; it may write seconds of its `parts`, as JSON."""

    name: str
    command: list[str]
    output: Path | None = None
    parts: Path | None = None
    env: dict[str, str] = field(default_factory=dict)


class Bench:
    """The rows measured so far; a command that fails is a row without numbers and makes the exit code 1."""

    def __init__(self, runs: int) -> None:
        self.runs, self.rows, self.failed, self.console = runs, [], False, Console()
        self.server: int | None = None  # the pid of the database that the commands read from
        self.peers = ""
        # users have Python keep what it compiled
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.env = {**kept, "XDG_CACHE_HOME": str(WORK / "cache"), "PYTHONHASHSEED": "0"}

    def once(self, command: list[str], **env: str) -> dict[str, float] | None:
        """Run a command as a process; its wall, CPU, peak and bytes, or None if it failed."""
        result, log = WORK / "measured.json", WORK / "command.log"
        measured = [sys.executable, "-I", "-S", HERE / "measured.py", result, *command]
        before = cpu_seconds(self.server)
        with log.open("wb") as errors:
            done = subprocess.run(measured, env=self.env | env, stdout=subprocess.DEVNULL, stderr=errors, check=False)
        if done.returncode:
            self.failed = True
            self.console.print(
                f"failed: {' '.join(map(str, command[:4]))} …", log.read_text("utf-8", "replace")[-2000:], markup=False
            )
            return None
        return json.loads(result.read_text("utf-8")) | {"server": cpu_seconds(self.server) - before}

    def measure(self, name: str, command: list[str], runs: int = 0, output: Path | None = None, **env: str) -> Row:
        """A new row: a command run several times."""
        return self.in_turn([Measured(name, command, output, env=env)], runs)[0]

    def in_turn(self, commands: list[Measured], runs: int = 0) -> list[Row]:
        """New rows: rounds of these commands one after the other, since a machine's speed drifts while they run."""
        rows = [Row(each.name, turn=len(self.rows) + 1) for each in commands]
        self.rows += rows
        facts: list[list[dict[str, float] | None]] = [[] for _ in commands]
        for _ in range(runs or self.runs):
            for each, row, seen in zip(commands, rows, facts, strict=True):
                if each.output:
                    shutil.rmtree(each.output, ignore_errors=True)
                seen.append(self.once(each.command, **each.env))
                told = json.loads(each.parts.read_text("utf-8")) if each.parts and seen[-1] else {}
                for part, seconds in told.items():
                    row.parts.setdefault(part, []).append(seconds)
        for row, seen in zip(rows, facts, strict=True):
            self._summarise(row, seen)
        return rows

    def _summarise(self, row: Row, facts: list[dict[str, float] | None]) -> None:
        """Fill a row with its runs; it stays without numbers if one failed."""
        if not all(facts):
            return
        row.walls = [round(f["wall"], 2) for f in facts]
        for figure in ("wall", "cpu", "read", "written"):
            setattr(row, figure, statistics.median(f[figure] for f in facts))
        row.peak = max(f["peak"] for f in facts)
        if self.server:
            row.server = statistics.median(f["server"] for f in facts)
        self.console.print(
            f"{row.name}: {row.wall:.1f} s, CPU {row.cpu:.1f} s, {row.peak / MB:,.0f} MB, of {row.walls}", markup=False
        )

    def part(self, row: Row, part: str, name: str) -> Row:
        """A new row: how long a part of another one took."""
        walls = row.parts[part] if row.wall else []
        self.rows.append(Row(name, statistics.median(walls) if walls else None, walls=walls, turn=row.turn))
        return self.rows[-1]


def cpu_seconds(pid: int | None) -> float:
    """The CPU time of a running process so far; 0 where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if pid is None or not stat.exists():
        return 0.0
    user, system = stat.read_text("utf-8").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def machine() -> str:
    """What it was measured on, and with which versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    server = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    asked = [server, "--version"] if server else ["true"]
    words = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    database = words[words.index("Ver") + 1] if "Ver" in words else "from .mariadb"
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}; {packages}, MariaDB {database}"


def cells(row: Row) -> list[str]:
    """A row as text."""
    mark = {None: "", True: "pass", False: "FAIL"}[row.passed]
    if row.wall is None:
        return [row.name, "failed", "", "", "", "", "", row.target, mark]
    server = "" if row.server is None else f"{row.server:.1f}"
    amounts = ["" if amount is None else f"{amount / MB:,.0f}" for amount in (row.peak, row.read, row.written)]
    cpu = "" if row.cpu is None else f"{row.cpu:.1f}"
    return [row.name, f"{row.wall:.1f}", cpu, server, *amounts, row.target, mark]


def write_readme(rows: list[Row], about: str) -> None:
    """Replace the table between the markers of README.md."""
    before, _, rest = README.read_text("utf-8").partition(MARKERS[0])
    _, _, after = rest.partition(MARKERS[1])
    table = [HEADS, ["---", *["---:"] * 6, "---", "---"], *map(cells, rows)]
    lines = ["| " + " | ".join(line) + " |" for line in table]
    README.write_text("\n".join([before + MARKERS[0], about, "", *lines, MARKERS[1]]) + after, "utf-8")
