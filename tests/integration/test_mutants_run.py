"""tests.mutants tells a mutant from the project as it is."""

import pytest

from tests.mutant_list import MUTANTS, Mutant
from tests.mutants import BrokenMutant, Laboratory

SUPERSEDE = "macros/supersede.sql"
SEEDS = [0, 1]


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    return Laboratory(tmp_path_factory.mktemp("mutants"))


@pytest.mark.parametrize(
    ("file", "name"), [(SUPERSEDE, "backwards"), ("models/spans/bookings.sql", "ends with the later")]
)
def test_a_mutant_is_caught(file: str, name: str, laboratory: Laboratory) -> None:
    (mutant,) = (m for m in MUTANTS if (m.file, m.name) == (file, name))
    caught = laboratory.by_sites(mutant, [*range(20)])
    assert caught is not None
    assert "assert_same_spans" in caught


def test_the_project_as_it_is_passes_before_and_after(laboratory: Laboratory) -> None:
    """What is changed for a mutant is taken back. A parenthesis more makes the models anew, with the same rows."""
    same = Mutant(
        "parenthesis", SUPERSEDE, "coalesce(start_at < end_at, false)", "(coalesce(start_at < end_at, false))"
    )
    assert laboratory.by_sites(same, SEEDS) is None


def test_no_sql_is_no_mutant(laboratory: Laboratory) -> None:
    with pytest.raises(BrokenMutant, match="no_such_column"):
        laboratory.by_sites(Mutant("broken", SUPERSEDE, "start_at < end_at", "no_such_column < end_at"), SEEDS)
