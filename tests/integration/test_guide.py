"""The commands of docs/operating/README.md run as they are written, with their paths in a temporary folder."""

import json
import os
import re
import shlex
import sys
from pathlib import Path
from urllib.parse import unquote

from tests import servers
from tests.commands import BIN, CHECKOUT, succeeded
from tests.operating import DOCS, GUIDE, Environment, Machine, blocks, dockerfile, sh, tracked


def test_the_first_run_by_hand(machine: Machine) -> None:
    (commands,) = blocks("bash", "set -a")
    machine.extracted(machine.here(commands), {})


def test_docker_run_of_the_guide(machine: Machine) -> None:
    """No daemon is needed to see that its flags are those of the other examples, and that its arguments extract."""
    (commands,) = blocks("bash", "docker build")
    words = shlex.split(commands)
    words = words[words.index("run") :]
    image = len(words) - 1 - words[::-1].index("chameleon-usage")
    flags = words[:image]
    assert {"--rm", "--read-only"} <= set(flags) and "--cap-drop ALL" in " ".join(flags)
    assert "--tmpfs /tmp" in " ".join(flags)
    assert words[image + 1 :] == json.loads(dockerfile()[-1]["CMD"][0])
    arguments = [machine.here(word) for word in words[image + 1 :]]
    machine.extracted([str(BIN / "chameleon-usage"), *arguments], machine.secrets)


def cron() -> tuple[Environment, str]:
    """The guide's crontab: its variables and its command."""
    (text,) = blocks("cron")
    *variables, line = text.splitlines()
    schedule = re.fullmatch(r"\d+ \d+ \* \* \* chameleon-usage (.*)", line)
    assert schedule and "%" not in line  # cron takes % for the end of the line
    return dict(v.split("=", 1) for v in variables), schedule[1]


def test_the_cron_line_extracts_and_is_silent(machine: Machine) -> None:
    variables, command = cron()
    assert variables["TMPDIR"] == "/var/tmp"  # noqa: S108
    env = {name: machine.here(value) for name, value in variables.items()}
    ran = machine.extracted(command.replace("/etc/", f"{machine.root}/etc/"), env)
    assert ran.stdout == ran.stderr == ""
    assert "nova.instances" in Path(env["LOG"]).read_text()


def test_the_cron_line_prints_the_log_of_a_night_that_failed(machine: Machine) -> None:
    variables, command = cron()
    nobody = f"DATABASE_URI=mysql://nobody:wrong@127.0.0.1:{servers.free_port()}\n"
    (machine.etc / "secrets.env").write_text(nobody)
    (machine.etc / "site.yml").write_text("chi_uc: {}\n")
    ran = sh(machine.here(command), {name: machine.here(value) for name, value in variables.items()})
    assert "data_dir of chi_uc" in ran.stdout


def test_the_check_of_the_copys_age(machine: Machine) -> None:
    (check,) = blocks("bash", "find ")
    late = "the copy of chi_uc is older than 26 hours\n"
    assert sh(machine.here(check), {}).stdout == late  # it never ran
    machine.data_dir.mkdir()
    manifest = machine.data_dir / "_manifest.json"
    manifest.touch()
    assert sh(machine.here(check), {}).stdout == ""
    for hours, printed in ((25.9, ""), (26.1, late)):
        then = manifest.stat().st_ctime - hours * 3600
        os.utime(manifest, (then, then))
        assert sh(machine.here(check), {}).stdout == printed


def test_the_command_that_writes_a_password_for_a_uri() -> None:
    (command,) = blocks("bash", "python3 -c")
    password = "p@ss/w:rd#1?%$&'\"; ö"  # noqa: S105
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONUTF8": "1"}
    ran = sh(command, env, input=f"{password}\n")
    written = ran.stdout.strip().splitlines()[-1].removeprefix("Password: ")
    assert unquote(written) == password
    assert re.fullmatch(r"[A-Za-z0-9%]+", written)  # nothing that a shell, systemd, compose or Docker reads otherwise


def test_git_takes_no_secret_beside_the_compose_file() -> None:
    for name in ("secrets.env", "site.yml"):
        succeeded(sh(["git", "check-ignore", f"docs/operating/{name}"], {"PATH": os.environ["PATH"]}, cwd=CHECKOUT))


def test_the_guide_names_files_that_exist() -> None:
    named = set(re.findall(r"\]\(([^)#]+)\)", GUIDE)) | {
        word for text in blocks("bash") for word in text.split() if word.startswith("docs/")
    }
    for name in named:
        assert ((CHECKOUT if name.startswith("docs/") else DOCS) / name).exists(), name
    assert {Path(file).name for file in tracked("docs/operating")} - {"README.md"} <= named
