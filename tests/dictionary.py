"""`python -m tests.dictionary` writes docs/data-dictionary.md from the YAML beside the models and from the catalogue.

No dbt run: doc blocks are resolved here. What no YAML says (units, nulls, metadata) is in the tables below.
"""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from loader import catalogue

PROJECT = catalogue.project_dir()
MODELS = PROJECT / "models"
PAGE = PROJECT / "docs" / "data-dictionary.md"
WRITTEN = {None: "always", "resample": "with `--resample`", "wide": "with `--wide` or `--export-uri`"}
LAYERS = {"spans": "Claims and spans", "usage": "Timelines", "staging": "The source tables, typed"}
ONDEMAND, RESERVED = ("occupied_ondemand", "active_ondemand"), ("occupied_reserved", "active_reserved")
WIDE = ("total", "reservable", "committed", *ONDEMAND, *RESERVED)
UNITS = {  # by column, or by output and column
    **{"nodes": "nodes", "vcpus": "vCPUs", "vcpus_overcommit": "vCPUs", "memory_mb": "MiB", "disk_gb": "GiB"},
    **dict.fromkeys(("value", "mean", "min", "max", "worst_value", *WIDE), "of `resource`"),
    **{"hours": "resource-hours", "quality.hours": "hours", "quality.rows": "rows"},
}
NULLS = {  # by output and column, where the YAML is silent; a column of neither is never null
    "quality.action": "of all actions together, and of checks other than `rows` and `cut_off`",
    "quality.worst_at": "of other checks",
    "quality.worst_value": "of other checks",
    "quality.detail": "of `rows` and `cut_off`",
    **{f"usage_wide.{name}": "where the metric is not tracked" for name in WIDE},
}
METADATA = {  # of the macro file_metadata
    "run_id": "dbt's id of the run, a UUID. Files of one run have the same one.",
    "schema_version": "Of the files' columns: a new one when a column goes, or changes its name, type or meaning.",
    "site": "Key of the site in the config.",
    "start_date": "Start of the window, UTC: `2024-01-01T00:00:00.000000`.",
    "end_date": "End of the window, UTC, itself not in it.",
    "snapshot_at": "The instant that the extracted tables show, UTC: `2025-01-02 02:30:00.123456`. Left out where no "
    "manifest tells it.",
    "inputs": "SHA-256 of what the numbers were made of: manifest, extraction of each file, options, version and SQL of"
    " this program. Left out without a manifest, or where a file does not say which extraction wrote it.",
}
TEXT = """\
# Data dictionary

<!-- Written by `python -m tests.dictionary` from models/ and macros/: change those, then run it again. -->

What every file and table holds. What the numbers mean is in [SPEC.md](SPEC.md).

- [Published files](#published-files)
- [Metadata of the published files](#metadata-of-the-published-files)
- [Intermediate models](#intermediate-models)
- [Source tables](#source-tables)

## Published files

`process` and `dbt build` write these to `<output>/<site>/`. Types are DuckDB's; a `timestamp` has microseconds and
no zone. The unit "of `resource`" is that of the row's resource: nodes, vCPUs, MiB for `memory_mb`, GiB for `disk_gb`.
The last column ends a sentence that begins with "null": null is unknown, null never. A file is sorted by its key; no
two rows have the same.

{files}
{outputs}
## Metadata of the published files

Each published file says of itself, in its parquet key-value metadata:

{metadata}
```sql
select decode(key) as key, decode(value) as value
from parquet_kv_metadata('output/usage/chi_uc/usage.parquet');
```

## Intermediate models

They stay in the database of a `dbt build` by hand, and are gone after `process`. Their columns are described on the
page that `chameleon-usage docs` writes.

{intermediate}
## Source tables

`extract` copies {count} tables, each to `<data_dir>/<schema>.<table>.parquet`. {required} are required: every cloud has
them, and `extract` exits with 1 if one is missing, unless the config leaves out its database. Where a metric stands,
its numbers are incomplete without the table. Of a table with columns that are never copied (secrets or bulk) the named
ones alone are granted and copied, of all others every column. An archive (`shadow_…`) is as its live table.

Below the tables of a database are those that have a model, with the columns that it reads and the types that they are
read as. A file without a `required` column is an error; any other that is missing reads as null. `release`: other
releases lack the column. `history only`: no database has it; it is known where `extract --history` kept the row.

With `--history` a file whose rows have a key has two more columns, instants in UTC: `_last_seen_at`, of the last
extraction that found the row, and `_vanished_at`, of the first that did not (null while it is there). In a file's
metadata are `chameleon_usage.run_id`, `.snapshot_at` and `.server` of its extraction.

{sources}"""


