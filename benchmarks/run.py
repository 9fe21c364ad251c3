"""Measure extract, process and small sites as whole processes, against what the database or DuckDB alone would take.

`.venv/bin/python benchmarks/run.py [--factor F] [--runs N] [--only PART] [--write-readme]`; README.md says
what each row is.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
WORK = HERE / "work"
README, RESULTS = HERE / "README.md", HERE / "results.json"
MARKERS = ("<!-- results -->", "<!-- end of results -->")
sys.path.insert(0, str(CHECKOUT))  # tests.servers

COMMAND = str(Path(sys.executable).with_name("chameleon-usage"))
WINDOW = ["--start-date", "2024-01-01", "--end-date", "2025-01-01"]
MB = 1_000_000
MAX_RATIO = 2.5  # of process to its floor
WIRE_RATIO, SCANNER_RATIO = 2.0, 1.2  # of extract to the server's own client, and to DuckDB's MySQL scanner
EXTRACT_PEAK, PROCESS_PEAK = 300 * MB, 4000 * MB
SMALL_SECONDS, FURTHER_SECONDS = 4.0, 1.5
FIVE_YEARS = ["--start-date", "2020-01-01", "--end-date", "2025-01-01"]
REPORT_SECONDS, REPORT_SIZE = 10.0, 3 * MB


@dataclass
class Row:
    """A line of the table: medians of the runs, and whether the target was met (None: there is none)."""

    name: str
    wall: float | None = None
    cpu: float | None = None
    server: float | None = None  # CPU seconds of the database
    peak: float | None = None
    written: int | None = None  # bytes of parquet
    walls: list[float] = field(default_factory=list)
    target: str = ""
    passed: bool | None = None

    def aim(self, target: str, passed: bool) -> None:
        """Set a target, in words, and whether it was met."""
        self.target, self.passed = target, passed


class Bench:
    """The rows measured so far; a command that fails is a row without numbers and makes the exit code 1."""

    def __init__(self, runs: int) -> None:
        self.runs, self.rows, self.failed, self.console = runs, [], False, Console()
        self.server: int | None = None  # the pid of the database that the commands read from
        self.peers = ""
        self.env = {**os.environ, "XDG_CACHE_HOME": str(WORK / "cache"), "PYTHONHASHSEED": "0"}

    def once(self, command: list[str], **env: str) -> dict[str, float] | None:
        """Run a command as a process; its wall, CPU and peak, or None if it failed."""
        result, log = WORK / "measured.json", WORK / "command.log"
        measured = [sys.executable, "-I", "-S", HERE / "measured.py", result, *command]
        before = cpu_seconds(self.server)
        with log.open("wb") as errors:
            done = subprocess.run(measured, env=self.env | env, stdout=subprocess.DEVNULL, stderr=errors, check=False)
        if done.returncode:
            self.failed = True
            self.console.print(
                f"failed: {' '.join(command[:4])} …", log.read_text("utf-8", "replace")[-2000:], markup=False
            )
            return None
        return json.loads(result.read_text("utf-8")) | {"server": cpu_seconds(self.server) - before}

    def measure(self, name: str, command: list[str], runs: int = 0, output: Path | None = None, **env: str) -> Row:
        """A new row: a command run several times; each time `output` is new, and its parquet files are summed up."""
        row = Row(name)
        self.rows.append(row)
        runs, facts = runs or self.runs, []
        for _ in range(runs):
            if output:
                shutil.rmtree(output, ignore_errors=True)
            facts.append(self.once(command, **env))
        if all(facts):
            row.walls = [round(f["wall"], 2) for f in facts]
            row.wall, row.cpu = (statistics.median(f[key] for f in facts) for key in ("wall", "cpu"))
            row.peak = max(f["peak"] for f in facts)
            if self.server:
                row.server = statistics.median(f["server"] for f in facts)
            if output:
                row.written = sum(f.stat().st_size for f in output.rglob("*.parquet"))
            self.console.print(f"{name}: {row.wall:.1f} s, CPU {row.cpu:.1f} s, {row.peak / MB:,.0f} MB", markup=False)
        return row


def cpu_seconds(pid: int | None) -> float:
    """The CPU time of a running process so far; 0 where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if pid is None or not stat.exists():
        return 0.0
    user, system = stat.read_text("utf-8").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def generated(kind: str, factor: float, seed: int = 0) -> Path:
    """The raw files of a made-up site, kept between runs by its arguments."""
    folder = WORK / "raw" / f"{kind}-{factor:g}-{seed}"
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        code = "import sys, pathlib; from loader import sample; k, p, f, s = sys.argv[1:];"
        code += "sample.write(k, pathlib.Path(p), float(f), int(s))"
        subprocess.run([sys.executable, "-c", code, kind, part, str(factor), str(seed)], check=True, cwd=CHECKOUT)
        part.rename(folder)
    return folder


