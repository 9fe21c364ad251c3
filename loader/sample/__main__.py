"""`python -m loader.sample FOLDER`: a made-up site of each kind, and a site.yml that names them."""

import argparse
from pathlib import Path

from loader import sample

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m loader.sample", description=sample.__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the sites' tables and site.yml go")
    parser.add_argument("--factor", type=float, default=1.0, help="size; 1 is about 250 instances a site")
    arguments = parser.parse_args()
    sample.write_sites(arguments.folder, arguments.factor)
