"""The examples of docs/operating and the Dockerfile: their own commands run, with their paths in a temporary folder."""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import Template
from urllib.parse import unquote

import pytest
import yaml

from loader import sample
from tests import database, servers
from tests.commands import BIN, CHECKOUT, succeeded

DOCS = CHECKOUT / "docs/operating"
GUIDE = (DOCS / "README.md").read_text("utf-8")
SERVICE = "chameleon-usage-extract.service"
TIMER = "chameleon-usage-extract.timer"
Environment = dict[str, str]

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed; nothing else can judge a unit"
)


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


@pytest.fixture(scope="module")
def uri(mariadb: servers.MariaDB, tmp_path_factory) -> str:
    """A small site's database, and the user that the guide's first commands make; their `mariadb` is our server's."""
    database.create(mariadb, {name: table.slice(0, 20) for name, table in sample.generate("kvm").items()})
    mariadb.run("DROP USER IF EXISTS 'usage_exporter'@'%'")
    clients = tmp_path_factory.mktemp("bin")
    client = clients / "mariadb"
    client.write_text(f'#!/bin/sh\nexec {shlex.join(mariadb.client)} "$@"\n')
    client.chmod(0o755)
    (grants,) = blocks("bash", "chameleon-usage print-grant-sql")
    ran = sh(grants, {**mariadb.env, "PATH": f"{clients}:{BIN}:{os.environ['PATH']}"})
    assert ran.stdout + ran.stderr == "", "what the site lacks is filtered out, and there is no other error"
    (password,) = blocks("sql", "ALTER USER")
    succeeded(mariadb.run(password.replace("its password", database.PASSWORD)))
    return mariadb.uri("usage_exporter", database.PASSWORD)


@pytest.fixture
def machine(uri: str, tmp_path: Path) -> Machine:
    """The guide's site.yml and secrets.env; the database's address is ours."""
    machine = Machine(tmp_path)
    for folder in (machine.etc, machine.data_dir.parent):
        folder.mkdir(parents=True)
    (config,) = blocks("yaml", "chi_uc:")
    machine.site_yml(config)
    (secrets,) = blocks("", "DATABASE_URI=")
    (machine.etc / "secrets.env").write_text(re.sub(r"(?m)^DATABASE_URI=.*$", lambda _: f"DATABASE_URI={uri}", secrets))
    return machine


def json_lines(process: subprocess.CompletedProcess[str]) -> list[dict]:
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    assert lines and all(isinstance(line, dict) for line in lines)
    return lines


# --- systemd ---


def unit(name: str) -> dict[str, list[str]]:
    """The settings of a unit file, each with all its values; as systemd does, an empty one forgets those before."""
    settings: dict[str, list[str]] = {}
    for line in (DOCS / name).read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            key, value = line.split("=", 1)
            settings.setdefault(key, []).append(value)
    return settings


@needs_systemd
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name in (SERVICE, TIMER):
        (tmp_path / name).write_text(Machine(tmp_path).here((DOCS / name).read_text()))
    units = [str(tmp_path / name) for name in (SERVICE, TIMER)]
    ran = sh(["systemd-analyze", "verify", "--man=no", *units], {})
    complaints = [line for line in ran.stderr.splitlines() if "chameleon-usage" in line]
    assert not complaints and ran.returncode == 0, ran.stderr


@needs_systemd
def test_systemd_takes_the_times() -> None:
    timer, service = unit(TIMER), unit(SERVICE)
    (nights,) = timer["OnCalendar"]
    ran = succeeded(sh(["systemd-analyze", "calendar", "--iterations=3", nights], {}))
    days = re.findall(r"(?:Next elapse|Iter\. #\d|Iteration #\d): (?:\w+ )?(\d{4}-\d\d-\d\d)", ran.stdout)
    assert len(set(days)) == 3, ran.stdout
    spans = [timer[k] for k in ("RandomizedDelaySec",)]
    spans += [service[k] for k in ("TimeoutStartSec", "TimeoutStopSec", "RestartSec", "StartLimitIntervalSec")]
    succeeded(sh(["systemd-analyze", "timespan", *(value for (value,) in spans)], {}))


def test_the_timer_starts_the_service_and_makes_up_for_a_missed_night() -> None:
    assert Path(TIMER).stem == Path(SERVICE).stem and "Unit" not in unit(TIMER)
    assert unit(TIMER)["Persistent"] == ["true"] and unit(TIMER)["WantedBy"] == ["timers.target"]


