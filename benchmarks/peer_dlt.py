"""Copy tables by dlt's own `sql_database`, to parquet files: `DATABASE_URI=… peer_dlt.py TABLES.json FOLDER`."""

import json
import os
import sys
from pathlib import Path

import dlt
from dlt.sources.sql_database import sql_table


def main(tables: dict[str, list], folder: Path) -> None:
    """`tables`: schema, table and columns by the name of the file."""
    uri = os.environ["DATABASE_URI"]
    destination = dlt.destinations.filesystem(folder.resolve().as_uri())
    pipeline = dlt.pipeline("peer", pipelines_dir=str(folder / "pipelines"), destination=destination)
    resources = [
        sql_table(credentials=uri, schema=schema, table=table, included_columns=columns, backend="pyarrow")
        for schema, table, columns in tables.values()
    ]
    pipeline.run(resources, loader_file_format="parquet")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2]))
