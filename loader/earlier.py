"""What an earlier extraction left in a data_dir, and what becomes of it: its history is kept, a fall in rows told."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loader import history, manifest, storage
from loader.catalogue import Table
from loader.config import Site
from loader.errors import Failure
from loader.history import Unmergeable
from loader.manifest import Outcome
from loader.mysql import Server

BEGIN_ANEW = "remove the file to begin its history anew"


@dataclass
class Earlier:
    """The files of earlier runs in a site's data_dir. `names` are all files there, `told` is the last manifest."""

    site: Site
    accept_server: bool
    told: dict[str, Any] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    @classmethod
    def look(cls, site: Site, accept_server: bool) -> "Earlier":
        """Look once, before anything is read; raises Failure when the place can't be read."""
        names = storage.names_in(_filesystem(site), site.data_dir)
        return cls(site, accept_server, manifest.read_or_warn(site.data_dir), names)

    def has_file(self, table: Table) -> bool:
        return f"{table.full_name}.parquet" in self.names

    def place(self, table: Table) -> str:
        return f"{self.site.data_dir}/{table.full_name}.parquet"

    def entry(self, table: Table) -> dict[str, Any]:
        """What the last manifest says of a table."""
        return self.told.get("tables", {}).get(table.full_name, {})

    def vanished(self, table: Table) -> int:
        """How many rows its file keeps though they vanished; asked of the file where no manifest tells."""
        entry = self.entry(table)
        if not self.has_file(table) or (entry.get("status") == "copied" and not entry.get("vanished")):
            return 0
        try:
            return storage.ask_footer(self.place(table), history.vanished_rows)
        except Failure:
            return 0  # what can't be read holds nothing that could be lost

    def refuse_loss(self, tables: list[Table], server: Server) -> None:
        """Raise Failure where a run would drop a history that an earlier one kept, or merge two servers' rows."""
        data_dir, before = self.site.data_dir, manifest.identity(self.told)
        if self.site.history and before and before != server.identity and not self.accept_server:
            raise Failure(
                f"{data_dir} holds the history of another server ({before}; this is {server.identity}); use another "
                "data_dir, or --accept-server if it is the same cloud after a move or a restore"
            )
        if self.site.history is None and (count := sum(map(self.vanished, tables))):
            raise Failure(
                f"{data_dir} holds {count:,} rows that have vanished from the database: go on with --history "
                "(history: true in the config), or drop them with --no-history"
            )

    def add_to(self, outcome: Outcome, path: Path, server: Server, key: list[str], spill: Path) -> None:
        """Finish a copied table's file with what the earlier one keeps, and say what has changed since.

        Raises Unmergeable when that would lose a row or a value; then the table has failed, and its file stays.
        """
        if not self.site.history:
            outcome.dropped = self.vanished(outcome.table)
            outcome.fall = self._fall(outcome)
            return
        if problem := history.no_key(path, key, spill):
            if self.vanished(outcome.table):
                raise Unmergeable(f"{problem}, and its file keeps rows that have vanished")
            outcome.remark = f"{problem}, so rows that vanish can't be kept"
            outcome.fall = self._fall(outcome)
            return
        self._merge(outcome, path, server, key, spill)

    def _merge(self, outcome: Outcome, path: Path, server: Server, key: list[str], spill: Path) -> None:
        old = storage.fetch(self.place(outcome.table), path.with_suffix(".earlier"))
        last = self._check(outcome, old, server, key, spill) if old else None
        if last is None and old and not outcome.remark:
            last = self.told.get("snapshot_at")
        merged = path.with_suffix(".merged")
        source = None if outcome.remark else old
        kept = history.merge(path, source, key, (last, server.snapshot_at), merged, spill, outcome.table)
        merged.replace(path)
        outcome.fall, outcome.vanished = kept.gone, kept.vanished
        if old and old.parent == path.parent:
            old.unlink()

    def _check(self, outcome: Outcome, old: Path, server: Server, key: list[str], spill: Path) -> str | None:
        """The instant that the earlier file shows; raises Unmergeable if it can't be merged and would be a loss."""
        target = self.place(outcome.table)
        try:
            marks = manifest.marks(pq.read_schema(old))
            problem = history.no_key(old, key, spill)
        except Exception as e:  # of arrow and DuckDB
            words = storage.reason(e) if isinstance(e, (OSError, pa.ArrowException)) else type(e).__name__
            raise Unmergeable(f"its history in {target} can't be read: {words} ({BEGIN_ANEW})") from None
        if marks.get("server", server.identity) != server.identity and not self.accept_server:
            raise Unmergeable(f"the earlier file is of another server, {marks['server']} (see --accept-server)")
        if problem and history.vanished_rows(old):
            raise Unmergeable(f"the earlier file keeps vanished rows, but {problem} ({BEGIN_ANEW})")
        if problem:
            outcome.remark = f"the earlier file can't be compared ({problem}), so its history begins now"
        return marks.get("snapshot_at")

    def _fall(self, outcome: Outcome) -> int:
        """How many rows fewer than in the last copy."""
        before = self.entry(outcome.table).get("rows")
        if not isinstance(before, int) and self.has_file(outcome.table):
            with suppress(Failure):
                before = storage.ask_footer(self.place(outcome.table), lambda file: file.metadata.num_rows)
        return max(0, before - outcome.rows) if isinstance(before, int) else 0


def _filesystem(site: Site) -> Any:
    return storage.s3_filesystem() if storage.is_remote(site.data_dir) else None
