"""Tables of a made-up site while they are being filled, row by row."""

import calendar
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa

from loader import catalogue

WINDOW = (datetime(2024, 1, 1), datetime(2025, 1, 1))

HOUR, DAY = 3600, 86400
START = calendar.timegm(WINDOW[0].timetuple())
CHUNK = 50_000
ARROW = {"varchar": pa.string(), "bigint": pa.int64(), "timestamp": pa.timestamp("us"), "double": pa.float64()}
# Beginnings of the names of the required tables that a kind hasn't; of optional ones it has those with rows.
LACKS = {"edge": ("nova.", "nova_api.", "blazar.computehost", "blazar.instance_reservations")}

Row = dict[str, Any]


class Tables:
    """Rows by table, and what makes their values. Instants are seconds since 1970."""

    def __init__(self, kind: str, seed: int) -> None:
        """No rows yet."""
        self.kind, self.rng = kind, random.Random(f"{kind}:{seed}")  # noqa: S311
        self._catalogue = catalogue.load()
        self._rows: dict[str, list[Row]] = {name: [] for name in self._catalogue}
        self._chunks: dict[str, list[pa.Table]] = {name: [] for name in self._catalogue}
        self._last_id: Counter[str] = Counter()
        shadows = {name: name.replace(".", ".shadow_", 1) for name in self._catalogue}
        self._shadows = {name: shadow for name, shadow in shadows.items() if shadow in self._catalogue}
        self.is_archiving = False

    @staticmethod
    def at(day: float, hour: float = 0) -> int:
        """The instant this long after the window's start."""
        return START + round(day * DAY + hour * HOUR)

    def uuid(self) -> str:
        """A new uuid."""
        h = f"{self.rng.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

    def serial(self, name: str) -> int:
        """The next of the numbers 1, 2, … under this name."""
        self._last_id[name] += 1
        return self._last_id[name]

    def last_id(self, name: str) -> int:
        """The latest of the numbers under this name."""
        return self._last_id[name]

    def add(self, table: str, row: Row) -> None:
        """Add a row; columns left out are null."""
        table = self._shadows.get(table, table) if self.is_archiving else table
        rows = self._rows[table]
        rows.append(row)
        if len(rows) >= CHUNK:
            self._flush(table)

    @contextmanager
    def archived(self) -> Iterator[None]:
        """What is added meanwhile is as nova archives it: in the shadow tables, where a table has one."""
        self.is_archiving = True
        yield
        self.is_archiving = False

    def _flush(self, table: str) -> None:
        rows, columns = self._rows[table], self._catalogue[table].columns
        if unknown := set().union(*rows) - columns.keys():
            raise KeyError(f"{table} has no column {', '.join(sorted(unknown))} in the catalogue")
        arrays = {}
        for name, column in columns.items():
            values = [row.get(name) for row in rows]
            seconds = column.data_type == "timestamp"
            array = pa.array(values, pa.timestamp("s") if seconds else ARROW[column.data_type])
            arrays[name] = array.cast(ARROW["timestamp"]) if seconds else array
        self._chunks[table].append(pa.table(arrays))
        rows.clear()

    def tables(self) -> dict[str, pa.Table]:
        """The tables that a site of this kind has, with the catalogue's columns."""
        result = {}
        for name, table in self._catalogue.items():
            if self._rows[name] or not (table.optional or self._chunks[name]):
                self._flush(name)
            if self._chunks[name] and not name.startswith(LACKS.get(self.kind, "-")):
                result[name] = pa.concat_tables(self._chunks[name])
        return result
