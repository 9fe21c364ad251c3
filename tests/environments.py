"""Fresh environments with the wheel and what one of its extras needs, made of the packages that are installed here."""

import os
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.commands import CHECKOUT, succeeded

PROJECT = "chameleon-usage"


def build_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    succeeded(subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False))
    (file,) = folder.glob("chameleon_usage-*.whl")
    return file


@cache
def _needed(requirement: str) -> frozenset[str]:
    """Names of the distributions that a requirement needs, itself too."""
    seen: dict[str, None] = {}
    waiting = [Requirement(requirement)]
    done: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in ("", *wanted.extras):
            if (name, extra) in done:
                continue
            done.add((name, extra))
            seen[name] = None
            for line in metadata.requires(name) or []:
                need = Requirement(line)
                if need.marker is None or need.marker.evaluate({"extra": extra}):
                    waiting.append(need)
    return frozenset(seen)


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    folder: Path

    def run(self, *words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program of it, as its user would after `activate`."""
        program, *arguments = map(str, words)
        own = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            env={**own, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=cwd,
        )

    @property
    def packages(self) -> Path:
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found


def make(folder: Path, wheel: Path, extra: str) -> Environment:
    """An environment with the wheel and an extra of it ('' is the core), nothing else."""
    venv.create(folder, with_pip=False, symlinks=True)
    made = Environment(folder)
    for name in sorted(_needed(f"{PROJECT}[{extra}]" if extra else PROJECT) - {PROJECT}):
        distribution = metadata.distribution(name)
        for file in distribution.files or []:
            if ".." not in file.parts and file.suffix != ".pyc":
                link = made.packages / file
                link.parent.mkdir(parents=True, exist_ok=True)
                if not link.is_symlink():  # dbt's packages share an __init__.py
                    link.symlink_to(distribution.locate_file(file))
    zipfile.ZipFile(wheel).extractall(made.packages)
    (entry,) = (e for e in metadata.distribution(PROJECT).entry_points if e.name == PROJECT)
    script = folder / "bin" / PROJECT
    module, function = entry.value.split(":")
    script.write_text(f"#!{folder}/bin/python\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n")
    script.chmod(0o755)
    return made
