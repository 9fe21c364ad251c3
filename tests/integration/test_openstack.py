"""The real schemas of nova, blazar and zun: what the catalogue says of them, the printed grants, and every number."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loader import catalogue, manifest, sample
from loader.mysql import Server, parse_uri
from tests import database, filling, openstack, servers
from tests.commands import WINDOW, Row, process, rows, succeeded, usage
from tests.compare import assert_equals_count
from tests.openstack_cloud import TABLES, USER, Cloud, connected, delete_open_leases, error_code, real_cloud
from tests.oracle.usage import SOURCES

pytestmark = pytest.mark.skipif(openstack.UNSUITED is not None, reason=openstack.UNSUITED or "")

DENIED_TABLE, DENIED_COLUMN = 1142, 1143
NO_TABLE, NO_COLUMN = 1146, 1054

# what upstream hasn't: Chameleon's fork of blazar, and names that a column had before
FORK_TABLES = {
    *("blazar.devices", "blazar.device_allocations", "blazar.device_reservations", "blazar.device_extra_capabilities"),
}
NOT_UPSTREAM = {
    "blazar.computehosts": {"deleted", "deleted_at", "disabled"},
    "blazar.leases": {"deleted_at"},
    "blazar.computehost_allocations": {"deleted_at"},
    "blazar.computehost_extra_capabilities": {"capability_id", "capability_name", "deleted_at"},
}
# columns that are neither copied nor said to be never copied; a release's new ones want a decision
UNDECIDED = {"nova.instance_extra": {"deleted"}, "nova.shadow_instance_extra": {"deleted"}}
# of tables that are copied whole: a trust's id is of no use to who has no account that is its trustee
SOUNDS_SECRET = {"blazar.leases.trust_id"}
SECRETIVE = re.compile("pass|secret|token|key|trust|credential|user_data|environment|traceback|_info$")


@pytest.fixture(scope="module")
def cloud(mariadb: servers.MariaDB) -> Iterator[Cloud]:
    with real_cloud(mariadb) as made:
        yield made


# --- the catalogue and the real columns ---


def test_the_catalogue_names_tables_and_columns_that_are_there(cloud: Cloud) -> None:
    missing = {}
    for name, table in TABLES.items():
        real = cloud.columns[name].keys()
        missing[name] = {*table.columns, *(table.copied or ()), *table.never_copied} - real if real else None
    assert {name for name, columns in missing.items() if columns is None} == FORK_TABLES
    assert {name: columns for name, columns in missing.items() if columns} == NOT_UPSTREAM


def test_no_column_of_a_table_with_secrets_is_left_without_a_decision(cloud: Cloud) -> None:
    undecided = {
        name: cloud.columns[name].keys() - {*table.copied} - table.never_copied
        for name, table in TABLES.items()
        if table.copied is not None
    }
    assert {name: columns for name, columns in undecided.items() if columns} == UNDECIDED


def test_no_table_that_is_copied_whole_has_a_column_that_sounds_secret(cloud: Cloud) -> None:
    found = {f"{name}.{c}" for name, table in TABLES.items() if table.copied is None for c in cloud.columns[name]}
    assert {name for name in found if SECRETIVE.search(name.split(".")[2])} == SOUNDS_SECRET


# --- grants ---


def failed(cloud: Cloud) -> Counter:
    """What the client said did not work: the error's number, the table, and its columns where these were named."""
    found = []
    for code, line in re.findall(r"^ERROR (\d+) \(\w+\) at line (\d+)", cloud.said, re.MULTILINE):
        columns, table = re.search(r"SELECT(?: \((.*)\))? ON (\S+) TO", cloud.sql.splitlines()[int(line) - 1]).groups()
        found.append((int(code), table.replace("`", ""), frozenset(re.findall(r"\w+", columns or ""))))
    assert len(found) == cloud.said.count("ERROR")
    return Counter(found)


def test_with_force_the_grants_go_on_past_what_is_not_there_and_nothing_else_fails(cloud: Cloud) -> None:
    others = [t for t in catalogue.load().values() if t.schema not in openstack.SCHEMAS]
    expected = [(NO_TABLE, name, frozenset()) for name in FORK_TABLES]
    expected += [(NO_TABLE, t.full_name, frozenset({*(t.copied or ())} - t.since.keys())) for t in others]
    expected += [(NO_COLUMN, "blazar.computehosts", frozenset(c)) for c in (["deleted_at", "deleted"], ["disabled"])]
    assert failed(cloud) == Counter(expected)


