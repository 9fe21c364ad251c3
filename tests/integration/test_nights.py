"""`extract --history` night after night against a real MariaDB, on disk and on S3, and what `process` makes of it."""

import json
import subprocess
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loader.history import LAST_SEEN, VANISHED
from tests import database, servers
from tests.cloud import Cloud, small_site
from tests.commands import Row, contents, process, rows, succeeded, usage

LEASES = "blazar.leases"


def night(cloud: Cloud, *flags: str, place: str | None = None, env: dict | None = None) -> subprocess.CompletedProcess:
    """One extraction, by default with history."""
    command = ["--data-dir", place or str(cloud.data_dir), "extract", *(flags or ["--history"])]
    return usage(*command, env={"DATABASE_URI": cloud.account.uri, **(env or {})})


def snapshot(cloud: Cloud) -> datetime:
    return datetime.fromisoformat(cloud.manifest()["snapshot_at"])


def by_id(cloud: Cloud, table: str = LEASES) -> dict[str, Row]:
    return {row["id"]: row for row in rows(cloud.file(table))}


def ids(cloud: Cloud, count: int) -> list[str]:
    """The first leases of the site."""
    return [i for (i,) in cloud.sql(f"SELECT id FROM {LEASES} ORDER BY id LIMIT {count}")]


def delete(cloud: Cloud, *gone: str, table: str = LEASES) -> None:
    cloud.sql(*(f"DELETE FROM {table} WHERE id = '{i}'" for i in gone))


def test_what_vanishes_is_kept_and_what_comes_back_is_live_again(cloud: Cloud) -> None:
    stays, goes, returns = ids(cloud, 3)
    [row] = cloud.sql(f"SELECT * FROM {LEASES} WHERE id = '{returns}'")
    succeeded(night(cloud))
    first = snapshot(cloud)
    before = by_id(cloud)
    assert {(r[LAST_SEEN], r[VANISHED]) for r in before.values()} == {(first, None)}

    delete(cloud, goes, returns)
    run = succeeded(night(cloud))
    second = snapshot(cloud)
    assert f"{LEASES}: 2 rows have vanished from the database since, and are kept\n" in run.stdout
    assert run.stderr == ""
    after = by_id(cloud)
    assert after.keys() == before.keys()
    assert after[goes] == before[goes] | {VANISHED: second}
    assert after[stays] == before[stays] | {LAST_SEEN: second}
    entry = cloud.manifest()["tables"][LEASES]
    assert (entry["rows"], entry["fall"], entry["vanished"]) == (len(before) - 2, 2, 2)

    marks = ", ".join(["%s"] * len(row))
    with cloud.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {LEASES} VALUES ({marks})", row)
    succeeded(night(cloud))
    third = snapshot(cloud)
    last = by_id(cloud)
    assert last[returns] == before[returns] | {LAST_SEEN: third, VANISHED: None}
    assert last[goes] == after[goes], "it vanished once"
    entry = cloud.manifest()["tables"][LEASES]
    assert (entry["rows"], entry["fall"], entry["vanished"]) == (len(before) - 1, 0, 1)
    assert cloud.manifest()["history"] is True


def test_history_can_begin_with_a_copy_that_kept_none(cloud: Cloud) -> None:
    succeeded(night(cloud, "--no-history"))
    first = snapshot(cloud)
    assert VANISHED not in pq.read_schema(cloud.file(LEASES)).names
    [gone] = ids(cloud, 1)
    delete(cloud, gone)
    succeeded(night(cloud))
    row = by_id(cloud)[gone]
    assert (row[LAST_SEEN], row[VANISHED]) == (first, snapshot(cloud))


def test_history_is_set_in_the_config_and_a_flag_wins(cloud: Cloud, tmp_path: Path) -> None:
    config = tmp_path / "site.yml"
    config.write_text(f"here: {{data_dir: '{cloud.data_dir}', history: true}}\n")
    for flags, kept in (([], True), (["--no-history"], False)):
        succeeded(usage("--config", config, "extract", *flags, env={"DATABASE_URI": cloud.account.uri}))
        assert (VANISHED in pq.read_schema(cloud.file(LEASES)).names) == kept


