"""The project's models by DuckDB alone, for tests of hundreds of small sites: dbt compiles them once a shape of site.

A shape is the set of tables and columns that are there. The rest of the way (dbt's own runs, files, data tests,
publishing) is tested with real runs; tests/commands.py.
"""

import json
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from tests.commands import CHECKOUT, Row

SHAPED = ("tag:staging", "tracked", "quality")  # whose SQL depends on the tables and columns that are there
FOLDER = "<folder>"


@dataclass(frozen=True)
class Plan:
    """Statements for sites of one shape, parents first; FOLDER stands for the site's folder."""

    statements: tuple[str, ...]

    def run(self, data_dir: Path) -> "Built":
        """Build every model of a site as a table, in a new database in memory."""
        connection = duckdb.connect(":memory:", config={"threads": 1})
        connection.execute("set TimeZone = 'UTC'")
        for statement in self.statements:
            connection.execute(statement.replace(FOLDER, str(data_dir)))
        return Built(connection)


@dataclass(frozen=True)
class Built:
    """A site's models as tables, until it is closed."""

    connection: duckdb.DuckDBPyConnection

    def __enter__(self) -> "Built":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def table(self, model: str) -> pa.Table:
        return self.connection.sql(f"from {model}").to_arrow_table()

    def rows(self, model: str) -> list[Row]:
        return self.table(model).to_pylist()


class Project:
    """The project, parsed once, with the vars that all its sites share."""

    def __init__(self, work: Path, folder: Path = CHECKOUT, without: tuple[str, ...] = (), **variables: Any) -> None:
        """`without`: models that nobody asks for."""
        self.flags = [
            f"--project-dir={folder}",
            f"--profiles-dir={folder}",
            f"--target-path={work}",
            f"--log-path={work}",
        ]
        self.flags += ["--log-level=none", "--log-level-file=none", "--no-version-check", "--no-write-json"]
        self.variables = {"site": "here", "output": str(work / "output"), **variables}
        self.manifest = None
        self.manifest = self.invoke("parse")
        nodes = {k: n for k, n in self.manifest.nodes.items() if n.resource_type in ("seed", "model")}
        parents = {k: [p for p in n.depends_on_nodes if p in nodes] for k, n in nodes.items()}
        order = (nodes[key] for key in TopologicalSorter(parents).static_order())
        self.nodes = [n for n in order if n.name not in without]
        self.base: dict[str, str] = {}

    def invoke(self, command: str, *flags: str, **variables: Any) -> Any:
        """Run dbt in this process; AssertionError with its message if it fails."""
        given = json.dumps(self.variables | variables) if variables else "{}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHAMELEON_USAGE_DATABASE", ":memory:")
            done = dbtRunner(manifest=self.manifest).invoke([command, *self.flags, "--vars", given, *flags])
        DuckDBConnectionManager.close_all_connections()
        assert done.success, done.exception
        return done.result

    def compiled(self, data_dir: Path, *selected: str, **variables: Any) -> dict[str, str]:
        """The SQL of the selected models by name, as dbt makes it for a site."""
        select = ("--select", *selected) if selected else ()
        select += ("--exclude", "resource_type:test", "resource_type:unit_test")
        return self._compiled("model", data_dir, *select, **variables)

    def data_tests(self, data_dir: Path, **variables: Any) -> dict[str, str]:
        """The SQL of every data test by name: what it finds is wrong."""
        return self._compiled("test", data_dir, "--select", "resource_type:test", **variables)

    def _compiled(self, kind: str, data_dir: Path, *flags: str, **variables: Any) -> dict[str, str]:
        done = self.invoke("compile", *flags, data_dir=str(data_dir), **variables)
        return {
            r.node.name: r.node.compiled_code.replace(str(data_dir), FOLDER).replace('"memory"."main".', "")
            for r in done.results
            if r.node.resource_type == kind
        }

    def plan(self, data_dir: Path, *changed: str, **variables: Any) -> Plan:
        """What to run for sites with the tables and columns of this one.

        `changed`: compile only these, and take everything else from the first plan.
        """
        if not self.base:
            self.base = self.compiled(data_dir, **variables)
            sql = self.base
        else:
            sql = self.base | self.compiled(data_dir, *(changed or SHAPED), **variables)
        return self.plan_of(sql)

    def plan_of(self, sql: dict[str, str], models: set[str] | None = None) -> Plan:
        """What to run to make these models, or all, of the models' SQL."""
        nodes = (node for node in self.nodes if models is None or node.name in models)
        return Plan(tuple(s for node in nodes for s in self._statements(node, sql)))

    def _statements(self, node: Any, sql: dict[str, str]) -> list[str]:
        hooks = [hook.sql.replace("{{ this }}", node.name) for hook in node.config.post_hook]
        if node.resource_type == "model":
            return [f"create table {node.name} as\n{sql[node.name]}", *hooks]
        types = ", ".join(f"'{name}': '{kind}'" for name, kind in node.config.column_types.items())
        file = Path(node.root_path or CHECKOUT) / node.original_file_path
        return [f"create table {node.name} as select * from read_csv('{file}', types = {{{types}}})", *hooks]


def write_tables(tables: dict[str, pa.Table], folder: Path) -> Path:
    """A data_dir with these tables."""
    folder.mkdir(parents=True)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder
