"""The data tests of every build (tests/generic/): silent on a sound site, and each finds what is damaged."""

import pytest

from tests.commands import CHECKOUT
from tests.compiled import Project, write_tables
from tests.damages import DAMAGES, Sound, sound_site
from tests.mutants import variables_of
from tests.random_site import random_site, to_tables

SEED = 1


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    work = tmp_path_factory.mktemp("site")
    project = Project(work / "dbt", **variables_of(SEED))
    return sound_site(project, write_tables(to_tables(random_site(SEED)), work / "data"), **variables_of(SEED))


def test_a_sound_site_passes(sound: Sound) -> None:
    assert sound.wrong() == {}


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_a_damage_is_found(name: str, damage: str, sound: Sound) -> None:
    assert sound.finds(name, damage)


def test_every_generic_test_has_a_damage() -> None:
    tested = {name for name, _ in DAMAGES}
    for file in (CHECKOUT / "tests/generic").glob("*.sql"):
        named = "every_reservable_row" if file.stem == "every_row_audited" else file.stem
        assert any(name.startswith(named) for name in tested), file
