"""`extract` from a real MariaDB: one snapshot, exact values, whole files, whatever the server does meanwhile."""

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
from tests.commands import contents, process, rows, succeeded, usage


def origin(cloud: Cloud) -> dict[str, str]:
    """What each entry of the manifest says of its run."""
    return {name: cloud.manifest()[name] for name in ("run_id", "snapshot_at")}


# --- tables that are not there, or not granted ---


def test_everything_is_copied(cloud: Cloud) -> None:
    run = succeeded(cloud.extract())
    names = {p.name.removesuffix(".parquet") for p in cloud.data_dir.glob("*.parquet")}
    assert names == set(small_site())
    for name in names:
        assert rows(cloud.file(name)) == values(name)
        assert re.search(rf"^{re.escape(name)} +{len(small_site()[name])} rows ", run.stdout, re.MULTILINE)
    assert run.stderr == ""
    assert re.search(
        rf"^site: {len(names)} tables, \d+ rows in {cloud.data_dir} as of \d{{4}}-", run.stdout, re.MULTILINE
    )


ABSENT = {
    "dropped table": ("DROP TABLE nova.instance_actions", "nova.instance_actions", 1146),
    "revoked table": ("REVOKE SELECT ON blazar.leases FROM usage_exporter", "blazar.leases", 1142),
    "dropped database": ("DROP DATABASE nova_api", "nova_api.request_specs", 1146),
    "database without any grant": (
        "; ".join(f"REVOKE SELECT ON nova_api.{table} FROM usage_exporter" for table in ("request_specs", "flavors")),
        COPIED_AFTER,
        1142,
    ),
}


@pytest.mark.parametrize("case", ABSENT)
def test_a_table_that_can_not_be_read_is_reported_and_the_rest_is_copied(case: str, cloud: Cloud) -> None:
    statements, name, code = ABSENT[case]
    cloud.sql(*statements.split("; "))
    run = cloud.extract()
    assert run.returncode == 1, "an operator who sleeps must be told that numbers will be lost"
    warning, error = run.stderr.splitlines()
    assert error == "Error: not everything was extracted: site (see the warnings above)"
    assert re.match(
        rf"Warning: {name} skipped: .* \(MySQL error {code}\) \(see print-grant-sql\); without it these metrics",
        warning,
    )
    assert warning.endswith(", ".join(catalogue.load()[name].metrics))
    assert re.search(rf"^{name} +skipped *$", run.stdout, re.MULTILINE), "in the closing table"
    lost = {name, "nova_api.flavors"} if "database" in case else {name}
    assert {p.name for p in cloud.data_dir.glob("*.parquet")} == {f"{t}.parquet" for t in small_site().keys() - lost}
    words = re.search(r"skipped: (.*) \(see print-grant-sql\); without", warning)[1]
    assert cloud.manifest()["tables"][name] == {
        **{"status": "skipped", "code": code, "reason": words, "has_earlier_file": False},
        **origin(cloud),
    }


def test_a_table_that_is_gone_keeps_its_earlier_file_and_says_so(cloud: Cloud) -> None:
    succeeded(cloud.extract())
    before = cloud.file("blazar.leases").read_bytes()
    cloud.sql("DROP TABLE blazar.leases")
    run = cloud.extract()
    assert run.returncode == 1
    assert "; the file of an earlier extraction stays\n" in run.stderr
    assert cloud.file("blazar.leases").read_bytes() == before
    entry = cloud.manifest()["tables"]["blazar.leases"]
    assert (entry["status"], entry["has_earlier_file"]) == ("skipped", True)


def test_optional_tables_that_are_not_there_are_one_quiet_line(cloud: Cloud) -> None:
    run = succeeded(cloud.extract())
    assert run.stderr == ""
    [line] = re.findall("^optional tables that are not there: (.*)$", run.stdout, re.MULTILINE)
    optional = [t for t in catalogue.load().values() if t.optional and t.full_name not in small_site()]
    told = dict(re.match(r"(\w+)(?: \((\d+)\))?$", part).groups() for part in line.split(", "))
    assert set(told) == {t.schema for t in optional}
    assert told["ironic"] is told["openstack_audit"] is None, "nothing of that service is there"
    assert int(told["nova"]) == len([t for t in optional if t.schema == "nova"])
    assert len(line) < 120
    assert not any(t.full_name in run.stdout for t in optional), "no line each"
    tables = cloud.manifest()["tables"]
    assert all(tables[t.full_name]["status"] == "skipped" for t in optional), "the manifest names them"


