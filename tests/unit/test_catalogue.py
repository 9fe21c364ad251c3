"""The catalogue in models/staging/_*.yml: complete, described, and one staging model a table."""

import re

import pytest
import yaml

from loader import catalogue

STAGING = catalogue.project_dir() / "models" / "staging"
STORED = ("total", "reservable", "committed", "occupied_reservation", "occupied_ondemand")
SECRET_COLUMNS = {
    "nova.instances": {"user_data", "key_data"},
    "nova.instance_actions_events": {"traceback"},
    "zun.container": {"environment", "websocket_url", "websocket_token", "command"},
}
TABLES = catalogue.load()


def model_name(table: catalogue.Table) -> str:
    return f"stg_{table.schema}__{table.name}"


def test_every_table_has_its_staging_model_and_there_is_no_other() -> None:
    assert {p.stem for p in STAGING.glob("*.sql")} == {model_name(t) for t in TABLES.values()}


@pytest.mark.parametrize("name", TABLES)
def test_the_staging_model_reads_its_own_table(name: str) -> None:
    schema, table = name.split(".")
    text = (STAGING / f"{model_name(TABLES[name])}.sql").read_text()
    assert re.findall(r"raw\('(\w+)', '(\w+)'\)", text) == [(schema, table)]


def test_every_staging_model_is_described_beside_its_source() -> None:
    for file in STAGING.glob("_*.yml"):
        content = yaml.safe_load(file.read_text())
        tables = [t["name"] for s in content["sources"] for t in s["tables"]]
        assert [s["name"] for s in content["sources"]] == [file.stem.removeprefix("_")]
        described = {m["name"]: m.get("description", "") for m in content["models"]}
        assert described.keys() == {f"stg_{file.stem.removeprefix('_')}__{t}" for t in tables}, file
        assert all(d.startswith("One row per ") for d in described.values()), file


@pytest.mark.parametrize("name", TABLES)
def test_every_table_says_what_a_row_is_and_why_it_is_read(name: str) -> None:
    table = TABLES[name]
    assert re.fullmatch(r"One row per .*; read .*\.", table.description, re.DOTALL)
    assert table.metrics
    assert set(table.metrics) <= set(STORED)


@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_a_type_and_a_description(name: str) -> None:
    table = TABLES[name]
    assert table.columns
    for column in table.columns.values():
        assert column.data_type in ("bigint", "double", "timestamp", "varchar"), column
        assert len(column.description) > 4, column
        assert column.description[-1] in ".`…", column


@pytest.mark.parametrize("name", TABLES)
def test_no_table_is_usable_without_its_required_columns(name: str) -> None:
    assert [c.name for c in TABLES[name].columns.values() if c.required]


def test_no_column_is_named_twice() -> None:
    for file in STAGING.glob("_*.yml"):
        for source in yaml.safe_load(file.read_text())["sources"]:
            for table in source["tables"]:
                names = [c["name"].lower() for c in table["columns"]]
                assert len(names) == len(set(names)), table["name"]


@pytest.mark.parametrize("name", TABLES)
def test_columns_that_are_never_copied_are_not_read(name: str) -> None:
    assert not TABLES[name].never_copied & TABLES[name].columns.keys()


def test_columns_with_secrets_of_users_are_never_copied() -> None:
    for name, columns in SECRET_COLUMNS.items():
        assert columns <= TABLES[name].never_copied, name


def test_required_tables_come_first() -> None:
    assert [t.optional for t in TABLES.values()] == sorted(t.optional for t in TABLES.values())
    assert {t.optional for t in TABLES.values()} == {False, True}


def test_the_key_of_a_table_is_its_full_name() -> None:
    assert {t.full_name: t for t in TABLES.values()} == TABLES
    assert TABLES["nova.instances"].schema == "nova"
