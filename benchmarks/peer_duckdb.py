"""Copy tables by DuckDB's MySQL scanner, each to one parquet file: `DATABASE_URI=… peer_duckdb.py TABLES.json FOLDER`.

The extension comes as a wheel that holds the file for one version of duckdb; nothing is downloaded.
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb
import duckdb_extension_mysql_scanner


def main(tables: dict[str, list], folder: Path) -> None:
    """`tables`: schema, table and columns by the name of the file."""
    home = Path(duckdb_extension_mysql_scanner.__file__).parent
    uri = urlsplit(os.environ["DATABASE_URI"])
    database = duckdb.connect()
    database.execute(f"load '{home}/extensions/v{duckdb.__version__}/mysql_scanner.duckdb_extension'")
    address = f"host={uri.hostname} port={uri.port} user={uri.username} passwd={unquote(uri.password)}"
    database.execute(f"attach '{address}' as source (type mysql, read_only)")
    folder.mkdir(parents=True, exist_ok=True)
    for name, (schema, table, columns) in tables.items():
        query = f'select {", ".join(columns)} from source."{schema}"."{table}"'
        database.execute(f"copy ({query}) to '{folder}/{name}.parquet' (format parquet, compression zstd)")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2]))
