"""A database whose names and values are made to be run: they are copied as they are, and nothing of them is run."""

from pathlib import Path

import pyarrow.parquet as pq

from loader.mysql import quote
from tests.cloud import Cloud
from tests.commands import metadata, process, rows, succeeded

NAMES = [
    "a`b",
    "'; DROP TABLE nova.instances; --",
    '" or ""="',
    "%s %d {0}",
    "{{ 1 / 0 }}",
    "{% do x %}",
    "../../x",
    "a.b",
    "select",
    "naïve 李",
    "two\nlines",
    "\\",
    "a▶b",
    " padded",
]
TABLE = "blazar.leases"


def test_names_and_values_are_copied_and_not_run(cloud: Cloud, tmp_path: Path) -> None:
    columns = ", ".join(f"ADD COLUMN {quote(name)} TEXT" for name in NAMES)
    cloud.sql(f"ALTER TABLE {TABLE} {columns}")
    changes = ", ".join(quote(name).replace("%", "%%") + " = %s" for name in NAMES)  # pymysql formats the text
    with cloud.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET project_id = %s, {changes}", ["'{{ 1 / 0 }}", *NAMES])
    ran = succeeded(cloud.extract())
    assert ran.stderr == ""
    found = rows(cloud.file(TABLE))
    assert found and set(NAMES) <= set(pq.read_schema(cloud.file(TABLE)).names)
    for row in found:
        assert {name: row[name] for name in NAMES} == {name: name for name in NAMES}
        assert row["project_id"] == "'{{ 1 / 0 }}"
    process(cloud.data_dir, tmp_path / "out")
    assert metadata(tmp_path / "out/here/usage.parquet")["site"] == "here"
    projects = {row["project_id"] for row in rows(tmp_path / "out/here/spans.parquet") if row["metric"] == "committed"}
    assert projects - {None} == {"'{{ 1 / 0 }}"}
