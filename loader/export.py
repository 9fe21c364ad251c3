"""`process --export-uri`: usage_wide.parquet of some sites into the MySQL table that dashboards read, through dlt."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pymysql
from pymysql.err import MySQLError

from loader import storage
from loader.errors import Failure, Interrupted, stop_if_interrupted
from loader.mysql import Address
from loader.outputs import WIDE
from loader.pipeline import quiet_dlt
from loader.refused import explain

SCHEMA, TABLE = "usage_compat", "usage_wide"
FILE = f"{WIDE}.parquet"
KEYS = {
    "time": "datetime(6) not null",
    "site": "varchar(191) character set utf8mb4 collate utf8mb4_bin not null",  # UC and uc are two sites
    "resource": "varchar(32) not null",
}
BATCH = 5000  # rows a statement
TIMEOUT = 60  # seconds to connect, and to wait for another writer's lock


def export(files: dict[str, str], address: Address, work: Path) -> int:
    """Replace the rows of these sites (key: file, local or s3://) in one transaction; returns how many there are now.

    Rows of other sites stay. Raises Failure, the table as before, if the database refuses or can't be reached.
    """
    dlt = quiet_dlt(work)
    from dlt.common.destination.exceptions import DestinationTerminalException

    local = {key: _fetched(file, work / f"{key}-{FILE}") for key, file in files.items()}
    count = 0

    @dlt.destination(batch_size=0, loader_file_format="parquet", name="mysql", naming_convention="direct")
    def mysql(path: str, table: dict[str, Any]) -> None:  # noqa: ARG001 (dlt calls it so)
        nonlocal count
        sites = pq.read_table(path)["site"].to_pylist()
        try:
            count = _replace({site: local[site] for site in sites}, address)
        except (MySQLError, OSError) as e:
            raise DestinationTerminalException(
                f"cannot export to {SCHEMA}.{TABLE} as {address}: {explain(e)}"
            ) from None

    pipeline = dlt.pipeline("export", destination=mysql, pipelines_dir=str(work / "pipelines"))
    pipeline.drop()
    try:
        # one package, so one call: all sites in one transaction
        pipeline.run(dlt.resource([pa.table({"site": list(local)})], name=TABLE), loader_file_format="parquet")
    except (Failure, Interrupted):
        raise
    except Exception as e:
        stop_if_interrupted()
        raise Failure(_reason(e)) from None
    return count


def _fetched(file: str, target: Path) -> Path:
    """The file on this machine."""
    if not storage.is_remote(file):
        return Path(file)
    if storage.fetch(file, target) is None:
        raise Failure(f"{file} is not there")
    return target


def _reason(error: BaseException) -> str:
    """What the destination said, without dlt's frame."""
    while inner := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = inner
    return storage.reason(error)


def _replace(files: dict[str, Path], address: Address) -> int:
    connection = pymysql.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        unix_socket=address.unix_socket,
        ssl={"ca": address.ssl_ca} if address.ssl_ca else None,
        charset="utf8mb4",
        connect_timeout=TIMEOUT,
        autocommit=False,
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"set innodb_lock_wait_timeout = {TIMEOUT}")
            _create(cursor, next(iter(files.values())))
            cursor.execute("start transaction")
            marks = ", ".join(["%s"] * len(files))
            both = f"site in ({marks}) and binary site in ({marks})"  # by the key, and of that case alone
            cursor.execute(f"delete from {SCHEMA}.{TABLE} where {both}", [*files] * 2)
            count = sum(_insert(cursor, file) for file in files.values())
        connection.commit()
        return count
    finally:
        connection.close()  # what was not committed is rolled back


def _create(cursor: Any, file: Path) -> None:
    """Make the table where it isn't there yet; the database is made, too, if the user may."""
    cursor.execute(
        "select 1 from information_schema.tables where table_schema = %s and table_name = %s", (SCHEMA, TABLE)
    )
    if cursor.fetchone():
        return
    cursor.execute("select 1 from information_schema.schemata where schema_name = %s", (SCHEMA,))
    if not cursor.fetchone():
        cursor.execute(f"create database {SCHEMA}")
    columns = [f"{name} {KEYS.get(name, 'double')}" for name in pq.read_schema(file).names]
    cursor.execute(f"create table {SCHEMA}.{TABLE} ({', '.join(columns)}, primary key (site, resource, time))")


def _insert(cursor: Any, file: Path) -> int:
    with pq.ParquetFile(file) as parquet:
        names = parquet.schema_arrow.names
        query = f"insert into {SCHEMA}.{TABLE} ({', '.join(names)}) values ({', '.join(['%s'] * len(names))})"
        count = 0
        for rows in _rows(parquet):
            stop_if_interrupted()
            cursor.executemany(query, rows)
            count += len(rows)
        return count


def _rows(parquet: pq.ParquetFile) -> Iterator[list[tuple[Any, ...]]]:
    for batch in parquet.iter_batches(batch_size=BATCH):
        yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
