"""Random values of tiny domains, so that ids, names and instants collide."""

import random
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]
INSTANTS = [datetime(2024, 1, 1) + timedelta(hours=6 * i) for i in range(25)]
PROJECTS = ("p1", "p2")
# Digits compare as numbers: "9" before "10".
KEYS = [f"{i}" for i in range(1, 13)] + [f"{i:08x}-0000-4000-8000-00000000000{i % 10}" for i in range(20)]


class Draw:
    """Random values of the small domains of one site."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(f"random_site:{seed}")  # noqa: S311
        count = self.rng.choice((3, 3, 4, 5))
        self.names = [f"n{i}" for i in range(count)]
        # Service hosts; one is also the name of a hypervisor, one is in no table.
        self.services = ["s1", "s2", self.names[0], "nowhere"]
        self.hosts, self.leases, self.devices = self.keys(6), self.keys(6), self.keys(5)
        self.reservations = self.keys(8)
        self.instances = [f"i{i}" for i in range(15)]

    def keys(self, count: int) -> list[str]:
        """Distinct ids of a blazar table."""
        return self.rng.sample(KEYS, count)

    def one(self, values: Any, null: float = 0.0) -> Any:
        """One of the values, or null with this probability."""
        return None if self.rng.random() < null else self.rng.choice(values)

    def at(self, null: float = 0.0) -> datetime | None:
        """An instant of the grid."""
        return self.one(INSTANTS, null)

    def span(self, null_start: float, null_end: float, wide: bool = False) -> tuple[datetime | None, datetime | None]:
        """Two instants, mostly but not always in order; `wide`: mostly long, as parents' are."""
        start, end = self.at(), self.at()
        if wide and self.rng.random() < 0.7:
            start, end = self.rng.choice(INSTANTS[:6]), self.rng.choice(INSTANTS[12:])
        if self.rng.random() < 0.85:
            start, end = sorted((start, end))  # type: ignore[type-var]
        return self.one((start,), null_start), self.one((end,), null_end)

    def known(self, keys: list[str], unknown: float = 0.05) -> str:
        """One of the ids, or one that is in no table."""
        return "missing" if self.rng.random() < unknown else self.rng.choice(keys)

    def capacity(self) -> int | None:
        """A host's capacity: unknown in a third of the rows."""
        return self.one((0, 2, 4, 8, 8, 16), 0.15)
