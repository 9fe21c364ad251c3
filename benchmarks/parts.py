"""What is measured, and its targets."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.rows import HERE, MB, WORK, Bench, Measured, Row
from benchmarks.sites import FACTORS, four_sites, generated

COMMAND = str(Path(sys.executable).with_name("chameleon-usage"))
DATES = ("2024-01-01", "2025-01-01")
WINDOW = ["--start-date", DATES[0], "--end-date", DATES[1]]
FIVE_YEARS = ["--start-date", "2020-01-01", "--end-date", "2025-01-01"]
OUTPUT = WORK / "output"
LIMITS = {"10M": "6GB"}  # of memory, by size; else 8GB
GB = 1000 * MB


@dataclass
class Sizes:
    """The rows of one size after the other, so that each can be compared with the one before."""

    before: dict[str, Row] = field(default_factory=dict)
    factor: float = 0

    def grown(self, factor: float, rows: dict[str, Row]) -> None:
        """Say the growth exponents, and keep these rows for the next size."""
        for what, row in rows.items():
            if what in self.before:
                row.grown(self.before[what], factor / self.factor)
        self.before, self.factor = rows, factor


def process(raw: Path | str, *flags: str, output: Path | str = OUTPUT) -> list[str]:
    """The command for one site; --force, since its outputs may be of the same inputs."""
    shared = [COMMAND, "--data-dir", str(raw), "--site", "bench"]
    return [*shared, "process", "--output", str(output), "--force", *WINDOW, *flags]


def bench_sizes(bench: Bench, sizes: list[str], runs_of_largest: int) -> None:
    """process with all tests at each size, against the same SQL in DuckDB alone and a polars version of the spine."""
    seen = Sizes()
    for size in sizes:
        runs = runs_of_largest if size == "10M" else bench.runs
        seen.grown(FACTORS[size], bench_size(bench, size, runs))


def bench_size(bench: Bench, size: str, runs: int) -> dict[str, Row]:
    """The rows of one size: what is compared is measured in turn."""
    raw, limit = generated("kvm", FACTORS[size]), LIMITS.get(size, "8GB")
    plan, variables = WORK / "statements.json", WORK / "vars.json"
    facts = {"site": "bench", "data_dir": str(raw), "output": str(OUTPUT), "start_date": DATES[0], "end_date": DATES[1]}
    variables.write_text(json.dumps(facts), "utf-8")
    script = [sys.executable, str(HERE / "floor.py")]
    if bench.once([*script, "prepare", str(plan), str(variables)], CHAMELEON_USAGE_MEMORY_LIMIT=limit) is None:
        return {}
    folder, limited = WORK / "floor", ["--memory-limit", limit]
    alone = [*script, "run", str(plan), str(folder)]
    commands = [
        Measured(f"{size}: models and tests by DuckDB alone", alone, parts=folder / "parts.json"),
        Measured(f"{size}: process", process(raw, *limited)),
        *compared(size, raw),
        Measured(f"{size}: process --resample 1d", process(raw, *limited, "--resample", "1d")),
    ]
    with bucket_of(raw) if size == "1M" else nullcontext() as env:
        if env is not None:
            remote = process("s3://bench/raw", *limited, output="s3://bench/out")
            commands.insert(-1, Measured(f"{size}: process, S3 to S3", remote, env=env))
        tests, row, *others, resampled = bench.in_turn(commands, runs)
    models = bench.part(tests, "models", f"{size}: of models and tests, the models")
    bare = bench.part(tests, "without by project", f"{size}: of these, without by project")
    models.at_most(1.5, bare, "without by project")
    row.at_most(1.8, models, "DuckDB alone")
    resampled.at_most(1.3, row, "process")
    if size == "1M":
        less, remote = others
        less.at_most(1.4, row, "with 8GB")
        less.below(2.1 * GB)
        remote.at_most(1.3, row, "local")
    if size == "10M":
        row.at_most(12, others[0], "1M")
    page = [COMMAND, "--data-dir", str(raw), "--site", "bench", "report", "--output", str(OUTPUT)]
    report = bench.measure(f"{size}: report", [*page, "--html", str(WORK / "report.html")], runs)
    against_polars(bench, size, runs)
    return {"models": models, "process": row, "resampled": resampled, "report": report}


def compared(size: str, raw: Path) -> list[Measured]:
    """What else `process` of a size is compared with: of 1M with little memory, of 10M with the 1M site."""
    if size == "1M":
        return [Measured("1M: process --memory-limit 1.5GB", process(raw, "--memory-limit", "1.5GB"))]
    if size == "10M":
        smaller = process(generated("kvm", FACTORS["1M"]), "--memory-limit", "8GB", output=WORK / "output_1M")
        return [Measured("1M: process, in turn with 10M", smaller)]
    return []


@contextmanager
def bucket_of(raw: Path) -> Iterator[dict[str, str]]:
    """The variables of a real S3 server on loopback, with the inputs in its bucket `bench`."""
    import s3fs

    from tests.servers import s3

    with tempfile.TemporaryDirectory(prefix="bench-s3-") as folder, s3(Path(folder)) as server:
        store = s3fs.S3FileSystem(
            key=server.env["AWS_ACCESS_KEY_ID"],
            secret=server.env["AWS_SECRET_ACCESS_KEY"],
            endpoint_url=server.env["AWS_ENDPOINT_URL"],
        )
        store.mkdir("bench")
        store.put(str(raw), "bench/raw", recursive=True)
        yield server.env


def against_polars(bench: Bench, size: str, runs: int) -> None:
    """The spine, total to occupied and the sweep, as somebody else would write it: its numbers must be ours."""
    from benchmarks import peers

    python = peers.installed(WORK)
    bench.peers = peers.versions(python)
    files = [OUTPUT / "bench/spans.parquet", WORK / "polars.parquet"]
    command = [str(python), str(HERE / "peer_polars.py"), *map(str, files), *DATES]
    if size != "10M":  # there it would take more memory than the machine has
        bench.measure(f"{size}: the spine in polars", command, runs)
        bench.once([*command, str(OUTPUT / "bench/usage.parquet")])


def bench_extract(bench: Bench, sizes: list[str]) -> None:
    """Whole sites from a MariaDB of our own to parquet files, and at 1M the same columns by others."""
    seen = Sizes()
    for size in sizes:
        seen.grown(FACTORS[size], {"extract": extract_of(bench, size)})


def extract_of(bench: Bench, size: str) -> Row:
    """The extraction of one size."""
    from benchmarks import peers
    from benchmarks.database import PEER, USER, dump_sql, filled, first_copy_after

    raw, output = generated("kvm", FACTORS[size]), WORK / "extracted"
    with filled(raw) as (server, password, tables):
        bench.server, uri = server.pid, server.uri(USER, password)
        command = [COMMAND, "--data-dir", str(output), "--site", "bench", "extract"]
        row = bench.measure(f"{size}: extract", command, output=output, DATABASE_URI=uri)
        if size == "3k":
            with first_copy_after(server) as seconds:
                bench.once([sys.executable, "-m", "loader", *command[1:-1]], DATABASE_URI=uri)
            start = Row(f"{size}: python -m loader, until it reads the first table", *[seconds()] * 2)
            start.within(1)
            bench.rows.append(start)
        if size == "1M":
            client = [server.client[0], "--no-defaults", "--default-character-set=utf8mb4", "--quick", "--batch"]
            address = ["--protocol=tcp", f"--host={server.host}", f"--port={server.port}", f"--user={USER}"]
            client += [*address, "-e", dump_sql(tables)]
            wire = bench.measure(f"{size}: mariadb --quick --batch > /dev/null", client, MYSQL_PWD=password)
            row.at_most(2, wire, "the server's client")
            row.below(300 * MB)
            python = peers.installed(WORK)
            bench.peers = peers.versions(python)
            uri = server.uri(PEER, password)
            scan = peers.command(python, "duckdb", tables, WORK, output)
            scanner = bench.measure(f"{size}: DuckDB's MySQL scanner", scan, output=output, DATABASE_URI=uri)
            row.at_most(1.2, scanner, "scanner")
            dlt = peers.command(python, "dlt", tables, WORK, output)
            environment = {**peers.QUIET, "DLT_DATA_DIR": str(output), "DATABASE_URI": uri}
            bench.measure(f"{size}: dlt's sql_database (one run)", dlt, runs=1, output=output, **environment)
        bench.server = None
    return row


def bench_report(bench: Bench) -> None:
    """The page of four sites and five years, day by day."""
    page, config = WORK / "report.html", ["--config", str(four_sites(20))]
    bench.once([COMMAND, *config, "process", "--force", "--output", str(OUTPUT), *FIVE_YEARS, "--resample", "1d"])
    command = [COMMAND, *config, "report", "--output", str(OUTPUT), "--html", str(page)]
    row = bench.measure("report, 4 sites, 5 years by day", command)
    row.within(10)
    size = page.stat().st_size if page.exists() else None
    row.aim("≤ 3 MB" + (f" (is {size / MB:.1f})" if size else ""), size is not None and size <= 3 * MB)


def bench_small(bench: Bench) -> None:
    """Small sites, where all is overhead: --help, one alone, then three and four in one call."""
    bench.measure("chameleon-usage --help", [COMMAND, "--help"]).within(0.2)
    config = four_sites(1)

    def command(count: int) -> list[str]:
        keys = [part for i in range(count) for part in ("--site", f"site_{i}")]
        return [COMMAND, "--config", str(config), *keys, "process", "--force", "--output", str(OUTPUT), *WINDOW]

    bench.once(command(1))  # the first run after an upgrade parses the project
    one = bench.measure("process, one small site", command(1))
    one.within(3)
    for count in (3, 4):
        several = bench.measure(f"process, {count} small sites in one call", command(count))
        further = (several.wall - one.wall) / (count - 1) if several.wall and one.wall else None
        words = "" if further is None else f" (is {further:.2f})"
        several.aim(f"≤ 1.2 s per further site{words}", further is not None and further <= 1.2)


def bench_soak(bench: Bench) -> None:
    """Fifty runs in one process: neither memory nor temporary nor open files grow, and results are the same bytes."""
    command = [sys.executable, str(HERE / "soak.py"), str(generated("kvm", FACTORS["3k"]))]
    bench.measure("50 runs in one process", command, runs=1).aim("nothing grows", not bench.failed)
