"""Models, columns, macros and arguments are described in the YAML beside them, and nothing that isn't there."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import jinja2
import pytest
from dbt.parser.schemas import is_valid_type
from dbt_common.clients import jinja

from loader import sample
from tests.commands import CHECKOUT, copy_checkout, dbt_build, run, succeeded

PACKAGE = "chameleon_usage"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> dict:
    target = tmp_path_factory.mktemp("target")
    succeeded(run("dbt", "parse", "--target-path", target, "--no-partial-parse", cwd=CHECKOUT))
    return json.loads((target / "manifest.json").read_text())


@pytest.fixture(scope="module")
def models(manifest: dict) -> dict[str, dict]:
    return {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}


@pytest.fixture(scope="module")
def macros(manifest: dict) -> dict[str, dict]:
    return {m["name"]: m for m in manifest["macros"].values() if m["package_name"] == PACKAGE}


@pytest.fixture(scope="module")
def built(tmp_path_factory, models: dict[str, dict]) -> dict[str, set[str]]:
    """The columns of every model as built: of published ones in their file, of the others in a database that stays."""
    tmp = tmp_path_factory.mktemp("built")
    sample.write("edge", tmp / "raw")
    flags = ("--target-path", str(tmp / "target"))
    succeeded(
        dbt_build(
            tmp / "raw", tmp / "out", *flags, variables={"resample": "1mo", "wide": True}, database=tmp / "usage.duckdb"
        )
    )
    with duckdb.connect(str(tmp / "usage.duckdb"), read_only=True) as database:
        return {
            name: {column for column, *_ in database.execute(f"describe from {relation(node, tmp / 'out')}").fetchall()}
            for name, node in models.items()
        }


def relation(node: dict, output: Path) -> str:
    if node["config"]["materialized"] == "published":
        return f"'{output}/here/{node['name']}.parquet'"
    return f'"{node["schema"]}"."{node["name"]}"'


def arguments(macro: dict) -> list[str]:
    """Those that its SQL names."""
    (found,) = jinja.parse(macro["macro_sql"]).find_all(jinja2.nodes.Macro)
    return [argument.name for argument in found.args]


def is_materialization(macro: dict) -> bool:
    return macro["name"].startswith("materialization_")


def descriptions(models: dict[str, dict], macros: dict[str, dict]) -> Iterator[tuple[str, str]]:
    for name, model in models.items():
        yield name, model["description"]
        yield from ((f"{name}.{column['name']}", column["description"]) for column in model["columns"].values())
    for name, macro in macros.items():
        yield f"macro {name}", macro["description"]
        yield from ((f"macro {name}({a['name']})", a["description"]) for a in macro["arguments"])


def test_every_model_says_what_a_row_is(models: dict[str, dict]) -> None:
    assert [name for name, model in models.items() if not model["description"].startswith("One row per ")] == []


def test_every_column_of_a_model_is_described_and_none_else(
    models: dict[str, dict], built: dict[str, set[str]]
) -> None:
    described = {name: set(model["columns"]) for name, model in models.items() if not name.startswith("stg_")}
    assert described == {name: columns for name, columns in built.items() if name in described}


def test_a_staging_model_has_the_columns_of_its_source(
    manifest: dict, models: dict[str, dict], built: dict[str, set[str]]
) -> None:
    sources = {f"stg_{s['source_name']}__{s['name']}": set(s["columns"]) for s in manifest["sources"].values()}
    staging = {name: columns for name, columns in built.items() if name.startswith("stg_")}
    assert len(staging) > 20
    assert staging == {name: sources[name] for name in staging}
    assert [name for name in staging if models[name]["columns"]] == [], "the catalogue describes them"


def test_every_macro_is_described_with_all_its_arguments(macros: dict[str, dict]) -> None:
    """Generic tests too, which are macros to dbt."""
    assert {"timeline", "test_unique_row"} < macros.keys()
    lacking = [name for name, macro in macros.items() if not macro["description"] and not is_materialization(macro)]
    assert lacking == []
    described = {name: [a["name"] for a in macro["arguments"]] for name, macro in macros.items()}
    assert {name: arguments(m) for name, m in macros.items() if not is_materialization(m)} == {
        name: found for name, found in described.items() if not is_materialization(macros[name])
    }
    for name, macro in macros.items():
        for argument in macro["arguments"]:
            assert is_valid_type(argument["type"] or "?"), f"{name}({argument['name']}): {argument['type']}"


def test_every_description_is_a_sentence(models: dict[str, dict], macros: dict[str, dict]) -> None:
    found = dict(descriptions(models, macros))
    assert len(found) > 300
    wrong = [what for what, text in found.items() if len(text.strip()) < 5 or text.strip()[-1] not in ".`…?"]
    assert wrong == []


def test_nothing_described_is_unknown_to_dbt(tmp_path: Path) -> None:
    """A YAML that describes a macro or model that is gone is a warning of dbt's."""
    project = copy_checkout(tmp_path / "project")
    flags = ("--warn-error", "parse", "--no-partial-parse", "--target-path", tmp_path / "target")
    environment = {"PYTHONPATH": str(CHECKOUT)}
    succeeded(run("dbt", *flags, cwd=project, env=environment))
    with (project / "macros" / "_raw.yml").open("a") as file:
        file.write("  - {name: gone, description: Not there.}\n")
    ran = run("dbt", *flags, cwd=project, env=environment)
    assert ran.returncode != 0
    assert "gone" in ran.stdout + ran.stderr
