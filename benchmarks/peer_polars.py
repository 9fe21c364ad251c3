"""The spine in polars, as a second opinion of numbers and speed: spans clamped from total to occupied, and the sweep.

`peer_polars.py SPANS.parquet OUT.parquet START END [USAGE.parquet]`: of spans.parquet it takes the claims, what a
source row asked for, and computes anew what became of them. With USAGE it exits with 1 and a sentence where values
differ.
"""

import sys
from datetime import datetime
from pathlib import Path

import polars as pl

REFUSED = ["hidden", "never_launched", "null_key", "orphan", "empty"]  # by the source row alone
SCALES = {"nodes": 1e12, "vcpus": 1e3, "vcpus_overcommit": 1e6, "memory_mb": 1e3, "disk_gb": 1e3}
NOISE = {"nodes": 1000}  # of a scaled value, that rounding leaves
METRICS = {
    "total": {"total": 1, "ondemand_capacity": 1, "available_ondemand": 1},
    "reservable": {
        **{"reservable": 1, "ondemand_capacity": -1},
        **{"available_reservable": 1, "available_ondemand": -1},
    },
    "committed": {"committed": 1, "available_reservable": -1, "idle": 1},
    "occupied_reservation": {"occupied_reservation": 1, "idle": -1},
    "occupied_ondemand": {"occupied_ondemand": 1, "available_ondemand": -1},
}  # by stored metric, what it adds to
CLAIM = ["metric", "source_table", "source_id", "hypervisor_hostname", "reservation_id"]
NEVER = datetime(9999, 1, 1)


def claims(spans: Path) -> pl.DataFrame:
    """What the source rows asked for, once each: a span may be in several pieces."""
    columns = [*CLAIM, "original_start_at", "original_end_at", *SCALES]
    found = pl.scan_parquet(spans).filter(~pl.col("action").is_in(REFUSED)).select(columns).unique()
    return (
        found.rename({"original_start_at": "start"})
        .with_columns(end=pl.col("original_end_at").fill_null(NEVER))
        .collect()
    )


def superseded(rows: pl.DataFrame) -> pl.DataFrame:
    """Each row of a hypervisor ends where its next one starts."""
    number = pl.col("source_id").cast(pl.Int64, strict=False)
    order = ["hypervisor_hostname", "start", number, "source_id"]
    following = pl.col("start").shift(-1).over("hypervisor_hostname").fill_null(NEVER)
    rows = rows.sort(order, nulls_last=True).with_columns(end=pl.min_horizontal("end", following))
    return rows.filter(pl.col("start") < pl.col("end"))


def merged(parents: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The longest windows in which a key has a parent all the time."""
    reached = pl.col("end").cum_max().shift(1).over(keys)
    rows = parents.sort([*keys, "start"]).with_columns(is_new=(pl.col("start") > reached).fill_null(True))
    rows = rows.with_columns(island=pl.col("is_new").cum_sum().over(keys))
    return rows.group_by([*keys, "island"]).agg(from_at=pl.col("start").min(), till_at=pl.col("end").max())


def clamped(rows: pl.DataFrame, parents: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """What of each row lies in its parents' windows."""
    pieces = rows.join(merged(parents, keys), on=keys, how="inner")
    start, end = pl.max_horizontal("start", "from_at"), pl.min_horizontal("end", "till_at")
    return pieces.with_columns(start=start, end=end).filter(pl.col("start") < pl.col("end")).select(rows.columns)


def stack(rows: pl.DataFrame) -> pl.DataFrame:
    """The spans that count, metric by metric."""
    by = {metric: rows.filter(pl.col("metric") == metric) for metric in METRICS}
    if rows["source_table"].eq("zun.container").any():
        raise SystemExit("containers are not in this spine")
    host, lease = ["hypervisor_hostname"], ["reservation_id", "hypervisor_hostname"]
    total = superseded(by["total"])
    reservable = clamped(superseded(by["reservable"]), total, host)
    committed = clamped(by["committed"], reservable, host)
    reserved = clamped(by["occupied_reservation"], committed, lease)
    return pl.concat([total, reservable, committed, reserved, by["occupied_ondemand"]])


def swept(spans: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """The value of each metric and resource wherever it changes in the window, and at its start."""
    values = [(pl.col(name).fill_null(0) * scale).round().cast(pl.Int64) for name, scale in SCALES.items()]
    inside = spans.filter((pl.col("start") < end) & (pl.col("end") > start)).with_columns(values)
    begun = inside.select("metric", pl.max_horizontal("start", pl.lit(start)).alias("ts"), *SCALES)
    ended = inside.filter(pl.col("end") < end).select(
        "metric", pl.col("end").alias("ts"), *(-pl.col(name) for name in SCALES)
    )
    deltas = pl.concat([begun, ended]).group_by("metric", "ts").agg(pl.col(list(SCALES)).sum())
    adds = [(stored, name, sign) for stored, to in METRICS.items() for name, sign in to.items()]
    signs = pl.DataFrame(adds, schema=["metric", "of", "sign"], orient="row")
    names = signs.select(pl.col("of").alias("metric")).unique()
    signed = deltas.join(signs, on="metric").select(
        pl.col("of").alias("metric"), "ts", *(pl.col(name) * pl.col("sign") for name in SCALES)
    )
    zeros = names.select(
        "metric", pl.lit(start).cast(deltas["ts"].dtype).alias("ts"), *(pl.lit(0).alias(n) for n in SCALES)
    )
    steps = (
        pl.concat([signed, zeros.cast(dict(signed.schema))]).group_by("metric", "ts").agg(pl.col(list(SCALES)).sum())
    )
    steps = steps.sort("metric", "ts")
    parts = [
        steps.with_columns(running=pl.col(name).cum_sum().over("metric"))
        .filter((pl.col(name).abs() > NOISE.get(name, 0)) | (pl.col("ts") == start))
        .select("metric", pl.lit(name).alias("resource"), timestamp="ts", value=pl.col("running") / scale)
        for name, scale in SCALES.items()
    ]
    return pl.concat(parts).sort("metric", "resource", "timestamp")


def difference(mine: pl.DataFrame, usage: Path) -> str | None:
    """The first row of usage.parquet that is not ours, in words."""
    theirs = pl.scan_parquet(usage).filter(pl.col("collector_type") == "current")
    theirs = theirs.select(mine.columns).sort("metric", "resource", "timestamp").collect()
    if theirs.height != mine.height:
        return f"{theirs.height:,} rows there, {mine.height:,} here"
    for column in ("metric", "resource", "timestamp"):
        if theirs[column].cast(mine[column].dtype).ne(mine[column]).any():
            return f"other values of {column}"
    allowed = 1e-9 * theirs["value"].abs().clip(lower_bound=1.0)
    far = (theirs["value"] - mine["value"]).abs() > allowed
    return f"there {theirs.filter(far).row(0)}, here {mine.filter(far).row(0)}" if far.any() else None


def main(spans: str, out: str, start: str, end: str, usage: str | None = None) -> str | None:
    """Compute, write, compare."""
    found = swept(stack(claims(Path(spans))), datetime.fromisoformat(start), datetime.fromisoformat(end))
    found.write_parquet(out, compression="zstd")
    return difference(found, Path(usage)) if usage else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
