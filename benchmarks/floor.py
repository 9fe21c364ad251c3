"""The floor of `process`: the SQL that dbt compiles, run by DuckDB alone.

`floor.py prepare STATEMENTS.json VARS.json` compiles the project for a site and writes its statements, parents first;
`floor.py run STATEMENTS.json FOLDER` runs them, importing nothing but duckdb, and writes FOLDER/parts.json: how many
seconds of it the models took, and the models without those by project; FOLDER/seconds.json has each statement's.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BY_PROJECT = "timeline_by_project"


def _manifest(variables: dict[str, str], target: Path) -> dict:
    """dbt's manifest with the compiled SQL of every model and test."""
    flags = ["--vars", json.dumps(variables), "--exclude", "resource_type:unit_test", "--quiet"]
    env = {**os.environ, "CHAMELEON_USAGE_DATABASE": ":memory:"}
    folders = ["--project-dir", CHECKOUT, "--profiles-dir", CHECKOUT, "--target-path", target, "--log-path", target]
    subprocess.run(
        [Path(sys.executable).with_name("dbt"), "compile", *flags, *folders], check=True, cwd=CHECKOUT, env=env
    )
    return json.loads((target / "manifest.json").read_text("utf-8"))


def _statement(node: dict) -> dict[str, str]:
    """What to run for a node: {kind, name, sql}."""
    if node["resource_type"] == "test":
        # a test of an output file reads the part folder of a run; here the files lie in one folder
        query = re.sub(r"'[^']*/[.]part-[^'/]*/([a-z_]+[.]parquet)'", r"'{folder}/\1'", node["compiled_code"])
        return {"kind": "test", "name": node["name"], "sql": f"select count(*) from (\n{query}\n)"}
    if node["resource_type"] == "seed":
        types = ", ".join(f"'{name}': '{kind}'" for name, kind in node["config"]["column_types"].items())
        file = CHECKOUT / node["original_file_path"]
        sql = f"create table {node['name']} as select * from read_csv('{file}', types = {{{types}}})"
        return {"kind": "seed", "name": node["name"], "sql": _with_hooks(sql, node)}
    kind, sql = node["config"]["materialized"], node["compiled_code"]
    if kind == "published":
        file = f"'{{folder}}/{node['name']}.parquet'"
        sql = f"set debug_force_external = true;\ncopy (\n{sql}\n) to {file} (format parquet, compression zstd);\n"
        sql += f"set debug_force_external = false;\ncreate view {node['name']} as select * from {file}"
    else:
        sql = f"create {kind} {node['name']} as\n{sql}"
    return {"kind": kind, "name": node["name"], "sql": _with_hooks(sql, node)}


def _with_hooks(sql: str, node: dict) -> str:
    hooks = [hook["sql"].replace("{{ this }}", node["name"]) for hook in node["config"]["post-hook"]]
    return ";\n".join([sql, *hooks])


def _is_unasked(node: dict, nodes: dict, variables: dict[str, str]) -> bool:
    """Is it a file that no var asks for, or a test of one?"""
    near = [node, *(nodes[key] for key in node["depends_on"].get("nodes", []) if key in nodes)]
    conditions = [each["config"].get("meta", {}).get("if") for each in near]
    return any(condition and not variables.get(condition) for condition in conditions)


def prepare(variables: dict[str, str]) -> dict:
    """The statements of a site, parents first, and the settings that the plugin gives DuckDB."""
    from graphlib import TopologicalSorter

    import duckdb

    from loader.publisher import Plugin, keep_memory

    settings: dict[str, object] = {}
    Plugin.update_connection_config(None, None, settings)
    with duckdb.connect(config=settings) as connection:
        keep_memory(connection)
        (kept,) = connection.execute("select current_setting('block_allocator_memory')").fetchone()
    settings["block_allocator_memory"] = kept
    with tempfile.TemporaryDirectory() as target:
        manifest = _manifest(variables, Path(target))
    nodes = {k: n for k, n in manifest["nodes"].items() if n["resource_type"] in ("seed", "model", "test")}
    nodes = {k: n for k, n in nodes.items() if not _is_unasked(n, nodes, variables)}
    parents = {k: [p for p in n["depends_on"].get("nodes", []) if p in nodes] for k, n in nodes.items()}
    named = {key: {nodes[parent]["name"] for parent in found} for key, found in parents.items()}
    order = TopologicalSorter(parents).static_order()
    ordered = [_statement(nodes[key]) | {"of": sorted(named[key])} for key in order]
    return {"settings": settings, "statements": ordered}


def run(plan: dict, folder: Path) -> dict[str, float]:
    """Run the statements in a new database; seconds of each. Exits when a test finds a row."""
    import time

    import duckdb

    config = plan["settings"] | {"temp_directory": str(folder / "spill")}
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("set TimeZone = 'UTC'")
    seconds: dict[str, float] = {}
    for statement in plan["statements"]:
        started = time.perf_counter()
        found = connection.execute(statement["sql"].replace("{folder}", str(folder))).fetchall()
        seconds[statement["name"]] = round(time.perf_counter() - started, 3)
        if statement["kind"] == "test" and found != [(0,)]:
            sys.exit(f"test {statement['name']}: {found}")
    return seconds


def parts(plan: dict, seconds: dict[str, float]) -> dict[str, float]:
    """How long the models took of it, and the models but for those by project."""
    models = {s["name"]: s for s in plan["statements"] if s["kind"] != "test"}
    by_project: set[str] = set()
    for name, statement in models.items():  # parents first
        if name == BY_PROJECT or by_project & set(statement["of"]):
            by_project.add(name)
    return {
        "models": sum(seconds[name] for name in models),
        "without by project": sum(seconds[name] for name in models.keys() - by_project),
    }


def main(action: str, file: str, argument: str) -> None:
    """The command line of the module's docstring."""
    path = Path(file)
    if action == "prepare":
        path.write_text(json.dumps(prepare(json.loads(Path(argument).read_text("utf-8"))), indent=1), "utf-8")
        return
    folder, plan = Path(argument), json.loads(path.read_text("utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    seconds = run(plan, folder)
    (folder / "seconds.json").write_text(json.dumps(seconds, indent=1), "utf-8")
    (folder / "parts.json").write_text(json.dumps(parts(plan, seconds)), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
