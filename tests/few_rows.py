"""Sites of a few rows, and what the models make of them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from tests.compiled import Built, Project, write_tables
from tests.random_site import to_tables
from tests.random_site.draw import Row

WINDOW = ("2024-01-01", "2024-02-01")
Build = Callable[..., Built]


def day(number: int) -> datetime:
    """A day of January."""
    return datetime(2024, 1, number)


def project_of_january(work: Path) -> Project:
    """Compiles sites of a few rows, for a window of January 2024."""
    return Project(work, without=("quality",), start_date=WINDOW[0], end_date=WINDOW[1])


def builder(project: Project, folder: Path) -> Build:
    """What builds the models of a site with these rows, by table; `changed` makes other files of them."""

    def build(
        rows: dict[str, list[Row]],
        changed: Callable[[pa.Table], pa.Table] = lambda table: table,
        **variables: object,
    ) -> Built:
        written = write_tables({name: changed(table) for name, table in to_tables(rows).items()}, folder)
        return project.plan(written, **variables).run(written)

    return build


def spans(built: Built, *columns: str) -> dict[str, tuple]:
    """These columns of the only span of each source row."""
    return spans_of(built, None, *columns)


def spans_of(built: Built, metric: str | None, *columns: str) -> dict[str, tuple]:
    """The same, of one metric."""
    found = [span for span in built.rows("spans") if metric in (None, span["metric"])]
    by_id = {span["source_id"]: tuple(span[c] for c in columns) for span in found}
    assert len(by_id) == len(found)
    return by_id


def committed(*spans: tuple[str, str, int]) -> dict[str, list[Row]]:
    """Reservations of project p: its id, the host, the first day; all of them till 30."""
    life = {"created_at": day(1)}
    hosts = sorted({host for _, host, _ in spans})
    return {
        "nova.compute_nodes": [{"id": i, "hypervisor_hostname": host, **life} for i, host in enumerate(hosts)],
        "blazar.computehosts": [{"id": host, "hypervisor_hostname": host, **life} for host in hosts],
        "blazar.leases": [{"id": "l", "project_id": "p", "start_date": day(1), "end_date": day(30)}],
        "blazar.reservations": [{"id": name, "lease_id": "l", "resource_type": "physical:host"} for name, *_ in spans],
        "blazar.computehost_allocations": [
            {"id": name, "compute_host_id": host, "reservation_id": name, "created_at": day(first)}
            for name, host, first in spans
        ],
    }
