"""Sizes and places that CONTRIBUTING.md promises: short files and functions, a YAML and a unit test beside a model."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.commands import CHECKOUT

TRACKED = [
    CHECKOUT / name
    for name in subprocess.run(
        ["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
]
CODE = {".py", ".sql", ".yml", ".yaml", ".sh", ".toml", ".j2", ".html", ".css", ".js"}
MODELS = sorted((CHECKOUT / "models").glob("*/*.sql"))
STEPS = re.compile(r"\b(with|join|where|group by|union|case|over)\b")


def test_no_file_of_code_is_longer_than_300_lines() -> None:
    long = {file.name: n for file in TRACKED if file.suffix in CODE and (n := len(file.read_text().splitlines())) > 300}
    assert long == {}


def test_no_function_is_longer_than_50_lines() -> None:
    long = [
        f"{file.name}: {node.name}"
        for file in TRACKED
        if file.suffix == ".py"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= 50
    ]
    assert long == []


def own_steps(model: Path) -> set[str]:
    """What a model does by itself: nothing where it only calls a macro or puts others side by side."""
    text = re.sub(
        r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|--.*?$", "", model.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    return set(STEPS.findall(text.replace("union all by name", "")))


@pytest.mark.parametrize("model", [m for m in MODELS if m.parent.name != "staging"], ids=lambda model: model.stem)
def test_a_model_has_a_yaml_of_its_own_and_a_unit_test_unless_it_is_one_call(model: Path) -> None:
    described = yaml.safe_load(model.with_suffix(".yml").read_text("utf-8"))
    assert [each["name"] for each in described["models"]] == [model.stem]
    tested = {each["model"] for each in described.get("unit_tests", [])}
    assert tested <= {model.stem}
    assert tested or not own_steps(model)
