"""docs/other-tools.md names nothing of ours that isn't there, and takes no part of total twice."""

import re

import pytest

from loader import catalogue
from loader.outputs import RESOURCES, operands
from tests import dictionary

DOCS = catalogue.project_dir() / "docs"
TEXT = (DOCS / "other-tools.md").read_text("utf-8")
ROWS = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ") and "---" not in line]
OURS = {theirs: ours for theirs, ours in ROWS if theirs != "theirs"}
FLAGS = {"--resample"}


def metrics(ours: str) -> list[str]:
    return [name for name in re.findall(r"`(.*?)`", ours) if name in operands()]


def leaves(metric: str) -> set[str]:
    """The parts of total that nothing divides further, by the tree of SPEC.md, section 3."""
    children = {
        "total": ("reservable", "ondemand_capacity"),
        "reservable": ("committed", "available_reservable"),
        "committed": ("occupied_reservation", "idle"),
        "ondemand_capacity": ("occupied_ondemand", "available_ondemand"),
    }
    return set().union(*map(leaves, children[metric])) if metric in children else {metric}


@pytest.mark.parametrize("theirs", OURS)
def test_every_name_of_ours_is_one(theirs: str) -> None:
    columns = {column.name for model in dictionary.outputs().values() for column in model.columns}
    files = {f"{name}.parquet" for name in dictionary.outputs()}
    names = re.findall(r"`(.*?)`", OURS[theirs])
    assert names or "no counterpart" in OURS[theirs]
    assert set(names) - operands().keys() - columns - files - set(RESOURCES) - FLAGS == set()


def test_what_adds_up_there_adds_up_here() -> None:
    """sreport: Reported is Allocated, Planned, Idle and both kinds of down (which are in what is available here)."""
    parts = [metrics(OURS[name]) for name in ("Allocated", "Planned (once: Reserved)", "Idle")]
    named = [leaf for part in parts for metric in part for leaf in leaves(metric)]
    assert sorted(named) == sorted(leaves("total"))
    assert metrics(OURS["Reported"]) == ["total"]


def test_opencost_parts_an_asset_into_allocation_and_idle() -> None:
    allocation = metrics(OURS["allocation, by the larger of request and usage"])
    idle = metrics(OURS["idle (`__idle__`)"])
    assert sorted(allocation + idle) == sorted(leaves("total"))


def test_every_link_leads_to_a_file() -> None:
    assert [link for link in re.findall(r"\]\(([^)#]+)", TEXT) if not (DOCS / link).exists()] == []
