"""The list of source tables, read from the dbt sources in `models/staging/_*.yml`: the only place that names them."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from loader.errors import UsageError

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
    """A source table. `metrics` are lost without it; an optional one may be missing, in every cloud or in some.

    `copied` names the columns that may leave the database, where others hold secrets or bulk (`never_copied`); None is
    all. `since` says of the newer ones which release brought them.
    """

    schema: str
    name: str
    description: str
    optional: bool
    metrics: tuple[str, ...]
    never_copied: frozenset[str]
    copied: tuple[str, ...] | None
    since: dict[str, str] = field(hash=False)
    columns: dict[str, Column] = field(hash=False)

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    def lacking(self, names: list[str]) -> list[str]:
        """The columns that the models read, that every release has, and that aren't among these names."""
        return [c for c in self.columns if c not in names and c not in self.since]


def _table(schema: str, entry: dict[str, Any]) -> Table:
    meta = entry["config"]["meta"]
    columns = {}
    for column in entry["columns"]:
        marks = column.get("config", {}).get("meta", {})
        if not marks.get("history_only", False):  # no source has it: macros/raw.sql makes it
            name = column["name"]
            columns[name] = Column(name, column["data_type"], column["description"], marks.get("required", False))
    return Table(
        schema=schema,
        name=entry["name"],
        description=entry["description"],
        optional=meta["optional"],
        metrics=tuple(meta["metrics"]),
        never_copied=frozenset(meta.get("never_copied", ())),
        copied=(*columns, *meta["also_copied"]) if "also_copied" in meta else None,
        since=meta.get("since", {}),
        columns=columns,
    )


@cache
def load() -> dict[str, Table]:
    """All tables by `schema.table`: required ones first, otherwise in the order of the files' names."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    tables = [
        _table(source["name"], entry)
        for file in sorted((project_dir() / "models" / "staging").glob("_*.yml"))
        for source in yaml.load(file.read_text("utf-8"), loader)["sources"]  # noqa: S506 (a safe loader)
        for entry in source["tables"]
    ]
    return {t.full_name: t for t in sorted(tables, key=lambda t: t.optional)}


def choose(schemas: tuple[str, ...]) -> list[Table]:
    """The tables of these databases, of all without any; raises UsageError naming one that the catalogue has not."""
    known = list(dict.fromkeys(t.schema for t in load().values()))
    for schema in schemas:
        if schema not in known:
            raise UsageError(f"unknown schema {schema!r}; known are {', '.join(known)}")
    return [t for t in load().values() if not schemas or t.schema in schemas]