@dataclass(frozen=True)
class Column:
    """A column of an output: what its description says, less the unit and the nulls, which stand apart."""

    name: str
    data_type: str
    unit: str
    null: str
    description: str


@dataclass(frozen=True)
class Model:
    """A model, as its YAML has it, and its SQL."""

    entry: dict
    sql: str

    @property
    def name(self) -> str:
        return self.entry["name"]

    @property
    def is_published(self) -> bool:
        return "materialized='published'" in self.sql

    @property
    def condition(self) -> str | None:
        """The var without which its file is not written."""
        found = re.search(r"meta=\{'if': '(\w+)'\}", self.sql)
        return found and found[1]

    @property
    def grain(self) -> str:
        """The first sentence of its description."""
        return re.split(r"(?<=\.) ", resolved(self.entry["description"]))[0]

    @property
    def key(self) -> list[str]:
        """The columns that name a row of an output, and by which its file is sorted: of its data tests."""
        tests = [test for test in self.entry["data_tests"] if isinstance(test, dict)]
        found = [test[kind] for kind in ("sorted_file", "unique_row") for test in tests if kind in test]
        return [name.strip('"') for name in found[0]["arguments"]["keys"]]

    @property
    def columns(self) -> list[Column]:
        return [column(self.name, entry) for entry in self.entry["columns"]]


def _read(path: Path) -> dict:
    return yaml.safe_load(path.read_text("utf-8"))


def doc_blocks() -> dict[str, str]:
    """The doc blocks of models/docs.md by name."""
    found = re.findall(r"{% docs (\w+) %}(.*?){% enddocs %}", (MODELS / "docs.md").read_text("utf-8"), re.DOTALL)
    return {name: " ".join(said.split()) for name, said in found}


def resolved(description: str) -> str:
    """A description in one line, its doc blocks filled in; KeyError for a block that isn't there."""
    blocks = doc_blocks() if "{{" in description else {}
    return " ".join(re.sub(r"{{ *doc\('(\w+)'\) *}}", lambda found: blocks[found[1]], description).split())


def models(folder: str) -> dict[str, Model]:
    """The models that the YAML of a folder describes, by name."""
    entries = [(f, entry) for f in sorted((MODELS / folder).glob("*.yml")) for entry in _read(f).get("models", ())]
    return {e["name"]: Model(e, (f.parent / f"{e['name']}.sql").read_text("utf-8")) for f, e in entries}


def outputs() -> dict[str, Model]:
    """The published models by name, those that are always written first."""
    found = [model for model in models("usage").values() if model.is_published]
    return {model.name: model for model in sorted(found, key=lambda model: (model.condition or "", model.name))}


def sources() -> dict[str, dict]:
    """The dbt sources by schema, as their YAML has them."""
    files = sorted((MODELS / "staging").glob("_*.yml"))
    return {source["name"]: source for file in files for source in _read(file)["sources"]}


def clauses(text: str) -> list[str]:
    """What stands between semicolons; those in parentheses part nothing."""
    return [part.strip() for part in re.sub(r"\([^()]*\)|(;)", lambda m: "\0" if m[1] else m[0], text).split("\0")]


def column(model: str, entry: dict) -> Column:
    """A column of an output."""
    name, kind = entry["name"], entry["data_type"]
    said, nulls = [], []
    for part in clauses(resolved(entry["description"]).rstrip(".")):
        if part == "else null":
            nulls.append("otherwise")
        elif part.startswith("null "):
            nulls.append(part.removeprefix("null "))
        elif part != "UTC" or kind != "timestamp":
            said.append(part)
    text = "; ".join(said)
    unit = "UTC" if kind == "timestamp" else UNITS.get(f"{model}.{name}", UNITS.get(name, ""))
    null = "; ".join(nulls) or NULLS.get(f"{model}.{name}", "never")
    return Column(name, kind, unit, null, f"{text[:1].upper()}{text[1:]}.")


