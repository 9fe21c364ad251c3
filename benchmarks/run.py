"""Measure our commands as whole processes; README.md says what each row is, and its last table.

`.venv/bin/python benchmarks/run.py [--sizes 3k,60k,1M,10M] [--runs N] [--only PART] [--write-readme]`
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # benchmarks, tests.servers

from benchmarks import parts  # noqa: E402
from benchmarks.rows import HEADS, WORK, Bench, cells, machine, write_readme  # noqa: E402
from benchmarks.sites import FACTORS  # noqa: E402

RESULTS = HERE / "results.json"
PARTS = ("small", "report", "soak", "extract", "process")


def main() -> int:
    """Measure and report; 1 if a command failed, 0 even where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="3k,60k,1M", help=f"of {', '.join(FACTORS)}; 10M takes hours")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--runs-of-largest", type=int, default=3, help="of the 10M site")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--write-readme", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    sizes = options.sizes.split(",")
    if unknown := set(sizes) - set(FACTORS):
        parser.error(f"--sizes: unknown are {', '.join(sorted(unknown))}; known are {', '.join(FACTORS)}")
    WORK.mkdir(exist_ok=True)
    bench = Bench(options.runs)
    measured = {
        "small": lambda: parts.bench_small(bench),
        "report": lambda: parts.bench_report(bench),
        "soak": lambda: parts.bench_soak(bench),
        "extract": lambda: parts.bench_extract(bench, sizes),
        "process": lambda: parts.bench_sizes(bench, sizes, options.runs_of_largest),
    }
    for name in PARTS:
        if options.only in (None, name):
            measured[name]()
    about = f"Medians of {options.runs}; {machine()}; compared with {bench.peers or 'nothing'}."
    results = {"about": about, "rows": [asdict(row) for row in bench.rows]}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    table = Table(*HEADS)
    for row in bench.rows:
        table.add_row(*cells(row))
    bench.console.print(table)
    if options.write_readme:
        write_readme(bench.rows, about)
    return int(bench.failed)


if __name__ == "__main__":
    sys.exit(main())