@pytest.mark.parametrize("manifest", ["with its manifest", "killed before its manifest", "after a subset without"])
def test_history_is_never_dropped_without_a_word(manifest: str, cloud: Cloud) -> None:
    succeeded(night(cloud))
    delete(cloud, *ids(cloud, 2))
    succeeded(night(cloud))
    if manifest == "after a subset without":
        succeeded(night(cloud, "--no-history", "--schema", "nova"))
    if manifest == "killed before its manifest":
        (cloud.data_dir / "_manifest.json").unlink()
    before = contents(cloud.data_dir)
    run = usage(*cloud.flags(), env={"DATABASE_URI": cloud.account.uri})
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        f"Error: {cloud.data_dir} holds 2 rows that have vanished from the database: go on with --history "
        "(history: true in the config), or drop them with --no-history\n"
    )
    assert contents(cloud.data_dir) == before
    run = succeeded(night(cloud, "--no-history"))
    assert f"Warning: {LEASES}: 2 rows that had vanished are kept no longer (--no-history)\n" in run.stderr
    assert VANISHED not in pq.read_schema(cloud.file(LEASES)).names


def test_false_in_the_config_drops_nothing(cloud: Cloud, tmp_path: Path) -> None:
    config = tmp_path / "site.yml"
    env = {"DATABASE_URI": cloud.account.uri}
    for history in ("true", "true", "false"):
        config.write_text(f"here: {{data_dir: '{cloud.data_dir}', history: {history}}}\n")
        run = usage("--config", config, "extract", env=env)
        assert run.returncode == (history == "false"), run.stderr
        delete(cloud, *ids(cloud, 1))
    assert "holds 1 rows that have vanished" in run.stderr


def test_history_without_any_vanished_row_may_be_left(cloud: Cloud) -> None:
    succeeded(night(cloud))
    run = succeeded(usage(*cloud.flags(), env={"DATABASE_URI": cloud.account.uri}))
    assert run.stderr == ""
    assert VANISHED not in pq.read_schema(cloud.file(LEASES)).names


def test_a_table_that_shrank_is_warned_of_without_history(cloud: Cloud) -> None:
    succeeded(night(cloud, "--no-history"))
    delete(cloud, *ids(cloud, 3))
    words = "17 now: what the cloud has purged is lost from here on; `history: true` keeps it\n"
    run = succeeded(night(cloud, "--no-history"))
    assert run.stderr == f"Warning: {LEASES}: 3 rows fewer than in the last extraction, {words}"
    assert cloud.manifest()["tables"][LEASES]["fall"] == 3
    assert succeeded(night(cloud, "--no-history")).stderr == "", "it did not shrink again"
    delete(cloud, *ids(cloud, 2))
    (cloud.data_dir / "_manifest.json").unlink()
    assert "2 rows fewer" in succeeded(night(cloud, "--no-history")).stderr, "without a manifest the files tell"


def test_a_failed_table_keeps_its_history_for_the_next_night(cloud: Cloud) -> None:
    succeeded(night(cloud))
    first = snapshot(cloud)
    [gone] = ids(cloud, 1)
    delete(cloud, gone)
    cloud.sql(f"RENAME TABLE {LEASES} TO blazar.hidden")
    assert night(cloud).returncode == 1
    assert by_id(cloud)[gone][VANISHED] is None
    cloud.sql(f"RENAME TABLE blazar.hidden TO {LEASES}")
    succeeded(night(cloud))
    row = by_id(cloud)[gone]
    assert (row[LAST_SEEN], row[VANISHED]) == (first, snapshot(cloud)), "the first snapshot of it without the row"


