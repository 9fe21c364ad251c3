"""What `extract` says of a run: one snapshot, the manifest, several sites."""

import re
import socket
import threading
from contextlib import closing, suppress
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pymysql
import pytest

from loader import catalogue
from tests import database, servers
from tests.cloud import (
    COPIED_AFTER,
    COPIED_BEFORE,
    HALFWAY,
    LOST,
    SECONDS,
    Cloud,
    Room,
    finished,
    halfway,
    small_site,
    started,
    values,
)
from tests.commands import contents, rows, succeeded, usage

# --- one snapshot ---


def test_rows_changed_by_others_are_not_seen(cloud: Cloud) -> None:
    """The loader's own connection: what it reads after the change is what was there before."""
    server, table = cloud.direct("blazar.leases")
    with closing(server):
        before = cloud.sql("SELECT count(*) FROM blazar.leases")
        cloud.sql(
            "DELETE FROM blazar.leases WHERE id > '5'", "INSERT INTO blazar.leases (id) VALUES ('new'), ('newer')"
        )
        assert cloud.sql("SELECT count(*) FROM blazar.leases") != before
        path = cloud.data_dir.with_suffix(".parquet")
        copied = server.copy(table, server.schema(table), path)
    assert rows(path) == values("blazar.leases")
    assert copied.rows == len(rows(path))


def test_all_tables_are_of_one_instant(cloud: Cloud, lock: pymysql.Connection) -> None:
    """While the extraction waits, rows of tables before, at and after its place are added, changed and deleted."""
    with started(cloud) as process:
        with halfway(cloud, process, lock):
            cloud.sql(
                f"DELETE FROM {COPIED_BEFORE}",
                f"UPDATE {COPIED_AFTER} SET spec = 'changed'",
                f"INSERT INTO {COPIED_AFTER} (id) VALUES (4711)",
                "DELETE FROM nova.instance_actions",
            )
            with lock.cursor() as cursor:
                cursor.execute(f"INSERT INTO {HALFWAY} (id, uuid) VALUES (4711, 'new')")
            at_change = cloud.sql("SELECT UTC_TIMESTAMP(6)")[0][0]
        succeeded(finished(process))
    for name in small_site():
        assert rows(cloud.file(name)) == values(name), name
    assert datetime.fromisoformat(cloud.manifest()["snapshot_at"]) < at_change


def test_alter_table_need_not_wait_for_tables_that_are_copied(cloud: Cloud, lock: pymysql.Connection) -> None:
    with started(cloud) as process:
        with halfway(cloud, process, lock):
            cloud.sql("SET lock_wait_timeout = 3", f"ALTER TABLE {COPIED_BEFORE} ADD COLUMN later INT")
        succeeded(finished(process))
    assert rows(cloud.file(COPIED_BEFORE)) == values(COPIED_BEFORE)
    assert cloud.manifest()["snapshots"] == 1


def test_a_table_that_was_altered_meanwhile_is_read_as_it_is_now(cloud: Cloud, lock: pymysql.Connection) -> None:
    """Its new form is not in the snapshot (error 1412): a new snapshot is begun, and told."""
    with started(cloud) as process:
        with halfway(cloud, process, lock):
            cloud.sql(f"ALTER TABLE {COPIED_AFTER} ADD COLUMN later INT NOT NULL DEFAULT 7, FORCE")
        run = succeeded(finished(process))
    assert rows(cloud.file(COPIED_AFTER)) == [r | {"later": 7} for r in values(COPIED_AFTER)]
    assert LOST in run.stderr
    assert cloud.manifest()["snapshots"] == 2


# --- the manifest ---


def test_the_manifest_says_what_was_copied_and_when(cloud: Cloud) -> None:
    cloud.sql("DROP TABLE nova.instance_actions")
    before = datetime.now(timezone.utc).replace(tzinfo=None)
    assert cloud.extract().returncode == 1
    after = datetime.now(timezone.utc).replace(tzinfo=None)
    manifest = cloud.manifest()
    tables = manifest.pop("tables")
    assert before <= datetime.fromisoformat(manifest.pop("snapshot_at")) <= after
    assert manifest.pop("written_by").startswith("chameleon-usage ")
    assert after >= datetime.fromisoformat(manifest.pop("finished_at")) >= before
    assert re.fullmatch("[0-9a-f]{32}", manifest.pop("run_id"))
    [(version, host, port)] = cloud.sql("SELECT VERSION(), @@hostname, @@port")
    server = {"version": version, "identity": f"host:{host}:{port}"}
    assert manifest == {"format": 2, "server": server, "snapshots": 1, "history": False}
    assert tables.keys() == catalogue.load().keys()
    copied = {name for name, entry in tables.items() if entry["status"] == "copied"}
    assert copied == {p.name.removesuffix(".parquet") for p in cloud.data_dir.glob("*.parquet")}
    for name in copied:
        file = pq.ParquetFile(cloud.file(name))
        assert tables[name]["rows"] == file.metadata.num_rows == len(small_site()[name])
        assert tables[name]["columns"] == file.schema_arrow.names
        assert not any(tables[name]["zero_dates"].values())
        assert tables[name]["bytes"] == cloud.file(name).stat().st_size
        assert 0 < tables[name]["seconds"] < SECONDS
        assert (tables[name]["fall"], tables[name]["vanished"]) == (0, 0)
    for name in tables.keys() - copied:
        assert tables[name].keys() == {"status", "code", "reason", "has_earlier_file", *cloud.origin()}
        assert f"(MySQL error {tables[name]['code']})" in tables[name]["reason"]
        assert (tables[name]["status"], "MySQL error" in tables[name]["reason"]) == ("skipped", True)


