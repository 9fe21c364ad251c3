"""The main job on real input: MariaDB, extract, process; every number against an independent count."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loader import catalogue, sample
from tests import database, servers
from tests.commands import OUTPUTS, WINDOW, contents, metadata, process, rows, succeeded, usage
from tests.compare import assert_equals_count, series
from tests.compiled import write_tables
from tests.random_site import RANDOM_BUCKET, RANDOM_WINDOW, random_site, shuffled, to_tables

SEEDS = range(6)


@pytest.fixture(scope="module", params=sample.KINDS)
def site(request, mariadb: servers.MariaDB, tmp_path_factory) -> tuple[str, Path]:
    """A sample site, extracted from a real MariaDB by a user that has only the printed grants."""
    tables = sample.generate(request.param)
    database.create(mariadb, tables)
    account = database.grant(mariadb)
    data_dir = tmp_path_factory.mktemp("data") / request.param
    schemas = [part for schema in {name.split(".")[0] for name in tables} for part in ("--schema", schema)]
    run = usage("extract", "--data-dir", data_dir, *schemas, env={"DATABASE_URI": account.uri})
    lacks_required = request.param == "edge"  # this one has no hosts at all, so their tables are missed
    assert run.returncode == int(lacks_required), run.stderr
    return request.param, data_dir


def test_extracted_files_are_the_tables(site) -> None:
    kind, data_dir = site
    tables = sample.generate(kind)
    files = {p.name.removesuffix(".parquet") for p in data_dir.glob("*.parquet")}
    assert files == set(tables)
    for name, table in tables.items():
        copied = pq.read_table(data_dir / f"{name}.parquet")
        for column in table.column_names:
            assert copied[column].to_pylist() == table[column].to_pylist(), (name, column)
            if pa.types.is_timestamp(table.schema.field(column).type):
                assert copied.schema.field(column).type == pa.timestamp("us")
        assert copied.column_names == [*table.column_names, *database.others(name)]
        assert not catalogue.load()[name].never_copied & set(copied.column_names)


def test_secrets_stay_in_the_database(site) -> None:
    for name, content in contents(site[1]).items():
        assert database.SECRET.encode() not in content, name
        assert database.PASSWORD.encode() not in content, name


def test_every_number_of_a_sample_site(site, tmp_path: Path) -> None:
    _, data_dir = site
    process(data_dir, tmp_path, "here")
    count = assert_equals_count(data_dir, tmp_path / "here", WINDOW)
    assert any(not s["is_valid"] for s in count.spans), "the sample must hold the awkward cases"


def test_window_and_run_are_in_the_metadata(site, tmp_path: Path) -> None:
    process(site[1], tmp_path, "here", window=("2024-02-01T00:00:00+06:00", "2024-03-01"))
    usage_facts, span_facts = (metadata(tmp_path / "here" / f"{name}.parquet") for name in ("usage", "spans"))
    assert usage_facts == span_facts
    assert len(usage_facts.pop("run_id")) == 36
    assert re.fullmatch("[0-9a-f]{64}", usage_facts.pop("inputs"))
    assert usage_facts == {
        "schema_version": "1",
        "site": "here",
        "start_date": "2024-01-31T18:00:00.000000",
        "end_date": "2024-03-01T00:00:00.000000",
        "snapshot_at": json.loads((site[1] / "_manifest.json").read_text())["snapshot_at"],
    }
    assert min(r["timestamp"] for r in rows(tmp_path / "here/usage.parquet")).isoformat() == "2024-01-31T18:00:00"


def test_two_windows_end_to_end_equal_one(site, tmp_path: Path) -> None:
    """A value holds over the seam, so the second window's first row adds nothing unless something changed just then."""
    _, data_dir = site
    whole = series(rows(processed(data_dir, tmp_path / "whole", ("2024-03-01", "2024-09-01"))))
    first = series(rows(processed(data_dir, tmp_path / "first", ("2024-03-01", "2024-06-10T12:34:56"))))
    second = series(rows(processed(data_dir, tmp_path / "second", ("2024-06-10T12:34:56", "2024-09-01"))))
    assert whole.keys() == first.keys() == second.keys()
    for name, points in whole.items():
        joined = first[name]
        joined += [p for i, p in enumerate(second[name]) if i or p[1] != joined[-1][1]]
        assert joined == points, name


def processed(data_dir: Path, output: Path, window: tuple[str, str]) -> Path:
    process(data_dir, output, "here", window)
    return output / "here/usage.parquet"


def test_every_number_of_random_sites(tmp_path: Path) -> None:
    """Some of the sites of test_random_sites.py by the command, with every data test; each fifth without Blazar."""
    lines = []
    for seed in SEEDS:
        data = tmp_path / "data" / f"s{seed}"
        write_tables(to_tables(random_site(seed)), data)
        lines.append(f"s{seed}: {{data_dir: '{data}', blazar: {str(has_blazar(seed)).lower()}}}\n")
    config = tmp_path / "site.yml"
    config.write_text("".join(lines))
    window = ("--start-date", RANDOM_WINDOW[0], "--end-date", RANDOM_WINDOW[1], "--resample", RANDOM_BUCKET)
    succeeded(usage("--config", config, "process", "--output", tmp_path / "out", *window))
    for seed in SEEDS:
        folders = (tmp_path / "data" / f"s{seed}", tmp_path / "out" / f"s{seed}")
        assert_equals_count(*folders, RANDOM_WINDOW, has_blazar(seed), RANDOM_BUCKET)


def has_blazar(seed: int) -> bool:
    return seed % 5 != 0


@pytest.mark.parametrize(
    ("window", "step"),
    [
        (("2024-01-31", "2024-07-15"), "1mo"),  # ends on 29 February, 31 March, 30 April, …; the last bucket is short
        (("2023-02-28T12:00:00", "2025-03-01"), "1y"),  # over a leap day; data begin before and end after
        (("2024-02-27", "2024-03-03"), "90m"),  # over a leap day, in short steps
        (("2024-03-01", "2024-03-20"), "1w"),
    ],
)
def test_buckets_of_every_length(window: tuple[str, str], step: str, tmp_path: Path) -> None:
    sample.write("kvm", tmp_path / "raw")
    process(tmp_path / "raw", tmp_path / "out", window=window, flags=["--resample", step])
    assert_equals_count(tmp_path / "raw", tmp_path / "out" / "here", window, resample=step)


def test_without_resample_files_of_an_earlier_window_are_gone(tmp_path: Path) -> None:
    """All files in a folder are of one run."""
    sample.write("edge", tmp_path / "raw")
    process(tmp_path / "raw", tmp_path / "out", flags=["--resample", "1d"])
    resampled = ["usage_by_project_resampled.parquet", "usage_resampled.parquet"]
    assert sorted(contents(tmp_path / "out/here")) == sorted([*OUTPUTS, *resampled])
    process(tmp_path / "raw", tmp_path / "out")
    assert sorted(contents(tmp_path / "out/here")) == OUTPUTS


@pytest.mark.parametrize("kind", sample.KINDS)
def test_the_order_of_rows_does_not_matter(kind: str, tmp_path: Path) -> None:
    tables = sample.generate(kind)
    process(write_tables(tables, tmp_path / "raw"), tmp_path / "out")
    process(write_tables(shuffled(tables, 7), tmp_path / "shuffled"), tmp_path / "out_of_shuffled")
    for name in OUTPUTS:
        first, second = (pq.ParquetFile(tmp_path / out / "here" / name) for out in ("out", "out_of_shuffled"))
        assert first.read().equals(second.read()), name
