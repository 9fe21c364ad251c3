"""The catalogue in models/staging/_*.yml: complete, described, and one staging model a table."""

import re

import pytest
import yaml

from loader import catalogue
from loader.errors import UsageError

STAGING = catalogue.project_dir() / "models" / "staging"
STORED = ("total", "reservable", "committed", "occupied_reservation", "occupied_ondemand")
SECRET_COLUMNS = {
    "nova.instances": {"user_data", "key_data"},
    "nova.shadow_instances": {"user_data", "key_data"},
    "zun.container": {"environment", "websocket_url", "websocket_token", "command"},
    "ironic.nodes": {"driver_info", "instance_info", "extra", "driver_internal_info"},
    "nova.instance_extra": {"keypairs", "trusted_certs"},
    "nova.shadow_instance_extra": {"keypairs", "trusted_certs"},
    # a row as JSON, with all of its columns
    "openstack_audit.audit_nova_instances": {"data"},
    "openstack_audit.audit_ironic_nodes": {"data"},
}
BULKY_COLUMNS = {
    "nova.compute_nodes": {"cpu_info", "supported_instances"},
    "nova.shadow_compute_nodes": {"cpu_info", "supported_instances"},
    "blazar.computehosts": {"cpu_info"},
    "nova.instance_actions_events": {"traceback"},
    "nova.shadow_instance_actions_events": {"traceback"},
    "zun.container_actions_events": {"traceback"},
}
ONLY_COLUMNS = {
    "ironic.nodes": {
        *("id", "uuid", "name", "properties", "resource_class", "provision_state"),
        *("maintenance", "maintenance_reason", "created_at", "updated_at"),
    },
    "nova.instance_extra": {
        *("id", "instance_uuid", "flavor", "pci_requests", "created_at", "updated_at", "deleted_at"),
    },
}
REQUIRED = {
    *("nova.compute_nodes", "nova.instances", "nova.instance_actions", "nova.instance_actions_events"),
    *("nova_api.request_specs", "blazar.computehosts", "blazar.leases", "blazar.reservations"),
    *("blazar.instance_reservations", "blazar.computehost_allocations"),
}
NOVA = ("compute_nodes", "instances", "instance_actions", "instance_actions_events", "instance_extra", "migrations")
LEGACY = ("node_usage_report_cache", "node_count_cache", "node_usage", "node_event", "node_maintenance")
DEVICES = ("devices", "device_allocations", "device_reservations", "device_extra_capabilities")
HOSTS = ("computehost_allocations", "computehost_reservations", "computehost_extra_capabilities", "computehosts")
BLAZAR = (*HOSTS, *DEVICES, "leases", "reservations", "instance_reservations", "resource_properties")
AUDITED = {
    *(f"blazar_{t}" for t in BLAZAR),
    *("nova_compute_nodes", "nova_services", "nova_instances", "nova_instance_actions", "nova_instance_actions_events"),
    "ironic_nodes",
}
EXPECTED = {
    *(f"nova.{prefix}{t}" for t in NOVA for prefix in ("", "shadow_")),
    *("nova.services", "nova_api.request_specs", "nova_api.flavors", "ironic.nodes", "keystone.project"),
    *(f"blazar.{t}" for t in BLAZAR),
    *("zun.container", "zun.container_actions", "zun.container_actions_events"),
    *(f"chameleon_usage.{t}" for t in (*LEGACY, "node_project_usage_report_cache")),
    *(f"openstack_audit.audit_{t}" for t in AUDITED),
}
TABLES = catalogue.load()
READ = [f"{s}.{t}" for p in STAGING.glob("stg_*.sql") for s, t in [p.stem.removeprefix("stg_").split("__")]]


def model_name(table: catalogue.Table) -> str:
    return f"stg_{table.schema}__{table.name}"


def test_the_tables_are_those_of_the_specification() -> None:
    assert TABLES.keys() == EXPECTED
    assert len(AUDITED) == 18
    assert {name for name, table in TABLES.items() if not table.optional} == REQUIRED


def test_a_staging_model_reads_a_table_of_the_catalogue_and_every_required_one_is_read() -> None:
    assert set(READ) <= TABLES.keys()
    assert set(READ) >= REQUIRED


