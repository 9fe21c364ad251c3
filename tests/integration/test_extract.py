"""`extract` from a real MariaDB: one snapshot, exact values, whole files, whatever the server does meanwhile."""

import re
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pymysql
import pytest

from loader import catalogue
from tests import database
from tests.cloud import (
    COPIED_AFTER,
    HALFWAY,
    Cloud,
    small_site,
    values,
)
from tests.commands import contents, process, rows, succeeded, usage

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
        **cloud.origin(),
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