def test_another_server_refuses_to_merge(cloud: Cloud, tmp_path: Path) -> None:
    """The same tables in a second MariaDB: a wrong URI would make a whole cloud vanish."""
    succeeded(night(cloud))
    before = contents(cloud.data_dir)
    with servers.mariadb(tmp_path / "other") as other:
        database.create(other, small_site())
        moved = Cloud(other, database.grant(other), cloud.data_dir)
        delete(moved, *ids(moved, 1))
        run = night(moved)
        assert (run.returncode, run.stdout) == (1, "")
        host = cloud.sql("SELECT @@hostname")[0][0]
        assert run.stderr == (
            f"Error: {cloud.data_dir} holds the history of another server (host:{host}:{cloud.server.port}; this is "
            f"host:{host}:{other.port}); use another data_dir, or --accept-server if it is the same cloud after a move "
            "or a restore\n"
        )
        assert contents(cloud.data_dir) == before
        (cloud.data_dir / "_manifest.json").unlink()
        run = night(moved)
        assert run.returncode == 1
        assert f"Warning: {LEASES} failed: the earlier file is of another server, host:{host}:" in run.stderr
        del before["_manifest.json"]
        assert {name: content for name, content in contents(cloud.data_dir).items() if name in before} == before
        succeeded(night(moved, "--history", "--accept-server"))
        assert moved.manifest()["tables"][LEASES]["vanished"] == 1
        succeeded(night(moved))


def test_a_table_without_a_key_is_copied_and_told(cloud: Cloud) -> None:
    cloud.sql(
        "DROP TABLE blazar.reservations",
        "CREATE TABLE blazar.reservations (id int, lease_id int)",
        "INSERT INTO blazar.reservations VALUES (1, 1), (1, 2)",
    )
    run = night(cloud)
    assert "Warning: blazar.reservations: id repeats, so rows that vanish can't be kept\n" in run.stderr
    assert rows(cloud.file("blazar.reservations")) == [{"id": 1, "lease_id": 1}, {"id": 1, "lease_id": 2}]
    cloud.sql("ALTER TABLE blazar.reservations DROP COLUMN id")
    words = "no primary key and no id can be read, so rows that vanish can't be kept"
    assert f"Warning: blazar.reservations: {words}\n" in night(cloud).stderr
    assert rows(cloud.file("blazar.reservations")) == [{"lease_id": 1}, {"lease_id": 2}]
    cloud.sql("ALTER TABLE blazar.reservations ADD COLUMN id int AUTO_INCREMENT PRIMARY KEY")
    words = "the earlier file can't be compared (it has no id), so its history begins now"
    assert f"Warning: blazar.reservations: {words}\n" in night(cloud).stderr
    assert {r[VANISHED] for r in rows(cloud.file("blazar.reservations"))} == {None}


def test_a_key_that_is_lost_does_not_take_the_history_with_it(cloud: Cloud) -> None:
    """As when a grant on the id is revoked: the only copy of the vanished rows stays."""
    succeeded(night(cloud))
    delete(cloud, *ids(cloud, 2))
    succeeded(night(cloud))
    before = cloud.file(LEASES).read_bytes()
    cloud.sql(f"ALTER TABLE {LEASES} CHANGE id other_id varchar(255)")
    run = night(cloud)
    assert run.returncode == 1
    words = "no primary key and no id can be read, and its file keeps rows that have vanished"
    assert f"Warning: {LEASES} failed: {words}; " in run.stderr
    assert cloud.file(LEASES).read_bytes() == before
    cloud.sql(f"ALTER TABLE {LEASES} CHANGE other_id id varchar(255)")
    succeeded(night(cloud))
    assert cloud.manifest()["tables"][LEASES]["vanished"] == 2


def test_a_column_that_changes_its_type_stops_neither_its_table_nor_the_others(cloud: Cloud) -> None:
    cloud.sql(f"ALTER TABLE {LEASES} ADD COLUMN size bigint DEFAULT 5000000000, ADD COLUMN thing blob DEFAULT 0xff")
    succeeded(night(cloud))
    [gone] = ids(cloud, 1)
    delete(cloud, gone)
    cloud.sql(f"UPDATE {LEASES} SET size = 1, thing = 'é'", f"ALTER TABLE {LEASES} MODIFY size int, MODIFY thing text")
    succeeded(night(cloud))
    kept = by_id(cloud)
    assert (kept[gone]["size"], kept[gone]["thing"]) == (5000000000, b"\xff"), "the wider types stay"
    assert {(r["size"], r["thing"]) for i, r in kept.items() if i != gone} == {(1, "é".encode())}