def test_all_tries_of_a_night_are_counted_together() -> None:
    """Else a run that takes long and fails would start for ever: systemd counts the starts in an interval."""

    def hours(key: str) -> float:
        number, name = re.fullmatch(r"(\d+)(h|min)", unit(SERVICE)[key][0]).groups()
        return int(number) / {"h": 1, "min": 60}[name]

    tries = int(unit(SERVICE)["StartLimitBurst"][0])
    assert tries * (hours("TimeoutStartSec") + hours("RestartSec")) < hours("StartLimitIntervalSec") < 24
    assert unit(SERVICE)["RestartPreventExitStatus"] == ["2"]


@needs_systemd
def test_the_service_may_do_little(tmp_path: Path) -> None:
    service = unit(SERVICE)
    assert service["User"] == ["chameleon-usage"]
    expected = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "PrivateTmp": "yes", "CapabilityBoundingSet": ""}
    assert {k: service[k] for k in expected} == {k: [v] for k, v in expected.items()}
    file = tmp_path / SERVICE
    file.write_text(Machine(tmp_path).here((DOCS / SERVICE).read_text()))
    ran = sh(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(file)], {})
    if "unrecognized option" in ran.stderr:
        pytest.skip("this systemd-analyze can't judge a file (it is older than 250)")
    assert ran.returncode == 0, ran.stdout[-300:] + ran.stderr


def test_the_service_extracts(machine: Machine) -> None:
    """ExecStart with what the unit gives it: its environment, its secrets, its credential, its folder."""
    service = unit(SERVICE)
    credentials = machine.root / "credentials"
    credentials.mkdir()
    for name, source in (value.split(":") for value in service["LoadCredential"]):
        shutil.copy(machine.here(source), credentials / name)
    (machine.etc / "site.yml").unlink()  # mode 600: the user of the service can't read it
    (environment_file,) = service["EnvironmentFile"]
    assert Path(machine.here(environment_file.removeprefix("-"))) == machine.etc / "secrets.env"
    env = machine.secrets | dict(value.split("=", 1) for value in service["Environment"])
    assert env["TMPDIR"] == "/var/tmp"  # noqa: S108 (PrivateTmp makes it the unit's own)
    (command,), (folder,) = service["ExecStart"], service["WorkingDirectory"]
    words = [Template(w).substitute(CREDENTIALS_DIRECTORY=credentials) for w in shlex.split(machine.here(command))]
    json_lines(machine.extracted(words, env, cwd=machine.here(folder)))
    assert folder == f"/var/lib/{service['StateDirectory'][0]}"


# --- Kubernetes, compose ---


