"""docs/data-dictionary.md is what its generator writes, lacks nothing, and says what the YAML says."""

import re

import pytest

from loader import catalogue
from loader.outputs import FILES, RESAMPLED, WIDE
from tests import dictionary
from tests.dictionary import MODELS, PROJECT

OUTPUTS = dictionary.outputs()
COLUMNS = [(name, column) for name, model in OUTPUTS.items() for column in model.columns]
DESCRIBED = {**dictionary.models("spans"), **dictionary.models("usage")}
LINES = dictionary.PAGE.read_text("utf-8").splitlines() if dictionary.PAGE.exists() else []


def section(heading: str) -> list[str]:
    """The lines of the page between a heading and the next one."""
    start = LINES.index(heading) + 1
    end = next((i for i in range(start, len(LINES)) if LINES[i].startswith("#")), len(LINES))
    return LINES[start:end]


def test_the_page_is_what_the_generator_writes() -> None:
    assert dictionary.page().splitlines() == LINES, "run: python -m tests.dictionary"


def test_every_published_file_is_there_and_no_other() -> None:
    """By two other lists: the SQL of all models, and what the commands open."""
    published = {f.stem for f in MODELS.rglob("*.sql") if re.search("materialized *= *.published", f.read_text())}
    assert OUTPUTS.keys() == published == {*FILES, *RESAMPLED, WIDE}
    assert {line.removeprefix("### ") for line in LINES if line.endswith(".parquet") and line.startswith("### ")} == {
        f"{name}.parquet" for name in published
    }


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_model_and_column_is_described(name: str) -> None:
    entry = DESCRIBED[name].entry
    assert dictionary.resolved(entry["description"]).startswith("One row per ")
    lacking = [c["name"] for c in entry["columns"] if not dictionary.resolved(c.get("description", "")).strip()]
    assert lacking == []


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_column_of_an_output_has_a_row_with_its_type_and_words(name: str) -> None:
    rows = [line.split(" | ") for line in section(f"### {name}.parquet") if line.startswith("| `")]
    entries = OUTPUTS[name].entry["columns"]
    assert [(row[0], row[1]) for row in rows] == [(f"| `{e['name']}`", e["data_type"]) for e in entries]
    assert [row[0] for row in rows if len(row) != 5 or len(row[3]) < 5 or not row[4].strip(" |")] == []


def test_every_column_that_is_read_is_described() -> None:
    for schema, source in dictionary.sources().items():
        for table in source["tables"]:
            lacking = [c["name"] for c in table["columns"] if not c.get("description", "").strip()]
            assert lacking == [], f"{schema}.{table['name']}"


def test_end_at_of_spans_by_hand() -> None:
    """Doc block end_at: "UTC; end of what counts, itself not in it; null is open (or nothing counts)."."""
    assert (
        "| `end_at` | timestamp | UTC | End of what counts, itself not in it. | is open (or nothing counts) |"
        in section("### spans.parquet")
    )


def test_hours_of_buckets_by_hand() -> None:
    """Doc block bucket_hours: "The integral over the bucket, in resource-hours."; it says nothing of null."""
    row = "| `hours` | double | resource-hours | The integral over the bucket, in resource-hours. | never |"
    assert row in section("### usage_resampled.parquet")
    assert row in section("### usage_by_project_resampled.parquet")


def test_project_name_by_hand() -> None:
    """Doc block project_name: "Its name in keystone.project, where that was extracted; else null."."""
    row = "| `project_name` | varchar |  | Its name in keystone.project, where that was extracted. | otherwise |"
    assert row in section("### usage_by_project.parquet")


def test_the_keys_of_outputs_by_hand() -> None:
    """usage.yml has sorted_file with these keys; quality.yml unique_row, where `check` is quoted for SQL."""
    assert OUTPUTS["usage"].key == ["collector_type", "metric", "resource", "timestamp"]
    assert OUTPUTS["quality"].key == ["check", "metric", "resource", "action", "detail"]
    assert "Written with `--resample`. Key: `collector_type`, `metric`, `resource`, `timestamp`." in section(
        "### usage_resampled.parquet"
    )


def test_columns_of_sources_by_hand() -> None:
    """_nova.yml: hidden, since nova Train (20). _zun.yml: deleted_at is history_only; started_at required, newer."""
    assert (
        "| `hidden` | bigint |  | nova Train (20) "
        "| 1 is the spare copy during a cross-cell resize; null before nova Train. |" in section("#### nova.instances")
    )
    container = section("#### zun.container")
    assert any(line.startswith("| `deleted_at` | timestamp | history only |  | UTC. Zun deletes") for line in container)
    assert any(line.startswith("| `started_at` | timestamp | required | zun Rocky (2) |") for line in container)


