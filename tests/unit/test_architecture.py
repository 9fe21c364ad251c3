"""docs/architecture.md says which module of the loader may import which; the imports keep to it."""

import ast
import re
from pathlib import Path

import pytest

from tests.commands import CHECKOUT

LOADER = CHECKOUT / "loader"
APART = {
    "loader",
    "loader.sample",
    "loader.report",
    "loader.naming",
}  # facts, made-up sites, a docstring, what dlt loads by name


def layers() -> dict[str, int]:
    """The layer of each module, by its full name, as the page's table has it."""
    found: dict[str, int] = {}
    layer = 0
    page = (CHECKOUT / "docs/architecture.md").read_text("utf-8")
    for line in page.partition("## Layers of the loader")[2].partition("## Decisions")[0].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 4 or not cells[2].startswith("`"):
            continue
        if cells[1]:
            layer = int(cells[1].split()[0])
        for name in re.findall(r"`([^`]+)`", cells[2]):
            full = f"loader.report{name}" if name.startswith(".") else f"loader.{name.rstrip('/')}"
            assert full not in found, f"{full} is in two rows"
            found[full] = layer
    return found


LAYERS = layers()


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


def place(module: str) -> str | None:
    """The entry of the table that a module belongs to: itself, or its package."""
    if module in LAYERS:
        return module
    return module.rpartition(".")[0] if module.rpartition(".")[0] in LAYERS else None


def imports(file: Path) -> set[str]:
    """The modules of ours that a file imports, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    modules = {module_of(each) for each in LOADER.rglob("*.py")}
    return {name for name in found if name in modules} - APART


FILES = [f for f in sorted(LOADER.rglob("*.py")) if module_of(f) not in APART and "sample" not in f.parts]


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_a_module_imports_of_its_layer_or_of_lower_ones(file: Path) -> None:
    own = place(module_of(file))
    assert own, f"{file} is in no row of docs/architecture.md"
    for other in imports(file):
        there = place(other)
        assert there, f"{other} is in no row of docs/architecture.md"
        assert LAYERS[there] <= LAYERS[own], f"{own} imports {other}, which is of a higher layer"
        assert own == there or LAYERS[own] != 5 or LAYERS[there] != 5, f"{own} imports {other}, another command"


def test_the_table_names_modules_that_exist() -> None:
    known = {module_of(file) for file in LOADER.rglob("*.py")}
    assert set(LAYERS) <= known


def test_nothing_imports_the_made_up_sites() -> None:
    for file in FILES:
        assert not any(name.startswith("loader.sample") for name in imports(file)), file


DBT = {"loader/builds.py", "loader/parsed.py", "loader/publisher.py"}
OTHERS = {
    "dbt": DBT,
    "dlt": {"loader/pipeline.py", "loader/export.py", "loader/naming.py"},
    "pymysql": {"loader/pipeline.py", "loader/export.py", "loader/mysql.py", "loader/packets.py", "loader/refused.py"},
    "s3fs": {"loader/storage.py"},
}


@pytest.mark.parametrize("package", OTHERS)
def test_a_package_is_imported_where_the_page_says(package: str) -> None:
    pattern = re.compile(rf"^\s*(?:import|from) {package}\b", re.MULTILINE)
    found = {str(f.relative_to(CHECKOUT)) for f in LOADER.rglob("*.py") if pattern.search(f.read_text("utf-8"))}
    assert found == OTHERS[package]
