"""Hundreds of small hostile sites in which everything collides: every number against the independent count.

Spans, usage, usage by project, and both in buckets of seven hours, which end in the middle of the window. The models
run by DuckDB alone (tests/compiled.py); test_numbers.py takes some of the sites all the way.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.compare import assert_equal
from tests.compiled import Plan, Project, write_tables
from tests.random_site import RANDOM_WINDOW, columns_of, full_site, required, shaped_site, to_tables, with_nulls

SITES_PER_SHAPE = 10
SHAPES = range(int(os.environ.get("RANDOM_SITES", "320")) // SITES_PER_SHAPE)
TABLES = sorted(full_site(0))
LACKING = [(name, None) for name in TABLES] + [(n, c) for n in TABLES for c in sorted(columns_of(n) - required(n))]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    names = {"start_date": RANDOM_WINDOW[0], "end_date": RANDOM_WINDOW[1], "resample": "7h"}
    made = Project(tmp_path_factory.mktemp("project"), without=("quality", "hours"), **names)
    made.plan(write_tables(to_tables(full_site(0)), tmp_path_factory.mktemp("first") / "site"))
    return made


def assert_equals_count(plan: Plan, data_dir: Path, has_blazar: bool = True) -> None:
    with plan.run(data_dir) as built:
        assert_equal(data_dir, built.rows, RANDOM_WINDOW, has_blazar, "7h")


@pytest.mark.parametrize("shape", SHAPES)
def test_sites_of_a_shape(shape: int, project: Project, tmp_path: Path) -> None:
    """Each shape has other tables and columns, each fifth no Blazar; RANDOM_SITES=2000 tries more of them."""
    has_blazar, plan = shape % 5 != 0, None
    for seed in range(shape * SITES_PER_SHAPE, (shape + 1) * SITES_PER_SHAPE):
        data_dir = write_tables(to_tables(*shaped_site(seed, shape)), tmp_path / f"site{seed}")
        plan = plan or project.plan(data_dir, has_blazar=has_blazar)
        assert_equals_count(plan, data_dir, has_blazar)


@pytest.mark.parametrize(("table", "column"), LACKING)
def test_sites_that_lack_one_table_or_column(table: str, column: str | None, project: Project, tmp_path: Path) -> None:
    site = full_site(LACKING.index((table, column)))
    columns = {name: columns_of(name) - ({column} if name == table else set()) for name in site}
    if column is None:
        del site[table]
    data_dir = write_tables(to_tables(site, columns), tmp_path / "site")
    staging = f"stg_{table.replace('.shadow_', '.').replace('.', '__')}"
    assert_equals_count(project.plan(data_dir, staging, "tracked"), data_dir)


@pytest.fixture(scope="module")
def full_plan(project: Project, tmp_path_factory) -> Iterator[Plan]:
    return project.plan(write_tables(to_tables(full_site(0)), tmp_path_factory.mktemp("full") / "site"))


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(
    seed=st.integers(0, 10**9),
    kept=st.fixed_dictionaries({name: st.sampled_from((0, 1, 2, 4, *[99] * 12)) for name in TABLES}),
    nulls=st.sampled_from((0, 0.05, 0.2)),
)
def test_any_site(seed: int, kept: dict[str, int], nulls: float, full_plan: Plan, tmp_path_factory) -> None:
    """A site that differs is shrunk to few rows."""
    site = with_nulls({name: rows[: kept[name]] for name, rows in full_site(seed).items()}, seed, nulls)
    columns = {name: columns_of(name) for name in site}
    assert_equals_count(full_plan, write_tables(to_tables(site, columns), tmp_path_factory.mktemp("any") / "site"))
