"""The list of mutants fits the SQL as it is now."""

from pathlib import Path

import pytest

from tests.commands import CHECKOUT
from tests.mutant_list import MUTANTS, Mutant

# They run and publish the models, and change no number: tests/integration/test_publishing.py, test_dbt.py.
OTHER_MACROS = {"macros/database.sql", "macros/materializations.sql", "macros/published.sql"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.file}: {mutant.name}")
def test_the_old_text_is_there_once(mutant: Mutant) -> None:
    assert (CHECKOUT / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.new != mutant.old


def test_names_are_unique() -> None:
    assert len({(mutant.file, mutant.name) for mutant in MUTANTS}) == len(MUTANTS)


def test_a_named_test_is_there() -> None:
    files = {mutant.test.split()[0] for mutant in MUTANTS if mutant.test}
    assert not [file for file in files if not (CHECKOUT / file).exists()]


def test_every_file_has_a_mutant() -> None:
    folders = ("macros", "models/spans", "models/usage", "tests/generic")
    files = {str(Path(folder) / file.name) for folder in folders for file in (CHECKOUT / folder).glob("*.sql")}
    assert files - {mutant.file for mutant in MUTANTS} == OTHER_MACROS