def test_without_force_the_client_stops_but_what_every_cloud_has_is_granted_by_then(cloud: Cloud) -> None:
    user = "stops_early"
    run = cloud.server.run(cloud.sql.replace(f"'{USER}'", f"'{user}'"))
    assert run.returncode == 1
    assert re.findall(r"^ERROR (\d+)", run.stderr, re.MULTILINE) == [str(NO_COLUMN)], "at the fork's first columns"
    database.unlock(cloud.server, user)
    try:
        with connected(cloud.server, user) as cursor:
            for name, table in TABLES.items():
                columns = ", ".join(f"`{c}`" for c in table.copied or () if c not in table.since) or "*"
                expected = DENIED_TABLE if table.optional else None
                assert error_code(cursor, f"SELECT {columns} FROM {name} LIMIT 0") == expected, name
    finally:
        succeeded(cloud.server.run(f"DROP USER '{user}'@'%';"))


def test_the_account_can_not_read_user_data_nor_any_other_secret(cloud: Cloud) -> None:
    secrets = [(name, c) for name, t in TABLES.items() for c in sorted(t.never_copied & cloud.columns[name].keys())]
    assert {("nova.instances", "user_data"), ("nova.instances", "key_data")} <= {*secrets}
    assert ("zun.container", "environment") in secrets
    for table, column in secrets:
        queries = (f"`{column}` FROM {table}", f"id FROM {table} WHERE `{column}` > ''", f"id FROM {table}")
        assert cloud.codes(*(f"SELECT {query}" for query in queries)) == [DENIED_COLUMN, DENIED_COLUMN, None], column
        assert cloud.codes(f"SELECT * FROM {table}")[0] in (DENIED_TABLE, DENIED_COLUMN), table
    others = ("nova.key_pairs", "nova_api.instance_mappings", "blazar.floatingips", "zun.registry")
    assert cloud.codes(*(f"SELECT * FROM {table}" for table in others)) == [DENIED_TABLE] * len(others)


def test_the_account_sees_no_column_but_those_that_are_copied(cloud: Cloud) -> None:
    with connected(cloud.server, USER) as cursor:
        for name, table in TABLES.items():
            real = cloud.columns[name].keys()
            assert filling.columns(cursor, table).keys() == (real & {*table.copied} if table.copied else real), name


# --- extracted, and every number ---


@dataclass
class Site:
    """What was put into the real tables, and the files that came of it."""

    filled: filling.Filled
    data_dir: Path


@pytest.fixture(scope="module")
def sites(cloud: Cloud, tmp_path_factory) -> dict[str, Site]:
    """Each kind of site once in the real tables, and extracted."""
    found = {}
    for kind in sample.KINDS:
        filled = filling.fill(cloud.server, sample.generate(kind))
        found[kind] = Site(filled, tmp_path_factory.mktemp(kind) / "data")
        cloud.extract(found[kind].data_dir)
    return found


@pytest.fixture(scope="module")
def output(sites: dict[str, Site], tmp_path_factory) -> Path:
    """What one run of process makes of all the sites."""
    folder = tmp_path_factory.mktemp("output")
    config = folder / "site.yml"
    config.write_text("".join(f"{kind}: {{data_dir: '{site.data_dir}'}}\n" for kind, site in sites.items()))
    window = ("--start-date", WINDOW[0], "--end-date", WINDOW[1])
    succeeded(usage("--config", config, "process", "--output", folder, *window))
    return folder


@pytest.mark.parametrize("kind", sample.KINDS)
def test_every_row_that_was_put_in_comes_out_with_its_values(kind: str, sites: dict[str, Site]) -> None:
    site = sites[kind]
    files = {p.name.removesuffix(".parquet") for p in site.data_dir.glob("*.parquet")}
    assert files == site.filled.rows.keys() == TABLES.keys() - FORK_TABLES
    assert site.filled.refused == ({} if kind == "edge" else {"nova_api.request_specs": 2}), "one row an instance"
    for name, put in site.filled.rows.items():
        assert_same_rows(name, rows(site.data_dir / f"{name}.parquet"), put)


def assert_same_rows(name: str, copied: list[Row], put: list[Row]) -> None:
    assert len(copied) == len(put)
    by_id = {row["id"]: row for row in copied}
    for row in put:
        wanted = {c: v for c, v in row.items() if TABLES[name].copied is None or c in TABLES[name].copied}
        assert {column: by_id[row["id"]][column] for column in wanted} == wanted


def test_files_have_the_granted_columns_and_the_primary_key_is_known(sites: dict[str, Site], cloud: Cloud) -> None:
    with closing(Server(parse_uri(cloud.account.uri, "the test's URI"))) as server:
        for name in TABLES.keys() - FORK_TABLES:
            table = TABLES[name]
            granted = [c for c in cloud.columns[name] if table.copied is None or c in table.copied]
            for site in sites.values():
                assert pq.read_schema(site.data_dir / f"{name}.parquet").names == granted, name
            keys = [f.name for f in server.schema(table) if f.metadata[b"key"] == b"PRI"]
            assert keys == server.key(server.schema(table)) == ["id"], name