def test_without_all_files_in_place_there_is_no_manifest(cloud: Cloud) -> None:
    """It is written last: who finds it finds all files of its tables."""
    (cloud.file(COPIED_AFTER) / "in the way").mkdir(parents=True)
    run = cloud.extract()
    assert run.returncode == 1
    assert re.search(rf"^Error: cannot write {cloud.file(COPIED_AFTER)}: Is a directory$", run.stderr, re.MULTILINE)
    assert "Traceback" not in run.stderr
    assert not (cloud.data_dir / "_manifest.json").exists()
    assert not [name for name in contents(cloud.data_dir) if ".part" in name]


@pytest.mark.parametrize("name", ['it\'s a "folder" with ünï©ode 🦎', "[1] {x} %20 #4 ; -- $HOME * ?"])
def test_a_data_dir_may_have_any_name(name: str, cloud: Cloud) -> None:
    cloud.data_dir = cloud.data_dir / name
    run = succeeded(cloud.extract())
    assert f" rows in {cloud.data_dir} as of " in run.stdout
    assert {p.name for p in cloud.data_dir.glob("*.parquet")} == {f"{t}.parquet" for t in small_site()}


def test_a_file_in_place_of_the_data_dir_stays_and_is_named(cloud: Cloud) -> None:
    cloud.data_dir.write_text("a file")
    run = cloud.extract()
    assert run.returncode == 1
    [error] = run.stderr.splitlines()
    assert re.match(rf"Error: cannot write to {cloud.data_dir}: (File exists|Not a directory)$", error)
    assert cloud.data_dir.read_text() == "a file"


def test_nothing_is_left_behind_and_the_password_is_never_on_disk(
    cloud: Cloud, room: Room, lock: pymysql.Connection
) -> None:
    secrets = [s.encode() for s in (database.PASSWORD, quote(database.PASSWORD, safe=""))]
    with started(cloud, room.env(), cwd=room.cwd) as process:
        with halfway(cloud, process, lock):
            during = room.files()
        succeeded(finished(process))
    assert any(name.startswith("tmp/") for name in during), "the copies were to be there"
    assert not [name for name in during if not name.startswith("tmp/")]
    for name, content in {**during, **contents(cloud.data_dir)}.items():
        assert not any(secret in content for secret in secrets), name
    assert room.files() == {}
    assert not any(any(folder.iterdir()) for folder in (room.home, room.cwd, room.tmp))


def test_after_a_failure_nothing_is_left_behind(cloud: Cloud, room: Room) -> None:
    (cloud.file(COPIED_AFTER) / "in the way").mkdir(parents=True)
    assert cloud.extract(env=room.env(), cwd=room.cwd).returncode == 1
    assert not any(any(folder.iterdir()) for folder in (room.home, room.cwd, room.tmp))


def test_settings_of_other_dlt_projects_are_not_read(cloud: Cloud, room: Room) -> None:
    for place in (room.cwd, room.home):
        for name in ("config.toml", "secrets.toml"):
            (place / ".dlt").mkdir(exist_ok=True)
            (place / ".dlt" / name).write_text("this is [not TOML\n")
    run = succeeded(cloud.extract(env=room.env(), cwd=room.cwd))
    assert run.stderr == ""
    assert len(list(cloud.data_dir.glob("*.parquet"))) == len(small_site())


def test_nobody_is_told_of_an_extraction(cloud: Cloud) -> None:
    """Whatever would report to its makers over HTTPS would ask our proxy for the way."""
    asked: list[bytes] = []
    with socket.socket() as listener:
        listener.bind((servers.HOST, 0))
        listener.listen()
        url = f"http://{servers.HOST}:{listener.getsockname()[1]}"

        def listen() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client:
                        asked.append(client.recv(1000))

        threading.Thread(target=listen, daemon=True).start()
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"), url)
        succeeded(cloud.extract(env={**proxies, "RUNTIME__DLTHUB_TELEMETRY": "true"}))
    assert asked == []


# --- several sites ---


def test_a_site_that_fails_does_not_stop_the_others(cloud: Cloud, tmp_path: Path) -> None:
    config = tmp_path / "site.yml"
    config.write_text(
        f"away: {{db_uri: 'mysql://u:hunter2@127.0.0.1:1', data_dir: {tmp_path}/away}}\n"
        f"here: {{db_uri: '{cloud.account.uri}', data_dir: {tmp_path}/here}}\n"
    )
    run = usage("--config", config, "extract")
    assert run.returncode == 1
    first, last = run.stderr.splitlines()
    assert first.startswith("Error: away: cannot connect to the database as u@127.0.0.1:1: ")
    assert last == "Error: not everything was extracted: away (see the warnings above)"
    assert len(list((tmp_path / "here").glob("*.parquet"))) == len(small_site())
    assert not (tmp_path / "away").exists()
