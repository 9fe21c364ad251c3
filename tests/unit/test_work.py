"""Temporary folders: gone however a run ends, at whatever instant the signal comes."""

import tempfile
from pathlib import Path

import pytest

from loader import work
from loader.errors import Interrupted


@pytest.fixture
def temp(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_only_its_owner_may_look_into_a_work_folder_and_it_goes_with_what_is_in_it(temp: Path) -> None:
    with work.work_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert list(temp.iterdir()) == [folder]
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
    assert list(temp.iterdir()) == []


def test_a_signal_right_after_the_folder_was_made_leaves_nothing(temp: Path, monkeypatch) -> None:
    make = Path.mkdir

    def made_and_interrupted(*given, **named) -> None:
        make(*given, **named)
        raise Interrupted(15)

    monkeypatch.setattr(Path, "mkdir", made_and_interrupted)
    with pytest.raises(Interrupted), work.work_folder():
        raise AssertionError("not reached")
    assert list(temp.iterdir()) == []


def test_a_folder_whose_generator_was_not_resumed_is_removed_at_the_end(temp: Path) -> None:
    """A signal in contextlib's own code, between its call of the generator and the body, ends the process so."""
    begun = work.work_folder()
    folder = begun.__enter__()
    assert list(temp.iterdir()) == [folder]
    work.remove_work_folders()
    assert list(temp.iterdir()) == []