def against(row: Row, floor: Row, peak: float) -> None:
    """The targets of a command: at most so many times its floor, and below a peak."""
    if row.wall is None or floor.wall is None:
        row.aim(f"≤ {MAX_RATIO} × floor, < {peak / MB:,.0f} MB", False)
        return
    ratio = row.wall / floor.wall
    row.aim(f"≤ {MAX_RATIO} × floor (is {ratio:.2f}), < {peak / MB:,.0f} MB", ratio <= MAX_RATIO and row.peak < peak)


def against_others(row: Row, wire: Row, scanner: Row) -> None:
    """The targets of extract: not much slower than the wire, not slower than what is written in C++, and small."""
    words, passed = [], row.peak is not None and row.peak < EXTRACT_PEAK
    for most, what, other in [(WIRE_RATIO, "wire", wire), (SCANNER_RATIO, "scanner", scanner)]:
        ratio = row.wall / other.wall if row.wall and other.wall else None
        words.append(f"≤ {most} × {what}" + (f" (is {ratio:.2f})" if ratio else ""))
        passed = passed and ratio is not None and ratio <= most
    row.aim(", ".join([*words, f"< {EXTRACT_PEAK / MB:,.0f} MB"]), passed)


def bench_extract(bench: Bench, factor: float) -> None:
    """The whole site from a MariaDB of our own to parquet files, and the same columns by others."""
    from benchmarks import peers
    from benchmarks.database import USER, dump_sql, filled

    raw, python, output = generated("kvm", factor), peers.installed(WORK), WORK / "extracted"
    bench.peers = peers.versions(python)
    with filled(raw) as (server, password, tables):
        bench.server, uri = server.pid, server.uri(USER, password)
        client = [server.client[0], "--no-defaults", "--default-character-set=utf8mb4", "--quick", "--batch"]
        address = ["--protocol=tcp", f"--host={server.host}", f"--port={server.port}", f"--user={USER}"]
        client += [*address, "-e", dump_sql(tables)]
        bench.once(client, MYSQL_PWD=password)  # the server reads from disk once
        wire = bench.measure("wire: mariadb --quick --batch > /dev/null", client, MYSQL_PWD=password)
        command = [COMMAND, "--data-dir", str(output), "--site", "bench", "extract"]
        row = bench.measure("extract", command, output=output, DATABASE_URI=uri)
        command = peers.command(python, "duckdb", tables, WORK, output)
        scanner = bench.measure("DuckDB's MySQL scanner", command, output=output, DATABASE_URI=uri)
        against_others(row, wire, scanner)
        command = peers.command(python, "dlt", tables, WORK, output)
        environment = {**peers.QUIET, "DLT_DATA_DIR": str(output), "DATABASE_URI": uri}
        bench.measure("dlt's sql_database (one run)", command, runs=1, output=output, **environment)
        bench.server = None


def bench_process(bench: Bench, factor: float) -> None:
    """The whole `process` command with and without much memory, and the same SQL by DuckDB alone."""
    raw, plan, variables = generated("kvm", factor), WORK / "statements.json", WORK / "vars.json"
    facts = {"site": "bench", "data_dir": str(raw), "output": str(WORK / "output")}
    variables.write_text(json.dumps(facts | {"start_date": WINDOW[1], "end_date": WINDOW[3]}), "utf-8")
    floor_script = [sys.executable, str(HERE / "floor.py")]
    if bench.once([*floor_script, "prepare", str(plan), str(variables)]) is None:
        return
    floor_command = [*floor_script, "run", str(plan), str(WORK / "floor")]
    bench.measure("process, floor: the models' SQL by DuckDB alone", floor_command)
    floor = bench.measure("process, floor: models and tests by DuckDB alone", [*floor_command, "--tests"])
    command = [COMMAND, "--data-dir", str(raw), "--site", "bench", "process", "--output", str(WORK / "output"), *WINDOW]
    against(bench.measure("process", command), floor, PROCESS_PEAK)
    for limit in ("1GB",):
        row = bench.measure(f"process --memory-limit {limit}", [*command, "--memory-limit", limit])
        if limit == "1GB":
            row.aim("finishes", row.wall is not None)


def four_sites(factor: float) -> Path:
    """The config of four made-up sites."""
    sites = [("baremetal", 0), ("kvm", 0), ("edge", 0), ("baremetal", 1)]
    config = WORK / "site.yml"
    lines = [f"site_{i}: {{data_dir: '{generated(kind, factor, seed)}'}}" for i, (kind, seed) in enumerate(sites)]
    config.write_text("\n".join(lines), "utf-8")
    return config


