"""The examples of docs/operating and the Dockerfile, and a folder where their commands run."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.commands import BIN, CHECKOUT, succeeded

DOCS = CHECKOUT / "docs/operating"
GUIDE = (DOCS / "README.md").read_text("utf-8")
Environment = dict[str, str]


def blocks(language: str, beginning: str = "") -> list[str]:
    """The fenced blocks of the guide in a language."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    return [text for name, text in fenced if name == language and text.startswith(beginning)]


def sh(command: str | list[str], env: Environment, **kw) -> subprocess.CompletedProcess[str]:
    """A command, or text for a shell, with no more than that environment and the checkout that is tested."""
    words = ["sh", "-c", command] if isinstance(command, str) else command
    checkout = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    return subprocess.run(
        words,
        env={"PATH": os.defpath, **checkout, **env},
        stdin=kw.pop("stdin", subprocess.DEVNULL) if "input" not in kw else None,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        **kw,
    )


@dataclass
class Machine:
    """A temporary folder in the place of a machine's root, with the guide's two files and a database to read."""

    root: Path
    bin: Path = BIN

    def here(self, text: str) -> str:
        """A text of the examples with its paths in this folder."""
        text = text.replace("/opt/chameleon-usage/bin", str(self.bin))
        return re.sub(r"(?<![\w.])(/etc|/var/lib)/chameleon-usage", rf"{self.root}\1/chameleon-usage", text)

    @property
    def etc(self) -> Path:
        return self.root / "etc/chameleon-usage"

    @property
    def data_dir(self) -> Path:
        return self.root / "var/lib/chameleon-usage/chi_uc"

    @property
    def secrets(self) -> Environment:
        return dict(line.split("=", 1) for line in (self.etc / "secrets.env").read_text().splitlines())

    def site_yml(self, text: str) -> None:
        """Write a config of the examples; what goes to a bucket there goes to a folder here."""
        local = text.replace("s3://usage-new-collector/", "/var/lib/chameleon-usage/")
        (self.etc / "site.yml").write_text(self.here(local))

    def extracted(self, command: str | list[str], env: Environment, **kw) -> subprocess.CompletedProcess[str]:
        """Run it; it must copy all tables of the site, and leave nothing in its temporary folder."""
        assert not self.data_dir.exists()
        tmp = self.root / "tmp"
        tmp.mkdir()
        process = succeeded(sh(command, {**env, "TMPDIR": str(tmp)}, **kw))
        copied = {file.name for file in self.data_dir.iterdir()}
        assert {"nova.instances.parquet", "blazar.leases.parquet", "_manifest.json"} <= copied
        assert not list(tmp.iterdir())
        return process


def json_lines(process: subprocess.CompletedProcess[str]) -> list[dict]:
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    assert lines and all(isinstance(line, dict) for line in lines)
    return lines


def dockerfile() -> list[dict[str, list[str]]]:
    """The stages of the Dockerfile: of each its instructions' arguments, and under `order` their names."""
    text = re.sub(r"(?m)^#.*\n", "", (CHECKOUT / "Dockerfile").read_text()).replace("\\\n", " ")
    stages: list[dict[str, list[str]]] = []
    for line in filter(None, text.splitlines()):
        name, arguments = line.split(maxsplit=1)
        if name == "FROM":
            stages.append({"order": []})
        stages[-1]["order"].append(name)
        stages[-1].setdefault(name, []).append(arguments)
    return stages


def tracked(source: str) -> list[str]:
    listed = succeeded(sh(["git", "ls-files", "--", source], {"PATH": os.environ["PATH"]}, cwd=CHECKOUT))
    return listed.stdout.splitlines()
