"""Object storage instead of folders, on a real S3 server: same files, same numbers; refusals change nothing."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loader import sample
from tests import database, s3_proxy, servers
from tests.commands import OUTPUTS, WINDOW, contents, process, rows, succeeded, usage

FLAGS = ("--start-date", WINDOW[0], "--end-date", WINDOW[1])


@pytest.fixture(scope="module")
def bucket(s3: servers.S3, mariadb: servers.MariaDB, tmp_path_factory) -> tuple[str, Path]:
    """A bucket with a site extracted into it, and a local copy of the same extraction."""
    s3.make_bucket("usage-test")
    tables = sample.generate("kvm")
    database.create(mariadb, tables)
    account = database.grant(mariadb, "s3_exporter")
    local = tmp_path_factory.mktemp("local")
    place = "s3://usage-test/kvm"
    for data_dir in (place, str(local)):
        succeeded(usage("extract", "--db-uri", account.uri, "--data-dir", data_dir, env=s3.env))
    return place, local


def test_extract_to_s3_equals_extract_to_disk(bucket, s3: servers.S3) -> None:
    place, local = bucket
    there = {name.rsplit("/", 1)[1]: name for name in s3.fs().find(place)}
    here = contents(local)
    assert there.keys() == here.keys()
    for name in here.keys() - {"_manifest.json"}:  # which says when, as the files' metadata do
        copied, expected = pq.read_table(there[name], filesystem=s3.fs()), pq.read_table(local / name)
        assert copied.equals(expected), name
        assert copied.schema.equals(expected.schema), name


def test_process_from_s3_to_s3_equals_local(bucket, s3: servers.S3, tmp_path: Path) -> None:
    place, local = bucket
    process(place, "s3://usage-test/out", env=s3.env)
    process(local, tmp_path)
    found = sorted(name.rsplit("/", 1)[1] for name in s3.fs().find("s3://usage-test/out/here"))
    assert found == OUTPUTS
    for name in found:
        assert rows(f"usage-test/out/here/{name}", s3.fs()) == rows(tmp_path / "here" / name)


def test_only_the_columns_that_are_needed_are_read(s3: servers.S3, tmp_path: Path) -> None:
    """A column that no model reads, of 16 MB in every row group, and whose place is before all others."""
    s3.make_bucket("columns-test")
    sample.write("kvm", tmp_path / "data")
    file = tmp_path / "data/nova.instances.parquet"
    table = pq.read_table(file)
    noise = [os.urandom(16 << 20 if row % 100 == 0 else 1) for row in range(table.num_rows)]
    pq.write_table(table.add_column(0, "user_data", pa.array(noise)), file, row_group_size=100)
    assert file.stat().st_size > 3 * (16 << 20)
    s3.fs().put(str(tmp_path / "data"), "columns-test/data", recursive=True)
    with s3_proxy.proxied(s3, lambda _: None) as proxy:
        process("s3://columns-test/data", tmp_path / "out", env=proxy.env)
    assert 0 < proxy.read[file.name] < 1 << 20


def test_s3_that_refuses_writes(bucket, s3: servers.S3) -> None:
    """Credentials that may read but not write: the earlier objects stay, the message names the object."""
    place, _ = bucket
    output = "s3://usage-test/refused"
    process(place, output, window=("2024-02-01", "2024-03-01"), env=s3.env)
    before = {name: s3.fs().cat_file(name) for name in s3.fs().find(output)}
    run = usage("--site", "here", "--data-dir", place, "process", "--output", output, *FLAGS, env=s3.reader_env)
    assert run.returncode == 1
    assert f"cannot publish {output}/here/{OUTPUTS[0]}" in run.stderr
    assert "Traceback" not in run.stderr
    assert {name: s3.fs().cat_file(name) for name in s3.fs().find(output)} == before


def test_extract_to_s3_that_refuses(bucket, s3: servers.S3, mariadb: servers.MariaDB) -> None:
    place, _ = bucket
    before = {name: s3.fs().cat_file(name) for name in s3.fs().find(place)}
    account = database.grant(mariadb, "s3_exporter")
    run = usage("extract", "--db-uri", account.uri, "--data-dir", place, env=s3.reader_env)
    assert run.returncode == 1
    assert f"cannot write to {place}: " in run.stderr
    assert "Traceback" not in run.stderr
    for secret in (database.PASSWORD, s3.reader_env["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in run.stdout + run.stderr
    assert {name: s3.fs().cat_file(name) for name in s3.fs().find(place)} == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "s3://usage-test/kvm"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "127.0.0.1:1"),
        ({"AWS_ENDPOINT_URL": '"http://127.0.0.1:1"'}, "AWS_ENDPOINT_URL is quoted"),
        ({"AWS_ENDPOINT_URL": "http://under_score:1"}, "no DNS label"),
        ({"AWS_ENDPOINT_URL": "127.0.0.1:1"}, "must look like https://host:port"),
    ],
)
def test_s3_that_cannot_be_read(change, says, bucket, s3: servers.S3, tmp_path: Path) -> None:
    run = usage("--site", "here", "--data-dir", bucket[0], "process", "--output", tmp_path, *FLAGS, env=s3.env | change)
    assert run.returncode in (1, 2)
    assert says in run.stderr, run.stderr
    assert "Traceback" not in run.stderr
    assert not contents(tmp_path)


def test_two_sites_at_once_in_object_storage(bucket, s3: servers.S3, tmp_path: Path) -> None:
    """Twice: the second time the parent has looked at the outputs before it forks."""
    place, _ = bucket
    sample.write("edge", tmp_path / "edge")
    (tmp_path / "site.yml").write_text(f"kvm: {{data_dir: '{place}'}}\nedge: {{data_dir: '{tmp_path}/edge'}}\n")
    flags = ["--config", tmp_path / "site.yml", "process", "--output", "s3://usage-test/two", "--jobs", "2", *FLAGS]
    for _ in range(2):
        ran = succeeded(usage(*flags, env=s3.env))
        assert ran.stderr == ""
    found = {name.split("/", 2)[2] for name in s3.fs().find("s3://usage-test/two")}
    assert found == {f"{site}/{name}" for site in ("kvm", "edge") for name in OUTPUTS}
