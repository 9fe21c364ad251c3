"""The systemd units of docs/operating: systemd takes them, and their command extracts."""

import re
import shlex
import shutil
from pathlib import Path
from string import Template

import pytest

from tests.commands import succeeded
from tests.operating import DOCS, Machine, json_lines, sh

SERVICE = "chameleon-usage-extract.service"
TIMER = "chameleon-usage-extract.timer"


needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed; nothing else can judge a unit"
)


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
