"""The cron job of Kubernetes and the compose file of docs/operating: what they may do; their commands extract."""

import re
import shlex

import pytest
import yaml

from tests.commands import BIN, CHECKOUT
from tests.operating import DOCS, Machine, blocks, dockerfile, json_lines


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
