"""The list of source tables, read from the dbt sources in `models/staging/_*.yml`: the only place that names them."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

PACKAGE = Path(__file__).parent


def project_dir() -> Path:
    """The dbt project: inside the package in a wheel, the checkout's root otherwise."""
    packed = PACKAGE / "dbt"
    return packed if (packed / "dbt_project.yml").exists() else PACKAGE.parent


@dataclass(frozen=True)
class Column:
    """A column that the models read. `data_type` is DuckDB's; `required` means that a file without it is an error."""

    name: str
    data_type: str
    description: str
    required: bool


@dataclass(frozen=True)
class Table:
    """A source table. `metrics` are lost without it; `never_copied` names columns that stay in the database."""

    schema: str
    name: str
    description: str
    optional: bool
    metrics: tuple[str, ...]
    never_copied: frozenset[str]
    columns: dict[str, Column] = field(hash=False)

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


def _table(schema: str, entry: dict) -> Table:
    meta = entry["config"]["meta"]
    columns = [
        Column(c["name"], c["data_type"], c["description"], c.get("config", {}).get("meta", {}).get("required", False))
        for c in entry["columns"]
    ]
    return Table(
        schema=schema,
        name=entry["name"],
        description=entry["description"],
        optional=meta["optional"],
        metrics=tuple(meta["metrics"]),
        never_copied=frozenset(meta.get("never_copied", ())),
        columns={c.name: c for c in columns},
    )


@cache
def load() -> dict[str, Table]:
    """All tables by `schema.table`: required ones first, otherwise in the order of the files."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    tables = [
        _table(source["name"], entry)
        for file in sorted((project_dir() / "models" / "staging").glob("_*.yml"))
        for source in yaml.load(file.read_text("utf-8"), loader)["sources"]  # noqa: S506 (a safe loader)
        for entry in source["tables"]
    ]
    return {t.full_name: t for t in sorted(tables, key=lambda t: t.optional)}