def test_a_primary_key_of_the_database_wins_over_id(cloud: Cloud) -> None:
    cloud.sql(
        "DROP TABLE blazar.reservations",
        "CREATE TABLE blazar.reservations (id int, part int, lease_id int, resource_type int, PRIMARY KEY (id, part))",
        "INSERT INTO blazar.reservations VALUES (1, 1, 1, 1), (1, 2, 2, 2)",
    )
    succeeded(night(cloud))
    cloud.sql("DELETE FROM blazar.reservations WHERE part = 2")
    succeeded(night(cloud))
    assert [(r["part"], r[VANISHED] is None) for r in rows(cloud.file("blazar.reservations"))] == [
        (1, True),
        (2, False),
    ]


def test_a_history_that_can_not_be_read_is_not_replaced(cloud: Cloud) -> None:
    succeeded(night(cloud))
    cloud.file(LEASES).write_bytes(cloud.file(LEASES).read_bytes()[:-100])
    broken = cloud.file(LEASES).read_bytes()
    run = night(cloud)
    assert run.returncode == 1
    assert f"Warning: {LEASES} failed: its history in {cloud.file(LEASES)} can't be read: " in run.stderr
    assert cloud.file(LEASES).read_bytes() == broken
    cloud.file(LEASES).unlink()
    succeeded(night(cloud))


def test_history_on_s3(cloud: Cloud, s3: servers.S3) -> None:
    place = s3.make_bucket("history") + "/site"
    [gone] = ids(cloud, 1)
    succeeded(night(cloud, place=place, env=s3.env))
    delete(cloud, gone)
    succeeded(night(cloud, place=place, env=s3.env))
    told = json.loads(s3.fs().cat_file(f"{place}/_manifest.json"))
    kept = rows(f"{place}/{LEASES}.parquet".removeprefix("s3://"), filesystem=s3.fs())
    [row] = [r for r in kept if r[VANISHED]]
    assert (row["id"], row[VANISHED]) == (gone, datetime.fromisoformat(told["snapshot_at"]))
    assert len(kept) == len(small_site()[LEASES])
    run = night(cloud, "--schema", "blazar", place=place, env=s3.env)
    assert run.returncode == 1
    assert "holds 1 rows that have vanished from the database" in run.stderr
    assert "_extracting.json" not in str(s3.fs().ls(place, detail=False)), "the lock is given back"


def test_a_row_that_vanished_ends_when_it_was_first_missed(cloud: Cloud, tmp_path: Path) -> None:
    """Upstream blazar deletes a host for good: it was reservable until then, not for ever."""
    [(host,)] = cloud.sql(
        "SELECT min(h.id) FROM blazar.computehosts h JOIN nova.compute_nodes n USING (hypervisor_hostname)"
        " GROUP BY hypervisor_hostname"
        " HAVING count(*) = 1 AND min(h.deleted_at) IS NULL AND min(n.deleted_at) IS NULL ORDER BY 1 LIMIT 1"
    )
    succeeded(night(cloud))
    cloud.sql(f"DELETE FROM blazar.computehosts WHERE id = '{host}'")
    succeeded(night(cloud))
    process(cloud.data_dir, tmp_path / "out", window=("2024-01-01", "2030-01-01"))
    spans = rows(tmp_path / "out" / "here" / "spans.parquet")
    found = [s for s in spans if (s["source_table"], s["source_id"]) == ("blazar.computehosts", host)]
    assert {s["original_end_at"] for s in found} == {snapshot(cloud)}
    assert max(s["end_at"] for s in found) == snapshot(cloud)
