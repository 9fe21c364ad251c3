"""`check`: the findings of quality.parquet, ordered by the hours at stake, with what each means and what to do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loader import catalogue, meanings
from loader.meanings import Meaning
from loader.outputs import Published, Row

ANY = "any"
KINDS = (ANY, *meanings.LOST, *meanings.CUT, *meanings.NOTES, *meanings.FINDINGS)


@dataclass(frozen=True)
class Found:
    """A finding that a reader of the numbers should know. `kind` is its action, its mark or its check.

    `hours` are those of rows (what they claim or lose, in the window), or, of a negative value, how long it lasted;
    null where nobody can know. `subject` is what it is about: a metric, a resource, a table, a column.
    """

    kind: str
    subject: str
    rows: float | None
    hours: float | None
    worst_at: datetime | None
    worst_value: float | None
    meaning: Meaning

    def record(self, site: str) -> Row:
        """For JSON and CSV."""
        return {
            "site": site,
            **{c: getattr(self, c) for c in ("kind", "subject", "rows", "hours", "worst_at", "worst_value")},
            "meaning": self.meaning.what,
            "advice": self.meaning.do,
        }


COLUMNS = ("site", "kind", "subject", "rows", "hours", "worst_at", "worst_value", "meaning", "advice")


def findings(published: Published, schemas: tuple[str, ...] = ()) -> list[Found]:
    """What is wrong or doubtful with a site's numbers: missing required tables first, then by hours, the most first.

    With `schemas`, what is missing in other databases is left out: the config says that the site has none.
    """
    found = []
    for row in published.rows('select * from quality order by "check", metric, resource, action, detail'):
        if row["check"].startswith("missing"):
            if schemas and row["detail"].split(".")[0] not in schemas:
                continue
            row["action"] = _missing_kind(row)
        meaning = meanings.meaning(row["check"], row["action"], row["detail"])
        if meaning is None or (row["check"] == "cut_off" and not row["hours"]):
            continue
        found.append(
            Found(
                kind=row["action"] or (row["detail"] if row["check"] == "note" else row["check"]),
                subject=_subject(row),
                rows=row["rows"],
                hours=row["hours"],
                worst_at=row["worst_at"],
                worst_value=row["worst_value"],
                meaning=meaning,
            )
        )
    return sorted(found, key=_weight)


def _missing_kind(row: Row) -> str:
    """A table that not every cloud has is another kind of finding."""
    table = catalogue.load().get(row["detail"])
    return "missing_optional" if row["check"] == "missing_table" and table and table.optional else row["check"]


def _subject(row: Row) -> str:
    if row["check"] == "negative":
        collector = "" if row["detail"] == "current" else f" ({row['detail']})"
        return f"{row['metric']} in {row['resource']}{collector}"
    table = catalogue.load().get(row["detail"]) if row["check"] == "missing_table" else None
    if table and table.metrics:
        return f"{row['detail']} ({', '.join(table.metrics)})"
    return row["metric"] or row["detail"]


def _weight(found: Found) -> tuple[Any, ...]:
    return (found.kind != "missing_table", found.hours is None, -(found.hours or 0))


def failing(found: list[Found], kinds: tuple[str, ...], min_hours: float) -> list[Found]:
    """Those of the kinds that --fail-on names, with at least this many hours where hours are known."""
    return [f for f in found if (ANY in kinds or f.kind in kinds) and (f.hours is None or f.hours >= min_hours)]