@pytest.mark.parametrize("known", catalogue.load().values(), ids=lambda known: known.full_name)
def test_a_table_says_what_it_is_needed_for_and_what_stays_in_the_database(known: catalogue.Table) -> None:
    lines = section(f"### {known.schema}")
    needed = "optional" if known.optional else "required"
    start = f"| `{known.name}` | {needed} | {', '.join(known.metrics)} | One row per "
    assert sum(line.startswith(start) for line in lines) == 1
    if known.never_copied:
        live = known.name.removeprefix("shadow_")
        said = " ".join(lines).split(f"- `{live}`: never copied: ")[1].split(";")[0]
        assert {name.strip(" `") for name in said.split(",")} == known.never_copied


def test_the_metadata_are_those_that_the_macro_writes() -> None:
    sql = (PROJECT / "macros" / "published.sql").read_text("utf-8")
    macro = sql.split("{% macro file_metadata() -%}")[1].split("{%- endmacro %}")[0]
    always = re.findall(r"^        '(\w+)': ", macro, re.MULTILINE)
    (listed,) = re.findall(r"for name in \[(.*?)\] if made_of\[name\]", macro)
    sometimes = re.findall(r"'(\w+)'", listed)
    assert [*always, *sometimes] == list(dictionary.METADATA)
    assert [key for key, said in dictionary.METADATA.items() if "Left out" in said] == sometimes
    found = [line.split("`")[1] for line in section("## Metadata of the published files") if line.startswith("| `")]
    assert found == [f"chameleon_usage.{key}" for key in dictionary.METADATA]


@pytest.mark.parametrize(("name", "column"), COLUMNS, ids=[f"{name}.{column.name}" for name, column in COLUMNS])
def test_a_unit_is_there_where_numbers_are_and_is_the_one_that_the_description_names(
    name: str, column: dictionary.Column
) -> None:
    """A piece has a number, which counts nothing."""
    is_number = column.data_type in ("double", "bigint", "timestamp") and (name, column.name) != ("spans", "piece")
    assert bool(column.unit) == is_number
    (entry,) = [e for e in OUTPUTS[name].entry["columns"] if e["name"] == column.name]
    text = dictionary.resolved(entry["description"])
    if is_number:
        assert [u for u in ("UTC", "MiB", "GiB") if re.search(rf"\b{u}\b", text)] == [
            u for u in ("UTC", "MiB", "GiB") if u == column.unit
        ]


def test_units_and_nulls_are_of_columns_that_are_there_and_say_nothing_of_null_themselves() -> None:
    names = {f"{name}.{column.name}" for name, column in COLUMNS}
    assert [key for key in dictionary.NULLS if key not in names] == []
    known = names | {column.name for _, column in COLUMNS}
    assert [key for key in dictionary.UNITS if key not in known] == []
    said = {f"{name}.{column.name}": column.null for name, column in COLUMNS}
    assert {key: said[key] for key in dictionary.NULLS} == dictionary.NULLS


def test_only_semicolons_outside_parentheses_part_a_description() -> None:
    """Of two clauses the second begins behind the closing parenthesis."""
    assert dictionary.clauses("a (b; c), d; null is (e; f)") == ["a (b; c), d", "null is (e; f)"]


def test_an_unknown_doc_block_is_an_error() -> None:
    assert dictionary.resolved("{{ doc('site') }}") == "Key of the site in the config."
    with pytest.raises(KeyError, match="sites"):
        dictionary.resolved("{{ doc('sites') }}")


def test_a_cell_cannot_end_a_column() -> None:
    assert dictionary.table(("a",), [("x|y",)]) == "| a |\n| --- |\n| x\\|y |\n"


def test_every_link_inside_the_page_leads_to_a_heading() -> None:
    """GitHub's anchor: lower case, blanks as hyphens, and of other signs only hyphens and underscores."""
    headings = [line.lstrip("# ").lower().replace(" ", "-") for line in LINES if line.startswith("#")]
    anchors = {re.sub(r"[^\w-]", "", heading) for heading in headings}
    links = re.findall(r"\]\(#(.*?)\)", "\n".join(LINES))
    assert len(links) == 4 + len(OUTPUTS)
    assert set(links) <= anchors


def test_every_other_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^#)]+)\)", "\n".join(LINES))
    assert links
    assert [link for link in links if not (dictionary.PAGE.parent / link).exists()] == []
