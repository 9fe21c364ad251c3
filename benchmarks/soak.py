"""Fifty runs in one process: `soak.py DATA_DIR`. Exits with 1 and a sentence if anything grows or any byte differs.

Memory may still grow by a twentieth after the first ten runs, which fill caches.
"""

import os
import resource
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from loader.builds import Dbt, Limits, Options
from loader.config import Site
from loader.work import work_folder
from tests.commands import contents, metadata

RUNS, WARM = 50, 10
MAX_GROWTH = 1.05


def used() -> int:
    """Bytes of memory that this process holds now; its peak where there is no /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = [line for line in status.read_text("utf-8").splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def open_files() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd" if Path("/proc/self/fd").exists() else "/dev/fd").iterdir()))


def written(folder: Path) -> dict[str, bytes]:
    """The outputs, less what names the run."""
    found = {}
    for name, data in contents(folder).items():
        run = metadata(folder / name)["run_id"]
        found[name] = data.replace(run.encode(), b"")
    return found


def main(data_dir: str) -> str | None:
    """What grew or differed, or None."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        os.environ["TMPDIR"] = tempfile.tempdir = str(Path(folder, "tmp"))
        Path(folder, "tmp").mkdir()
        site, output = Site("soak", "soak", data_dir), Path(folder, "out")
        first: dict[str, bytes] = {}
        sizes, files, temporary = [], [], []
        with work_folder() as work:
            dbt = Dbt(work, Limits("1GB", 2), Options("2024-01-01", "2025-01-01", "1d", True, False))
            for number in range(RUNS):
                dbt.build(site, str(output), lambda *_: None)
                sizes.append(used())
                files.append(open_files())
                temporary.append(sum(path.is_file() for path in work.rglob("*")))
                first = first or written(output / "soak")
                if written(output / "soak") != first:
                    return f"run {number + 1} wrote other bytes than the first"
        print(f"MB: {[size // 1_000_000 for size in sizes]}; open: {files}; temporary: {temporary}")
        if max(sizes[WARM:]) > MAX_GROWTH * max(sizes[:WARM]):
            return f"memory grew from {max(sizes[:WARM]):,} to {max(sizes[WARM:]):,} bytes"
        if max(files[1:]) > max(files[:2]):
            return f"open files grew: {files}"
        if max(temporary) > temporary[1]:
            return f"temporary files grew: {temporary}"
        if left := list(Path(tempfile.tempdir).iterdir()):
            return f"left behind: {left}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