@pytest.mark.parametrize("name", READ)
def test_the_staging_model_reads_its_own_table(name: str) -> None:
    schema, table = name.split(".")
    text = (STAGING / f"{model_name(TABLES[name])}.sql").read_text()
    macro = "raw_archived" if f"{schema}.shadow_{table}" in TABLES else "raw"
    assert re.findall(rf"{macro}\('(\w+)', '(\w+)'(?:, 'uuid')?\)", text) == [(schema, table)]


def test_every_staging_model_is_described_beside_its_source() -> None:
    for file in STAGING.glob("_*.yml"):
        content = yaml.safe_load(file.read_text())
        schema = file.stem.removeprefix("_")
        assert [s["name"] for s in content["sources"]] == [schema]
        described = {m["name"]: m.get("description", "") for m in content.get("models", ())}
        assert described.keys() == {model_name(TABLES[name]) for name in READ if TABLES[name].schema == schema}, file
        assert all(d.startswith("One row per ") for d in described.values()), file


@pytest.mark.parametrize("name", TABLES)
def test_every_table_says_what_a_row_is_and_why_it_is_read_or_kept(name: str) -> None:
    table = TABLES[name]
    assert re.fullmatch(r"One row per .*; (read|kept) .*\.", table.description, re.DOTALL)
    assert set(table.metrics) <= set(STORED)
    assert table.metrics or table.optional


@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_a_type_and_a_description(name: str) -> None:
    for column in TABLES[name].columns.values():
        assert column.data_type in ("bigint", "double", "timestamp", "varchar"), column
        assert len(column.description) > 4, column
        assert column.description[-1] in ".`…", column


@pytest.mark.parametrize("name", READ)
def test_no_table_is_read_without_its_required_columns(name: str) -> None:
    assert [c.name for c in TABLES[name].columns.values() if c.required]


@pytest.mark.parametrize("name", TABLES)
def test_where_some_columns_are_never_copied_the_others_are_named(name: str) -> None:
    """A grant on the whole table would show the secret ones, too."""
    table = TABLES[name]
    assert (table.copied is not None) == bool(table.never_copied)
    copied = table.copied or ()
    assert len(copied) == len(set(copied))
    assert not table.never_copied & set(copied)
    assert table.since.keys() <= {*copied, *table.columns}
    required = {c.name for c in table.columns.values() if c.required}
    assert table.copied is None or required <= set(copied)


def test_archived_rows_have_the_columns_of_live_ones() -> None:
    for name in NOVA:
        live, shadow = TABLES[f"nova.{name}"], TABLES[f"nova.shadow_{name}"]
        assert shadow.optional
        for field in ("columns", "copied", "never_copied", "since", "metrics"):
            assert getattr(shadow, field) == getattr(live, field), (name, field)


def test_no_column_is_named_twice() -> None:
    for file in STAGING.glob("_*.yml"):
        for source in yaml.safe_load(file.read_text())["sources"]:
            for table in source["tables"]:
                names = [c["name"].lower() for c in table["columns"]]
                assert len(names) == len(set(names)), table["name"]


@pytest.mark.parametrize("name", TABLES)
def test_columns_that_are_never_copied_are_not_read(name: str) -> None:
    assert not TABLES[name].never_copied & TABLES[name].columns.keys()


@pytest.mark.parametrize("columns", [SECRET_COLUMNS, BULKY_COLUMNS], ids=["secret", "bulky"])
def test_columns_with_secrets_or_bulk_are_never_copied(columns: dict[str, set[str]]) -> None:
    for name, names in columns.items():
        assert names <= TABLES[name].never_copied, name


def test_of_some_tables_exactly_these_columns_are_copied() -> None:
    for name, names in ONLY_COLUMNS.items():
        assert set(TABLES[name].copied) == names


def test_tables_are_chosen_by_their_database() -> None:
    assert catalogue.choose(()) == list(TABLES.values())
    assert {t.full_name for t in catalogue.choose(("zun", "nova_api"))} == {
        n for n in EXPECTED if n.startswith(("zun.", "nova_api."))
    }
    with pytest.raises(UsageError, match="unknown schema 'cinder'; known are blazar, nova, nova_api, "):
        catalogue.choose(("nova", "cinder"))


def test_required_tables_come_first() -> None:
    assert [t.optional for t in TABLES.values()] == sorted(t.optional for t in TABLES.values())
    assert {t.optional for t in TABLES.values()} == {False, True}


def test_the_key_of_a_table_is_its_full_name() -> None:
    assert {t.full_name: t for t in TABLES.values()} == TABLES
    assert TABLES["nova.instances"].schema == "nova"