def code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 140, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) + "\n"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table, a line a row."""
    cells = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in cells)


def _output(model: Model) -> str:
    rows = [(f"`{c.name}`", c.data_type, c.unit, c.description, c.null) for c in model.columns]
    return "\n".join(
        [
            f"### {model.name}.parquet\n",
            wrapped(resolved(model.entry["description"])),
            wrapped(f"Written {WRITTEN[model.condition]}. Key: {code(model.key)}."),
            table(("column", "type", "unit", "what it holds", "null"), rows),
        ]
    )


def _intermediate() -> str:
    parts = []
    for folder, title in LAYERS.items():
        rows = [(f"`{model.name}`", model.grain) for model in models(folder).values() if not model.is_published]
        parts += [f"### {title} (`models/{folder}/`)\n", table(("model", "what a row is"), rows)]
    seeds = _read(PROJECT / "seeds" / "metric_operands.yml")["seeds"]
    rows = [(f"`{seed['name']}`", resolved(seed["description"])) for seed in seeds]
    return "\n".join([*parts, "### Seed (`seeds/`)\n", table(("seed", "what a row is"), rows)])


def _copied(known: catalogue.Table) -> str:
    """What of a table leaves the database, where not all does."""
    others = [name for name in known.copied if name not in known.columns]
    newer = [f"`{name}` ({known.since[name]})" for name in others if name in known.since]
    words = f"- `{known.name}`: never copied: {code(sorted(known.never_copied))}; copied beside what is read: "
    return wrapped(words + ", ".join([code(n for n in others if n not in known.since), *newer]) + ".", "  ")


def _columns_read(known: catalogue.Table, entry: dict) -> str:
    rows = []
    for c in entry["columns"]:
        marks = c.get("config", {}).get("meta", {})
        mark = "required" if marks.get("required") else "history only" if marks.get("history_only") else ""
        newer = known.since.get(c["name"], "")
        rows.append((f"`{c['name']}`", c["data_type"], mark, newer, resolved(c["description"])))
    return f"#### {known.full_name}\n\n" + table(("column", "type", "mark", "release", "what it holds"), rows)


def _source(source: dict) -> str:
    """A database: its tables, what of them is not copied, and the columns of those that have a staging model."""
    rows, named, read = [], [], []
    for entry in source["tables"]:
        known = catalogue.load()[f"{source['name']}.{entry['name']}"]
        needed = "optional" if known.optional else "required"
        rows.append((f"`{known.name}`", needed, ", ".join(known.metrics), resolved(known.description)))
        if known.copied is not None and not known.name.startswith("shadow_"):
            named.append(_copied(known))
        if (MODELS / "staging" / f"stg_{known.schema}__{known.name}.sql").exists():
            read.append(_columns_read(known, entry))
    head = ("table", "needed", "incomplete without it", "what a row is, and why it is copied")
    parts = [f"### {source['name']}\n", wrapped(resolved(source["description"])), table(head, rows)]
    return "\n".join([*parts, *(["".join(named)] if named else []), *read])


def page() -> str:
    """The whole page."""
    found, tables = outputs().values(), catalogue.load().values()
    links = []
    for model in found:
        grain = re.sub(r", published as \S+\.parquet( where `\w+` is set)?", "", model.grain)
        links.append((f"[{model.name}.parquet](#{model.name}parquet)", WRITTEN[model.condition], grain))
    return TEXT.format(
        files=table(("file", "written", "what a row is"), links),
        outputs="\n".join(map(_output, found)),
        metadata=table(("key", "value"), [(f"`chameleon_usage.{name}`", said) for name, said in METADATA.items()]),
        intermediate=_intermediate(),
        count=len(tables),
        required=sum(not known.optional for known in tables),
        sources="\n".join(map(_source, sources().values())),
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    print(f"wrote {PAGE.relative_to(PROJECT)}")
