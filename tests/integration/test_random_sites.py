"""Hundreds of small hostile sites in which everything collides: every number against the independent count.

Spans, usage, usage by project, and both in buckets of seven hours, which end in the middle of the window. The models
run by DuckDB alone (tests/compiled.py); test_numbers.py takes some of the sites all the way.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.compare import assert_plan_equals_count
from tests.compiled import Plan, Project, write_tables
from tests.random_site import columns_of, full_site, shaped_site, shuffled, to_tables, with_nulls

SITES_PER_SHAPE = 10
SHAPES = range(int(os.environ.get("RANDOM_SITES", "320")) // SITES_PER_SHAPE)
TABLES = sorted(full_site(0))


@pytest.mark.parametrize("shape", SHAPES)
def test_sites_of_a_shape(shape: int, random_project: Project, tmp_path: Path) -> None:
    """Each shape has other tables and columns, each fifth no Blazar; rows lie in any order. RANDOM_SITES=2000: more."""
    has_blazar, plan = shape % 5 != 0, None
    for seed in range(shape * SITES_PER_SHAPE, (shape + 1) * SITES_PER_SHAPE):
        data_dir = write_tables(shuffled(to_tables(*shaped_site(seed, shape)), seed), tmp_path / f"site{seed}")
        plan = plan or random_project.plan(data_dir, has_blazar=has_blazar)
        assert_plan_equals_count(plan, data_dir, has_blazar)


@pytest.fixture(scope="module")
def full_plan(random_project: Project, tmp_path_factory) -> Plan:
    return random_project.plan(write_tables(to_tables(full_site(0)), tmp_path_factory.mktemp("full") / "site"))


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
    assert_plan_equals_count(full_plan, write_tables(to_tables(site, columns), tmp_path_factory.mktemp("any") / "site"))