@pytest.mark.parametrize(
    ("column", "lacks", "metrics"),
    [
        ("nova.instances.vcpus", "nova.instances lacks vcpus", "occupied_reservation, occupied_ondemand"),
        ("nova.compute_nodes.deleted_at", "nova.compute_nodes lacks deleted_at", "total"),
        ("blazar.leases.project_id", "blazar.leases lacks project_id", "committed, occupied_reservation"),
    ],
)
def test_a_column_that_every_release_has_is_missed(
    column: str, lacks: str, metrics: str, cloud: Cloud, tmp_path
) -> None:
    """Not granted, or dropped: without it numbers are wrong, so the operator must hear of it."""
    schema, table, name = column.split(".")
    cloud.sql(f"ALTER TABLE {schema}.{table} DROP COLUMN {name}")
    run = cloud.extract()
    assert run.returncode == 1
    words = "which every release has (see print-grant-sql); without it these metrics are incomplete:"
    assert run.stderr.splitlines()[0] == f"Warning: {lacks}, {words} {metrics}"
    assert cloud.manifest()["tables"][f"{schema}.{table}"]["lacking"] == [name]
    processed = process(cloud.data_dir, tmp_path / "out").stderr
    assert f"{schema}.{table} lacks the columns {name}: incomplete are {metrics}" in processed


@pytest.mark.parametrize("column", ["nova.instances.hidden", "blazar.leases.deleted_at", "nova.instances.compute_id"])
def test_a_column_that_some_releases_lack_is_not_missed(column: str, cloud: Cloud) -> None:
    schema, table, name = column.split(".")
    cloud.sql(f"ALTER TABLE {schema}.{table} DROP COLUMN {name}")
    assert succeeded(cloud.extract()).stderr == ""


def test_an_optional_table_with_an_earlier_file_is_a_warning(cloud: Cloud) -> None:
    cloud.sql("CREATE TABLE nova.services (id int PRIMARY KEY)", "GRANT SELECT ON nova.services TO usage_exporter")
    succeeded(cloud.extract())
    cloud.sql("DROP TABLE nova.services")
    run = succeeded(cloud.extract())
    assert re.fullmatch("Warning: nova.services skipped: .*; the file of an earlier extraction stays\n", run.stderr)


def test_services_that_are_left_out_are_not_asked_for(cloud: Cloud, tmp_path: Path) -> None:
    cloud.sql("DROP DATABASE nova", "DROP DATABASE nova_api")
    run = succeeded(usage(*cloud.flags(), "--schema", "blazar", env={"DATABASE_URI": cloud.account.uri}))
    assert run.stderr == ""
    assert {n.split(".")[0] for n in cloud.manifest()["tables"]} == {"blazar"}
    config = tmp_path / "site.yml"
    config.write_text(f"edge: {{data_dir: '{tmp_path}/edge', schemas: [blazar]}}\n")
    run = succeeded(usage("--config", config, "extract", env={"DATABASE_URI": cloud.account.uri}))
    assert run.stderr == ""
    config.write_text(f"edge: {{data_dir: '{tmp_path}/edge', schemas: [blazer]}}\n")
    run = usage("--config", config, "extract", env={"DATABASE_URI": cloud.account.uri})
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"Error: {config}: schemas of edge: unknown schema 'blazer'; known are blazar, ")


def test_nothing_granted_is_a_failure_and_earlier_files_stay(cloud: Cloud) -> None:
    succeeded(cloud.extract())
    before = contents(cloud.data_dir)
    cloud.sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM usage_exporter")
    run = cloud.extract()
    assert run.returncode == 1
    [error] = [line for line in run.stderr.splitlines() if not line.startswith("Warning: ")]
    assert re.match(
        r"Error: nothing could be copied; blazar.computehosts: .*denied.*; see `chameleon-usage print-grant-sql`$",
        error,
    )
    assert contents(cloud.data_dir) == before


def test_with_grants_on_columns_only_these_are_copied(cloud: Cloud) -> None:
    cloud.sql(
        "REVOKE SELECT ON blazar.leases FROM usage_exporter",
        "GRANT SELECT (id, start_date) ON blazar.leases TO usage_exporter",
    )
    run = cloud.extract()
    assert run.returncode == 1
    assert (
        "Warning: blazar.leases lacks project_id, user_id, end_date, created_at, which every release has" in run.stderr
    )
    assert rows(cloud.file("blazar.leases")) == small_site()["blazar.leases"].select(["id", "start_date"]).to_pylist()


def test_columns_that_are_never_copied_stay_in_the_database(cloud: Cloud) -> None:
    succeeded(cloud.extract())
    for name in small_site():
        secret = catalogue.load()[name].never_copied
        there = {
            c
            for (c,) in cloud.sql(
                f"SELECT column_name FROM information_schema.columns WHERE table_name = '{name.split('.')[1]}'"
            )
        }
        assert secret <= there, "the database was to have them"
        assert not secret & set(pq.read_schema(cloud.file(name)).names)
        assert database.SECRET.encode() not in cloud.file(name).read_bytes()
    assert catalogue.load()[HALFWAY].never_copied


