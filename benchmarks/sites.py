"""The made-up sites that are measured, kept between runs in work/raw."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.rows import HERE, WORK

CHECKOUT = HERE.parent
FACTORS = {"3k": 15, "60k": 303, "1M": 5100, "10M": 51000}  # of the kvm site, by its number of instances
SMALL = [("baremetal", 0), ("kvm", 0), ("edge", 0), ("baremetal", 1)]


def generated(kind: str, factor: float, seed: int = 0) -> Path:
    """The raw files of a made-up site, kept by its arguments. 10M takes eight minutes and 14 GB of memory to make."""
    folder = WORK / "raw" / f"{kind}-{factor:g}-{seed}"
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        code = "import sys, pathlib; from loader import sample; k, p, f, s = sys.argv[1:];"
        code += "sample.write(k, pathlib.Path(p), float(f), int(s))"
        subprocess.run([sys.executable, "-c", code, kind, part, str(factor), str(seed)], check=True, cwd=CHECKOUT)
        part.rename(folder)
    return folder


def four_sites(factor: float) -> Path:
    """The config of four made-up sites."""
    config = WORK / "site.yml"
    lines = [f"site_{i}: {{data_dir: '{generated(kind, factor, seed)}'}}" for i, (kind, seed) in enumerate(SMALL)]
    config.write_text("\n".join(lines), "utf-8")
    return config
