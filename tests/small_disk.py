"""A folder that is a disk of few megabytes for one command: a file system of memory, in a namespace of its own."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = """
mount -t tmpfs -o size="$SIZE" tmpfs "$1" || exit 99
cp -a "$2/." "$1"
shift 2
"$@"
code=$?
cp -a "$0/." "$LEFT"
mount -o remount,size=64m "$0" || exit 99
"$@" >"$LEFT.log" 2>&1 || exit 98
cp -a "$0/." "$ROOMY"
exit $code
"""


@dataclass
class SmallDisk:
    """A folder that is a small disk for one command, which then runs again with 64 MB."""

    folder: Path  # where the disk is
    before: Path  # what lies on it at first
    left: Path  # what lies on it after the command
    roomy: Path  # and after the second run

    def run(
        self, command: list[str | Path], env: dict[str, str], size: int = 2**21
    ) -> subprocess.CompletedProcess[str]:
        """The command on a disk of that many bytes, and then again with room, which must succeed."""
        for folder in (self.folder, self.before, self.left, self.roomy):
            folder.mkdir(exist_ok=True)
        done = subprocess.run(
            ["unshare", "-Urm", "sh", "-c", SCRIPT, *map(str, (self.folder, self.folder, self.before, *command))],
            env={**os.environ, **env, "SIZE": str(size), "LEFT": str(self.left), "ROOMY": str(self.roomy)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode in (1, 99) and not done.stdout and re.match("unshare|mount", done.stderr):
            pytest.skip(f"no file system of one's own may be mounted here: {done.stderr.strip()}")
        assert done.returncode != 98, self.left.with_name(f"{self.left.name}.log").read_text()
        return done


def small_disk(folder: Path) -> SmallDisk:
    """One whose folders lie in this one; skips the test where none can be had."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare, which gives a command its own file systems")
    return SmallDisk(*(folder / name for name in ("disk", "before", "left", "roomy")))