@pytest.fixture(scope="module")
def kubernetes() -> dict[str, dict]:
    """The objects of cronjob.yml by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all((DOCS / "cronjob.yml").read_text())}


@pytest.fixture(scope="module")
def pod(kubernetes: dict[str, dict]) -> dict:
    return kubernetes["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_the_cron_job_runs_once_at_a_time_and_ends(kubernetes: dict[str, dict], pod: dict) -> None:
    cron, job = kubernetes["CronJob"]["spec"], kubernetes["CronJob"]["spec"]["jobTemplate"]["spec"]
    assert cron["concurrencyPolicy"] == "Forbid" and re.fullmatch(r"\d+ \d+ \* \* \*", cron["schedule"])
    assert pod["restartPolicy"] == "Never" and 0 < job["backoffLimit"] <= 3
    assert 0 < job["activeDeadlineSeconds"] < 24 * 3600
    (rule,) = job["podFailurePolicy"]["rules"]
    assert rule["action"] == "FailJob" and rule["onExitCodes"]["values"] == [2]
    assert rule["onExitCodes"]["containerName"] == pod["containers"][0]["name"]


def test_the_pod_may_do_little(pod: dict) -> None:
    (container,) = pod["containers"]
    user, group = dockerfile()[-1]["USER"][0].split(":")
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["automountServiceAccountToken"] is False
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (int(user), int(group))
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"] == "1Gi"


def test_the_pod_has_room_to_write(pod: dict) -> None:
    """The root file system is read-only: /tmp is a volume with a size, which the limit on storage leaves room for."""
    (container,) = pod["containers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: volumes.pop(mount["name"]) for mount in container["volumeMounts"]}
    assert not volumes and set(mounts) == {"/tmp", "/etc/chameleon-usage"}  # noqa: S108
    room = mounts["/tmp"]["emptyDir"]["sizeLimit"]  # noqa: S108
    assert "medium" not in mounts["/tmp"]["emptyDir"], "memory is no room for temporary copies"  # noqa: S108
    assert int(room.removesuffix("Gi")) < int(container["resources"]["limits"]["ephemeral-storage"].removesuffix("Gi"))


def test_the_pod_extracts(kubernetes: dict[str, dict], pod: dict, machine: Machine) -> None:
    (container,) = pod["containers"]
    assert "command" not in container  # the image's own
    config = kubernetes["ConfigMap"]
    assert {"name": "config", "configMap": {"name": config["metadata"]["name"]}} in pod["volumes"]
    assert list(config["data"]) == ["site.yml"]
    machine.site_yml(config["data"]["site.yml"])
    (command,) = blocks("bash", "kubectl create secret")
    assert shlex.split(command)[:5] == [
        *("kubectl", "create", "secret", "generic"),
        container["envFrom"][0]["secretRef"]["name"],
    ]
    words = [machine.here(word) for word in container["args"]]
    json_lines(machine.extracted([str(BIN / "chameleon-usage"), *words], machine.secrets))


def test_the_compose_file_extracts_and_may_do_little(machine: Machine) -> None:
    (service,) = yaml.safe_load((DOCS / "compose.yml").read_text())["services"].values()
    assert "entrypoint" not in service  # the image's own
    assert service["user"] == dockerfile()[-1]["USER"][0]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"] and service["restart"] == "no"
    places = {volume["target"]: volume for volume in service["volumes"]}
    assert set(places) == {"/tmp", "/etc/chameleon-usage/site.yml", "/var/lib/chameleon-usage"}  # noqa: S108
    assert places["/etc/chameleon-usage/site.yml"]["read_only"] is True
    assert (DOCS / service["build"]["context"] / "Dockerfile").resolve() == CHECKOUT / "Dockerfile"
    words = [machine.here(word) for word in service["command"]]
    json_lines(machine.extracted([str(BIN / "chameleon-usage"), *words], machine.secrets))


# --- the image ---


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


def copied_in(stage: dict[str, list[str]]) -> list[tuple[str, str]]:
    """What COPY takes from the checkout: (source, folder or file it becomes)."""
    found = []
    for arguments in stage["COPY"]:
        if not arguments.startswith("--from="):
            *sources, target = arguments.split()
            found += [(s, f"{target}{s}" if target == "./" else target) for s in sources]
    return found


def ignored(path: str) -> bool:
    """Does .dockerignore keep a file from the builder? The last line that matches it, or a folder above it, decides."""
    verdict = False
    above = [path, *(str(p) for p in Path(path).parents if str(p) != ".")]
    for line in (CHECKOUT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            tail = pattern.removeprefix("**/")
            names = above if tail == pattern else [Path(p).name for p in above]
            if any(fnmatch.fnmatchcase(name, tail) for name in names):
                verdict = not line.startswith("!")
    return verdict


def tracked(source: str) -> list[str]:
    listed = succeeded(sh(["git", "ls-files", "--", source], {"PATH": os.environ["PATH"]}, cwd=CHECKOUT))
    return listed.stdout.splitlines()


def test_the_image_runs_our_command_as_a_user_that_is_not_root() -> None:
    last = dockerfile()[-1]
    (user,) = last["USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert set(last["order"][last["order"].index("USER") + 1 :]) == {"ENTRYPOINT", "CMD"}
    assert [json.loads(each) for each in last["ENTRYPOINT"]] == [["chameleon-usage"]]


def test_the_image_takes_no_package_that_the_lock_file_does_not_name() -> None:
    text = (CHECKOUT / "Dockerfile").read_text()
    assert "://" not in text and not re.search(r"--(extra-)?index|--trusted-host|\s-i\s", text)
    commands = [c.strip() for stage in dockerfile() for run in stage["RUN"] for c in run.split("&&")]
    pips = [shlex.split(c) for c in commands if " pip " in c]
    assert len(pips) == 5
    for words in pips:
        kind = words[words.index("pip") + 1]
        ours_alone = kind == "wheel" and {"--no-deps", "--no-build-isolation"} <= set(words) and words[-1] == "."
        assert ours_alone or kind == "check" or {"--require-hashes", "--no-index"} & set(words), words
        assert ("-r" in words) == ("--require-hashes" in words)


def test_the_builder_gets_what_it_copies_and_nothing_else() -> None:
    sources = [source for stage in dockerfile() for source, _ in copied_in(stage)]
    for source in sources:
        files = tracked(source)
        assert files and not any(map(ignored, files)), source
    for secret in ("etc/site.yml", ".git/config", "data/x.parquet", "docs/operating/secrets.env", "secrets.env"):
        assert ignored(secret), secret
    assert ignored("loader/__pycache__/cli.cpython-312.pyc") and ignored("tests/unit/test_cli.py")
    allowed = re.findall(r"(?m)^!(.*)$", (CHECKOUT / ".dockerignore").read_text())
    assert sorted(allowed) == sorted(sources)


def tiny_wheel(folder: Path) -> str:
    """A wheel with nothing in it; returns its hash."""
    file = folder / "tiny-1.0-py3-none-any.whl"
    info = "tiny-1.0.dist-info"
    parts = {
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
        for name, text in parts.items()
    )
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in {**parts, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(name, text)
    return sha256(file.read_bytes()).hexdigest()


def test_the_step_that_fetches_packages_checks_hashes(tmp_path: Path) -> None:
    """The Dockerfile's own line, for a lock file with one package that lies in a folder."""
    fetch = dockerfile()[0]["RUN"][0]
    assert "requirements.lock" in fetch
    right = tiny_wheel(tmp_path)
    # a user's pip settings, and any index, stay out of it
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, "PATH": f"{BIN}:/bin"}
    cases = {
        "right": (f" --hash=sha256:{right}", 0, ""),
        "wrong": (f" --hash=sha256:{'0' * 64}", 1, "DO NOT MATCH THE HASHES"),
        "none": ("", 1, "Hashes are required"),
    }
    for name, (written, expected, said) in cases.items():
        (tmp_path / "requirements.lock").write_text(f"tiny==1.0{written}\n")
        wheels = tmp_path / f"wheels-{name}"
        ran = sh(fetch.replace("/wheels", str(wheels)), env, cwd=tmp_path)
        assert ran.returncode == expected and said in ran.stderr, ran.stdout + ran.stderr
        assert len(list(wheels.glob("*.whl"))) == (1 if expected == 0 else 0)


