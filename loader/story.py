"""`explain --span`: the whole story of one source row, at every level of the stack."""

from dataclasses import dataclass

from loader.errors import UsageError
from loader.explain import SPAN_COLUMNS
from loader.meanings import PARENTS
from loader.outputs import RESOURCES, Published, Row

COLUMNS = ", ".join((*("is_valid" if name == "value" else name for name in SPAN_COLUMNS), *RESOURCES))
# Source tables that have no spans of their own, and how spans name their rows.
NAMED = {"blazar.leases": "lease_id", "blazar.reservations": "reservation_id"}


@dataclass(frozen=True)
class Level:
    """The spans of a metric that the level below is clamped to, or the row's own at the lowest."""

    metric: str
    spans: list[Row]
    is_own: bool


def story(published: Published, name: str) -> list[Level]:
    """What became of a source row `schema.table/key`: its own audited spans, and above them what could hold them.

    A lease or a reservation stands for the spans that belong to it. UsageError if no row of that name was audited.
    """
    table, _, key = name.partition("/")
    column = NAMED.get(table, "source_id")
    own = published.rows(
        f"""
        select {COLUMNS} from spans
        where {column} = $key and (source_table = $table or {"true" if table in NAMED else "false"})
        order by metric, source_table, source_id, piece
        """,
        key=key,
        table=table,
    )
    if not own:
        raise UsageError(_unknown(published, table, key))
    levels = []
    for metric in dict.fromkeys(span["metric"] for span in own):
        spans = [span for span in own if span["metric"] == metric]
        levels.append(Level(metric, spans, is_own=True))
        while metric in PARENTS and table not in NAMED:
            spans = _parents(published, metric, spans)
            metric = PARENTS[metric]
            levels.append(Level(metric, spans, is_own=False))
    return levels


def _parents(published: Published, metric: str, children: list[Row]) -> list[Row]:
    """The spans of the level above that name the same machine, and reservation where that counts."""
    hosts = sorted({c["hypervisor_hostname"] for c in children if c["hypervisor_hostname"] is not None})
    of_reservation = sorted({c["reservation_id"] for c in children if c["reservation_id"] is not None})
    if metric == "occupied_reservation":
        # a container doesn't say on which device it runs
        condition = "reservation_id in (select unnest($of_reservation))"
        if hosts:
            condition += " and hypervisor_hostname in (select unnest($hosts))"
    else:
        condition = "hypervisor_hostname in (select unnest($hosts))"
    values = {"of_reservation": of_reservation, "hosts": hosts}
    return published.rows(
        f"""
        select {COLUMNS} from spans where metric = $metric and {condition}
        order by original_start_at nulls first, source_table, source_id, piece
        """,
        metric=PARENTS[metric],
        **{name: value for name, value in values.items() if f"${name}" in condition},
    )


def _unknown(published: Published, table: str, key: str) -> str:
    tables = [row["source_table"] for row in published.rows("select distinct source_table from spans order by 1")]
    if not key or (table not in tables and table not in NAMED):
        named = f"{table}/{key}" if key else table
        return f"--span {named}: write TABLE/KEY; tables with spans here are {', '.join([*tables, *NAMED])}"
    return f"--span {table}/{key}: {published.folder}/spans.parquet has no such row (was it extracted?)"
