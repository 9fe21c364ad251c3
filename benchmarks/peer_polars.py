"""The spine in polars, as a second opinion of numbers and speed: claims clamped from total to occupied, and the sweep.

`peer_polars.py SPANS.parquet OUT.parquet START END [USAGE.parquet]`: of spans.parquet it takes the claims, what a
source row asked for, and computes anew what became of them. With USAGE it exits with 1 and a sentence that names the
first difference.
"""

import sys
from datetime import datetime

import polars as pl

REFUSED = ["hidden", "never_launched", "null_key", "orphan", "empty"]  # by the source row alone
SCALES = {"disk_gb": 1e3, "memory_mb": 1e3, "nodes": 1e12, "vcpus": 1e3, "vcpus_overcommit": 1e6}  # as OUT is sorted
NOISE = {"nodes": 1000}  # of a scaled delta, that rounding leaves
OPERANDS = {
    "total": {"total": 1},
    "reservable": {"reservable": 1},
    "committed": {"committed": 1},
    "occupied_reservation": {"occupied_reservation": 1},
    "occupied_ondemand": {"occupied_ondemand": 1},
    "ondemand_capacity": {"total": 1, "reservable": -1},
    "available_reservable": {"reservable": 1, "committed": -1},
    "idle": {"committed": 1, "occupied_reservation": -1},
    "available_ondemand": {"total": 1, "reservable": -1, "occupied_ondemand": -1},
}
CLAIM = ["metric", "source_table", "source_id", "hypervisor_hostname", "reservation_id"]
SPAN = ["metric", "hypervisor_hostname", "reservation_id", "start", "end", *SCALES]
HOST, LEASE = ["hypervisor_hostname"], ["reservation_id", "hypervisor_hostname"]
KEYS = ["metric", "resource", "timestamp"]
NEVER = datetime(9999, 1, 1)


def claims(spans: str) -> pl.DataFrame:
    """What the source rows asked for, once each: a claim may have been cut into several pieces."""
    columns = [*CLAIM, "original_start_at", "original_end_at", *SCALES]
    rows = pl.scan_parquet(spans).filter(~pl.col("action").is_in(REFUSED)).select(columns).unique()
    rows = rows.with_columns(start="original_start_at", end=pl.col("original_end_at").fill_null(NEVER))
    found = rows.collect(engine="streaming")
    if (found["source_table"] == "zun.container").any():
        raise ValueError("containers are not in this spine")
    return found


def superseded(rows: pl.DataFrame) -> pl.DataFrame:
    """Each claim of a hypervisor ends where its next one starts."""
    number = pl.col("source_id").cast(pl.Int64, strict=False)
    rows = rows.sort("hypervisor_hostname", "start", number, "source_id", nulls_last=True)
    following = pl.col("start").shift(-1).over(HOST).fill_null(NEVER)
    rows = rows.with_columns(end=pl.min_horizontal("end", following))
    return rows.select(SPAN).filter(pl.col("start") < pl.col("end"))


