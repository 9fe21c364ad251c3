"""The ratios in the table of benchmarks/README.md: of rounds, and from the commands themselves."""

import sys
from pathlib import Path

import pytest

from benchmarks import rows
from benchmarks.rows import Bench, Measured, Row


def test_a_ratio_of_rows_in_turn_is_the_median_of_the_rounds():
    # the machine is half as fast in the last two rounds: by round 2, 1.5 and 2.5; of the medians 30 / 20 = 1.5
    slow = Row("slow", wall=30, walls=[20, 30, 50], turn=1)
    quick = Row("quick", wall=20, walls=[10, 20, 20], turn=1)
    assert slow.ratio(quick) == 2


def test_a_ratio_of_rows_of_other_rounds_is_that_of_the_medians():
    assert Row("a", wall=30, walls=[20, 30, 50], turn=1).ratio(Row("b", wall=20, walls=[10, 20], turn=2)) == 1.5


def test_a_command_that_failed_has_no_ratio_and_misses_its_target():
    row = Row("failed", turn=1)
    row.at_most(2, Row("b", wall=20, walls=[20], turn=1), "b")
    assert (row.target, row.passed) == ("≤ 2 × b", False)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(rows, "WORK", tmp_path)
    return Bench(2)


def test_commands_in_turn_run_round_by_round(bench: Bench, tmp_path: Path):
    file = tmp_path / "order"
    commands = [Measured(name, ["sh", "-c", f"printf {name} >>{file}"]) for name in "abc"]
    assert [(row.name, len(row.walls)) for row in bench.in_turn(commands)] == [("a", 2), ("b", 2), ("c", 2)]
    assert file.read_text("utf-8") == "abcabc"


def test_parts_are_told_run_by_run_and_a_failed_command_has_none(bench: Bench, tmp_path: Path):
    file = tmp_path / "parts.json"
    told = f"import json, pathlib; pathlib.Path({str(file)!r}).write_text(json.dumps({{'half': 2.5}}))"
    command = [sys.executable, "-c", told]
    works, fails = bench.in_turn([Measured("works", command, parts=file), Measured("fails", ["false"], parts=file)])
    assert bench.part(works, "half", "half of it").walls == [2.5, 2.5]
    assert bench.part(fails, "half", "half of nothing").wall is None
    assert bench.failed