@pytest.mark.parametrize("kind", sample.KINDS)
def test_no_file_holds_a_secret(kind: str, sites: dict[str, Site]) -> None:
    site = sites[kind]
    put = {c for rows in site.filled.rows.values() for row in rows for c, v in row.items() if v == filling.SECRET}
    assert put >= {"user_data", "key_data", "environment", "websocket_token", "keypairs", "traceback"}
    for file in site.data_dir.iterdir():
        text = repr(rows(file)) if file.suffix == ".parquet" else file.read_text()
        assert filling.SECRET not in text, file
        assert database.PASSWORD not in text, file


@pytest.mark.parametrize("kind", sample.KINDS)
def test_every_number_of_a_site_in_the_real_schemas(kind: str, sites: dict[str, Site], output: Path) -> None:
    count = assert_equals_count(sites[kind].data_dir, output / kind, WINDOW)
    valid = {s["metric"] for s in count.spans if s["is_valid"]}
    # without the fork's devices an edge site has no capacity, so nothing of it is valid
    assert valid == (set() if kind == "edge" else {*SOURCES})


# --- what OpenStack itself deletes and archives ---

LONG_WINDOW = ("2024-01-01", "2100-01-01")  # now is in it, and an open lease's end


@dataclass
class Aged:
    """A site whose history was kept while rows went: what was deleted for good, what nova archived, and the files."""

    before: dict[str, list[Row]]
    allocations: set[str]
    archived: dict[str, int]
    data_dir: Path

    def file(self, name: str) -> list[Row]:
        return rows(self.data_dir / f"{name}.parquet")


@pytest.fixture(scope="module")
def aged(cloud: Cloud, tmp_path_factory) -> Aged:
    """Extracted, then a lease deleted as upstream blazar does and instances archived by nova itself, then again."""
    live = {name: table for name, table in sample.generate("baremetal").items() if ".shadow_" not in name}
    filled = filling.fill(cloud.server, live)
    data_dir = tmp_path_factory.mktemp("aged") / "data"
    cloud.extract(data_dir, "--history")
    allocations = delete_open_leases(cloud.server)
    done = openstack.run(cloud.server, "nova-manage", "db", "archive_deleted_rows", "--verbose", "--max_rows", "60")
    assert done.returncode == 1, f"1 is: some were archived\n{done.stdout}{done.stderr}"
    archived = {name: int(n) for name, n in re.findall(r"^\| (\S+) +\| (\d+) ", done.stdout, re.MULTILINE)}
    cloud.extract(data_dir, "--history")
    return Aged(filled.rows, allocations, archived, data_dir)


def vanished_at(aged: Aged) -> datetime:
    return datetime.fromisoformat(manifest.read(str(aged.data_dir))["snapshot_at"])


def test_allocations_that_blazar_deleted_for_good_are_kept_and_marked(aged: Aged) -> None:
    for name in ("blazar.computehost_allocations", "blazar.leases", "blazar.reservations"):
        kept = aged.file(name)
        assert len(kept) == len(aged.before[name])
        assert {r["_vanished_at"] for r in kept} == {None, vanished_at(aged)}
    marked = {r["id"] for r in aged.file("blazar.computehost_allocations") if r["_vanished_at"]}
    assert marked == aged.allocations


def test_what_nova_archived_is_in_the_files_of_the_shadow_tables_and_kept_in_the_others(aged: Aged) -> None:
    moved = {name: n for name, n in aged.archived.items() if f"nova.shadow_{name}" in TABLES and n}
    assert moved.keys() >= {"instances", "instance_actions", "instance_actions_events", "compute_nodes"}
    for name, n in moved.items():
        shadow, live = aged.file(f"nova.shadow_{name}"), aged.file(f"nova.{name}")
        assert len(shadow) == n
        assert {r["_vanished_at"] for r in shadow} == {None}
        assert {r["id"] for r in live if r["_vanished_at"]} == {r["id"] for r in shadow}
        assert len(live) == len(aged.before[f"nova.{name}"])
        was = {row["id"]: row for row in aged.before[f"nova.{name}"]}
        assert_same_rows(f"nova.{name}", shadow, [was[r["id"]] for r in shadow])


def test_request_specs_that_archiving_deletes_are_kept(aged: Aged) -> None:
    kept = aged.file("nova_api.request_specs")
    assert len(kept) == len(aged.before["nova_api.request_specs"])
    assert sum(r["_vanished_at"] is not None for r in kept) == aged.archived["API_DB.request_specs"] > 0


def test_a_vanished_allocation_ends_when_it_was_first_missed_and_all_other_numbers_stay(
    aged: Aged, tmp_path: Path
) -> None:
    process(aged.data_dir, tmp_path, window=LONG_WINDOW)
    spans = rows(tmp_path / "here/spans.parquet")
    ends = {s["end_at"] for s in spans if s["source_id"] in aged.allocations and s["is_valid"]}
    assert ends == {vanished_at(aged)}
    assert_equals_count(aged.data_dir, tmp_path / "here", LONG_WINDOW)
