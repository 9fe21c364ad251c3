"""Random sites that lack one table, or a column that a release may lack: every number against the independent count."""

from pathlib import Path

import pytest

from tests.compare import assert_plan_equals_count
from tests.compiled import Project, write_tables
from tests.random_site import columns_of, full_site, required, to_tables

TABLES = sorted(full_site(0))
LACKING = [(name, None) for name in TABLES] + [(n, c) for n in TABLES for c in sorted(columns_of(n) - required(n))]


@pytest.mark.parametrize(("table", "column"), LACKING)
def test_a_site_that_lacks(table: str, column: str | None, random_project: Project, tmp_path: Path) -> None:
    """Without a column it is one table."""
    site = full_site(LACKING.index((table, column)))
    columns = {name: columns_of(name) - ({column} if name == table else set()) for name in site}
    if column is None:
        del site[table]
    data_dir = write_tables(to_tables(site, columns), tmp_path / "site")
    staging = f"stg_{table.replace('.shadow_', '.').replace('.', '__')}"
    assert_plan_equals_count(random_project.plan(data_dir, staging, "tracked"), data_dir)
