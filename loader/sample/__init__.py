"""Made-up sites in the shape of their raw tables: for the demo, the tests and the benchmark.

The same arguments give the same tables. Each site has a regular life, whose size grows with `factor` (hosts and
projects grow slower than instances, as in real sites), and the awkward rows of `cases`, once.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loader.sample import cases, lives
from loader.sample.lives import PROJECT_NAMES
from loader.sample.site import Site

__all__ = ["KINDS", "PROJECT_NAMES", "generate", "write", "write_sites"]
KINDS = ("baremetal", "kvm", "edge")


def generate(kind: str, factor: float = 1.0, seed: int = 0) -> dict[str, pa.Table]:
    """The tables of a site by `schema.table`: at factor 1 about 250 instances (edge: containers) on 50 hosts."""
    site = Site(kind, seed)
    for case in cases.CASES[kind]:
        case(site)
    site.owners += [(f"{site.rng.getrandbits(128):032x}", site.uuid()) for _ in range(round(10 * factor**0.5))]
    lives.projects(site)
    regular = lives.tracks if kind == "kvm" else lives.racks
    regular(site, 200 * factor, max(1, factor ** (2 / 3)))
    return site.tables()


def write(kind: str, data_dir: Path, factor: float = 1.0, seed: int = 0) -> dict[str, int]:
    """Write `<schema>.<table>.parquet` files as `extract` would; the number of rows of each table."""
    data_dir.mkdir(parents=True, exist_ok=True)
    tables = generate(kind, factor, seed)
    for name, table in tables.items():
        pq.write_table(table, data_dir / f"{name}.parquet", compression="zstd")
    return {name: table.num_rows for name, table in tables.items()}


def write_sites(folder: Path, factor: float = 1.0) -> None:
    """A site of each kind below `folder`, and a site.yml that names them."""
    config = []
    for kind in KINDS:
        rows = write(kind, folder / kind, factor)
        config.append(f"sample_{kind}:\n  site_name: Sample {kind}\n  data_dir: {folder / kind}\n")
        print(f"{folder / kind}: {len(rows)} tables, {sum(rows.values()):,} rows")
    (folder / "site.yml").write_text("".join(config), "utf-8")