def bench_report(bench: Bench) -> None:
    """The page of four sites and five years, day by day."""
    output, page = WORK / "output", WORK / "report.html"
    config = ["--config", str(four_sites(20))]
    bench.once([COMMAND, *config, "process", "--output", str(output), *FIVE_YEARS, "--resample", "1d"])
    row = bench.measure(
        "report, 4 sites, 5 years by day", [COMMAND, *config, "report", "--output", str(output), "--html", str(page)]
    )
    row.written = page.stat().st_size if page.exists() else None
    fits = None not in (row.wall, row.written) and row.wall <= REPORT_SECONDS and row.written <= REPORT_SIZE
    row.aim(f"≤ {REPORT_SECONDS:g} s, ≤ {REPORT_SIZE // MB} MB", fits)


def bench_small(bench: Bench) -> None:
    """Small sites, where all is overhead: one alone, then three and four in one call."""
    config = four_sites(1)

    def command(count: int) -> list[str]:
        keys = [part for i in range(count) for part in ("--site", f"site_{i}")]
        return [COMMAND, "--config", str(config), *keys, "process", "--output", str(WORK / "output"), *WINDOW]

    bench.once(command(1))  # the first run after an upgrade parses the project
    one = bench.measure("process, one small site", command(1))
    one.aim(f"≤ {SMALL_SECONDS:g} s", one.wall is not None and one.wall <= SMALL_SECONDS)
    for count in (3, 4):
        several = bench.measure(f"process, {count} small sites in one call", command(count))
        further = (several.wall - one.wall) / (count - 1) if several.wall and one.wall else None
        words = "" if further is None else f" (is {further:.2f})"
        several.aim(
            f"≤ {FURTHER_SECONDS} s per further site{words}", further is not None and further <= FURTHER_SECONDS
        )


def machine(factor: float, runs: int) -> dict[str, str]:
    """What it was measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    server = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    words = (
        subprocess.run([server, "--version"], capture_output=True, text=True, check=False).stdout.split()
        if server
        else []
    )
    return {
        "cores": f"{cores} cores, {platform.machine()}, Python {platform.python_version()}",
        "versions": ", ".join(
            f"{p} {version(p)}" for p in ("duckdb", "dbt-core", "dbt-duckdb", "dlt", "pymysql", "pyarrow")
        ),
        "server": words[words.index("Ver") + 1] if "Ver" in words else "MariaDB from .mariadb",
        "factor": f"{factor:g}",
        "runs": str(runs),
    }


def cells(row: Row) -> list[str]:
    """A row as text."""
    mark = {None: "", True: "pass", False: "FAIL"}[row.passed]
    if row.wall is None:
        return [row.name, "failed", "", "", "", "", row.target, mark]
    server = "" if row.server is None else f"{row.server:.1f}"
    written = "" if row.written is None else f"{row.written / MB:,.0f}"
    return [row.name, f"{row.wall:.1f}", f"{row.cpu:.1f}", server, f"{row.peak / MB:,.0f}", written, row.target, mark]


HEADS = ["", "wall s", "CPU s", "server's CPU s", "peak MB", "MB written", "target", ""]


def write_readme(rows: list[Row], facts: dict[str, str]) -> None:
    """Replace the table between the markers of README.md."""
    before, _, rest = README.read_text("utf-8").partition(MARKERS[0])
    _, _, after = rest.partition(MARKERS[1])
    lines = [
        "| " + " | ".join(line) + " |" for line in [HEADS, ["---", *["---:"] * 5, "---", "---"], *map(cells, rows)]
    ]
    about = f"Factor {facts['factor']}, median of {facts['runs']}; {facts['cores']}; {facts['versions']}"
    about += f", MariaDB {facts['server']}"
    about += f"; compared with {facts['peers']}." if facts["peers"] else "."
    README.write_text("\n".join([before + MARKERS[0], about, "", *lines, MARKERS[1]]) + after, "utf-8")


def main() -> int:
    """Measure and report; 1 if a command failed, 0 even where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--factor", type=float, default=5100, help="size of the large site; 5100 is 1.01M instances")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=["extract", "process", "small", "report"])
    parser.add_argument("--write-readme", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    bench = Bench(options.runs)
    parts = {
        "small": lambda: bench_small(bench),
        "report": lambda: bench_report(bench),
        "extract": lambda: bench_extract(bench, options.factor),
        "process": lambda: bench_process(bench, options.factor),
    }
    for name, part in parts.items():
        if options.only in (None, name):
            part()
    facts = machine(options.factor, options.runs) | {"peers": bench.peers}
    RESULTS.write_text(
        json.dumps({"machine": facts, "rows": [asdict(r) for r in bench.rows]}, indent=1) + "\n", "utf-8"
    )
    table = Table(*HEADS)
    for row in bench.rows:
        table.add_row(*cells(row))
    bench.console.print(table)
    if options.write_readme:
        write_readme(bench.rows, facts)
    return int(bench.failed)


if __name__ == "__main__":
    sys.exit(main())