def test_the_user_of_the_printed_grants_can_not_read_secrets(cloud: Cloud) -> None:
    own = {"user": cloud.account.name, "password": database.PASSWORD}
    with cloud.server.connect(**own) as connection, connection.cursor() as cursor:
        for column in ("user_data", "key_data", "*"):
            with pytest.raises(pymysql.err.OperationalError, match="denied") as error:
                cursor.execute(f"SELECT {column} FROM nova.instances")
            assert error.value.args[0] in (1142, 1143)
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'instances'")
        assert {c for (c,) in cursor.fetchall()} == set(catalogue.load()["nova.instances"].copied)
        cursor.execute("SELECT uuid FROM nova.instances LIMIT 1")
        assert cursor.fetchall()


# --- accounts ---


def test_a_wrong_password_is_a_failure_and_is_not_printed(cloud: Cloud) -> None:
    succeeded(cloud.extract())
    before = contents(cloud.data_dir)
    run = cloud.extract(cloud.server.uri("usage_exporter", "wr0ng-passw0rd"))
    assert (run.returncode, run.stdout) == (1, "")
    assert re.fullmatch(
        r"Error: cannot connect to the database as usage_exporter@127\.0\.0\.1:\d+: "
        r"Access denied for user .*\(using password: YES\) \(MySQL error 1045\); check user and password .*\n",
        run.stderr,
    )
    assert contents(cloud.data_dir) == before


def test_a_new_user_is_locked_until_it_has_a_password(cloud: Cloud) -> None:
    sql = succeeded(usage("print-grant-sql", "--user", "brand_new")).stdout
    cloud.sql("DROP USER IF EXISTS 'brand_new'@'%'")
    cloud.server.run(sql, "--force")
    run = cloud.extract(cloud.server.uri("brand_new", ""))
    assert run.returncode == 1
    assert "cannot connect to the database as brand_new@" in run.stderr
    assert "; an administrator unlocks it: ALTER USER … IDENTIFIED BY '…' ACCOUNT UNLOCK" in run.stderr
    [unlock] = re.findall("^--   (ALTER USER .*;)$", sql, re.MULTILINE)
    succeeded(cloud.server.run(unlock.replace("its password", "its-own")))
    succeeded(cloud.extract(cloud.server.uri("brand_new", "its-own")))


@pytest.mark.parametrize("password", ["pä$$wörd", "пароль🦎", "€", " blanks "])
def test_passwords_are_text_of_any_language(password: str, cloud: Cloud) -> None:
    succeeded(cloud.server.run(f"ALTER USER 'usage_exporter'@'%' IDENTIFIED BY '{password}';"))
    succeeded(cloud.extract(cloud.server.uri("usage_exporter", password)))


@pytest.mark.parametrize("mode", ["", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "ANSI,TRADITIONAL"])
def test_printed_grants_make_exactly_the_user_that_was_asked_for(mode: str, cloud: Cloud) -> None:
    user = f'o\'brien "q"; DROP USER usage_exporter; -- ` é {len(mode)}'
    printed = succeeded(usage("print-grant-sql", "--user", user, "--host", "127.0.0.%")).stdout
    setting = f"SET sql_mode = '{mode}';\n" if mode else ""
    cloud.server.run(setting + printed, "--force")
    before = set(cloud.sql("SELECT User, Host FROM mysql.user WHERE User NOT LIKE 'o''brien%'"))
    assert ("usage_exporter", "%") in before
    made = cloud.sql(f"SELECT User, Host FROM mysql.user WHERE User LIKE 'o''brien%{len(mode)}'")
    assert made == ((user, "127.0.0.%"),)
    quoted = user.replace("'", "''")
    succeeded(cloud.server.run(f"ALTER USER '{quoted}'@'127.0.0.%' IDENTIFIED BY 'x' ACCOUNT UNLOCK;"))
    succeeded(cloud.extract(cloud.server.uri(user, "x")))
    granted = cloud.sql(f"SHOW GRANTS FOR '{quoted}'@'127.0.0.%'")
    assert len(granted) == 1 + len(small_site())
    assert all(re.match(r"GRANT (USAGE|SELECT( \([^)]*\))?) ON ", line) for (line,) in granted)


def test_a_socket_is_named_in_the_uri(cloud: Cloud) -> None:
    password, path = quote(database.PASSWORD, safe=""), quote(str(cloud.server.socket))
    run = succeeded(cloud.extract(f"mysql://usage_exporter:{password}@/?unix_socket={path}"))
    assert "0 failed" in run.stdout


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
        assert tables[name].keys() == {"status", "code", "reason", "has_earlier_file", *origin(cloud)}
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