def packages_but_ours(folder: Path) -> Path:
    """This venv's packages as links, less chameleon-usage: made from requirements.lock, like the image's."""
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "chameleon_usage" not in entry.name and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


def test_the_steps_of_the_image_make_a_command_that_extracts(machine: Machine, tmp_path: Path) -> None:
    """The Dockerfile's RUN lines on the files that it copies, then its CMD; only the packages are already there."""
    build, last = dockerfile()
    source, wheels, venv = (tmp_path / name for name in ("src", "wheels", "opt"))
    wheels.mkdir()
    for origin, target in copied_in(build):
        for file in tracked(origin):
            place = source / (target + file.removeprefix(origin))
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / file, place)
    packages = packages_but_ours(tmp_path / "packages")
    env = {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(packages), "PIP_CONFIG_FILE": os.devnull}

    def run(command: str) -> None:
        here = command.replace("/opt/chameleon-usage", str(venv)).replace("/wheels", str(wheels))
        ran = succeeded(sh(here, env, cwd=source))
        assert "does not provide the extra" not in ran.stderr

    for step in build["RUN"][1:]:  # the first one fetches the packages
        run(step)
    (copied,) = (c for c in last["COPY"] if c.startswith("--from=build "))
    assert copied.split()[1:] == ["/opt/chameleon-usage"] * 2  # a venv can't move
    assert any("/opt/chameleon-usage/bin:" in e for e in last["ENV"])
    (entrypoint,), (arguments,) = last["ENTRYPOINT"], last["CMD"]
    words = [machine.here(word) for word in json.loads(arguments)]
    command = [str(venv / "bin" / json.loads(entrypoint)[0]), *words]
    machine.extracted(command, {**machine.secrets, "PYTHONPATH": str(packages)}, cwd=machine.data_dir.parent)
    found = succeeded(sh([str(venv / "bin/python"), "-c", "import loader; print(loader.__file__)"], env, cwd=tmp_path))
    assert found.stdout.startswith(str(venv))


# --- the guide ---


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