def merged(parents: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The longest windows in which a key has a parent all the time."""
    reached = pl.col("end").cum_max().shift(1).over(keys)
    rows = parents.sort(*keys, "start").with_columns(is_new=(pl.col("start") > reached).fill_null(True))
    rows = rows.with_columns(island=pl.col("is_new").cum_sum().over(keys))
    return rows.group_by(*keys, "island").agg(from_at=pl.col("start").min(), till_at=pl.col("end").max())


def clamped(rows: pl.DataFrame, parents: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """What of each claim lies in its parents' windows."""
    start, end = pl.max_horizontal("start", "from_at"), pl.min_horizontal("end", "till_at")
    pieces = rows.join(merged(parents, keys), on=keys).with_columns(start=start, end=end)
    return pieces.select(SPAN).filter(pl.col("start") < pl.col("end"))


def stack(rows: pl.DataFrame) -> pl.DataFrame:
    """The spans that count, metric by metric."""

    def of(metric: str) -> pl.DataFrame:
        return rows.filter(pl.col("metric") == metric)

    total = superseded(of("total"))
    reservable = clamped(superseded(of("reservable")), total, HOST)
    committed = clamped(of("committed"), reservable, HOST)
    reserved = clamped(of("occupied_reservation"), committed, LEASE)
    return pl.concat([total, reservable, committed, reserved, of("occupied_ondemand").select(SPAN)])


def deltas(spans: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """What each stored metric changes by, wherever it does in the window: integers, so that sums are exact."""
    exact = [
        (pl.col(name).fill_null(0) * scale).round(mode="half_away_from_zero").cast(pl.Int64)
        for name, scale in SCALES.items()
    ]
    inside = spans.lazy().filter(pl.col("start") < end, pl.col("end") > start).with_columns(exact)
    begun = inside.select("metric", pl.col("start").clip(lower_bound=start).alias("timestamp"), *SCALES)
    ended = inside.filter(pl.col("end") < end)
    ended = ended.select("metric", pl.col("end").alias("timestamp"), *(-pl.col(name) for name in SCALES))
    sums = pl.concat([begun, ended]).group_by("metric", "timestamp").agg(pl.col(*SCALES).sum())
    return sums.collect(engine="streaming")


def swept(spans: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """The value of each metric and resource wherever it changes, and at the start of the window."""
    changes = deltas(spans, start, end)
    zero = changes.clear(1).with_columns(pl.lit(start).alias("timestamp"), pl.col(*SCALES).fill_null(0))
    names, resources = pl.Enum(sorted(OPERANDS)), pl.Enum(list(SCALES))
    parts = []
    for metric, operands in sorted(OPERANDS.items()):
        signed = [
            changes.filter(pl.col("metric") == operand).with_columns(pl.col(*SCALES) * sign)
            for operand, sign in operands.items()
        ]
        steps = pl.concat([zero, *signed], how="vertical_relaxed").group_by("timestamp").agg(pl.col(*SCALES).sum())
        steps = steps.sort("timestamp").lazy()
        parts += [
            steps.select("timestamp", delta=name, value=pl.col(name).cum_sum() / scale)
            .filter((pl.col("delta").abs() > NOISE.get(name, 0)) | (pl.col("timestamp") == start))
            .select(
                pl.lit(metric, names).alias("metric"), pl.lit(name, resources).alias("resource"), *KEYS[2:], "value"
            )
            for name, scale in SCALES.items()
        ]
    return pl.concat(parts).collect()


def difference(mine: pl.DataFrame, usage: str) -> str | None:
    """The first row of usage.parquet that is not ours, in words."""
    theirs = pl.scan_parquet(usage).filter(pl.col("collector_type") == "current").select(mine.columns)
    theirs = theirs.cast({name: mine.schema[name] for name in KEYS}).sort(KEYS).collect(engine="streaming")
    if theirs.height != mine.height:
        return f"{theirs.height:,} rows there, {mine.height:,} here"
    both = pl.concat([mine, theirs.select(pl.all().name.prefix("their_"))], how="horizontal")
    same = [pl.col(name).eq_missing(pl.col(f"their_{name}")) for name in KEYS]
    near = (pl.col("value") - pl.col("their_value")).abs() <= 1e-9 * pl.col("their_value").abs()
    near &= pl.col("their_value").is_finite()
    far = both.lazy().filter(~pl.all_horizontal(*same, near.fill_null(False))).head(1).collect()
    if far.is_empty():
        return None
    here, there = (" ".join(map(str, far.row(0)[at : at + 4])) for at in (0, 4))
    return f"the first difference: {there} there, {here} here"


def main(spans: str, out: str, start: str, end: str, usage: str | None = None) -> str | None:
    """Compute, write, compare."""
    found = swept(stack(claims(spans)), datetime.fromisoformat(start), datetime.fromisoformat(end))
    found.write_parquet(out, compression="zstd")
    return difference(found, usage) if usage else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
