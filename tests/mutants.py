"""Small changes of the SQL, one at a time: each must be caught, by the count of random sites or by a test.

    python -m tests.mutants [--only TEXT …] [--sites N] [--workers N]

A mutant is tried on random sites against tests/oracle, as tests/integration does, then by `dbt build` of the sample
sites with its unit and data tests; one that names a test is tried by that alone, in a copy of the checkout. The exit
code is 1 if any survives. The list is in tests/mutant_list/.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from loader import sample
from tests import oracle
from tests.commands import copy_checkout, dbt_build
from tests.compare import assert_equal, assert_same_hours, read_site
from tests.compiled import FOLDER, SHAPED, Built, Project, write_tables
from tests.damages import DAMAGES, Sound
from tests.mutant_list import MUTANTS, Mutant
from tests.random_site import RANDOM_BUCKET, RANDOM_WINDOW, random_site, to_tables

# Of the instants of random sites, the second window's bounds and buckets are some, the first one's none.
WINDOWS = ((RANDOM_WINDOW, RANDOM_BUCKET), (("2024-01-02", "2024-01-05"), "12h"))
SITES = 60
ONCE_WRONG = (75, 78)  # legacy hours that no decimal holds
SHAPING = ("macros/raw.sql", "models/usage/tracked.sql")  # files that a site's tables and columns matter to
NOT_COMPARED = ("macros/missing.sql", "models/usage/quality.sql")
OUTPUTS = {"spans", "usage", "usage_by_project", "usage_resampled", "usage_by_project_resampled", "hours"}
NOT_SQL = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException)


class BrokenMutant(RuntimeError):
    """A mutant that is no SQL: whatever tests there are, it would not run."""


@dataclass(frozen=True)
class Site:
    """A random site: its files, the models' SQL, what they make, and the independent count."""

    seed: int
    folder: Path
    sql: dict[str, str]
    built: Built
    count: oracle.Result


def variables_of(seed: int) -> dict[str, Any]:
    (start, end), resample = WINDOWS[seed % len(WINDOWS)]
    return {"has_blazar": seed % 5 != 0, "start_date": start, "end_date": end, "resample": resample}


class Laboratory:
    """The project, parsed once, and random sites, made when they are needed."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.project = Project(work / "dbt", **variables_of(0))
        self.base: dict[int, dict[str, str]] = {}
        self.sites: dict[int, Site] = {}

    def site(self, seed: int) -> Site:
        if seed not in self.sites:
            folder = write_tables(to_tables(random_site(seed)), self.work / f"s{seed}")
            variables = variables_of(seed)
            window = seed % len(WINDOWS)
            if window not in self.base:
                self.base[window] = self.project.compiled(folder, **variables)
            sql = self.base[window] | self.project.compiled(folder, *SHAPED, **variables)
            built = self.project.plan_of(sql).run(folder)
            instants = (datetime.fromisoformat(variables[name]) for name in ("start_date", "end_date"))
            count = oracle.count(read_site(folder), *instants, variables["has_blazar"])
            self.sites[seed] = Site(seed, folder, sql, built, count)
        return self.sites[seed]

    @cached_property
    def samples(self) -> dict[str, Path]:
        folders = {kind: self.work / kind for kind in sample.KINDS}
        for kind, folder in folders.items():
            sample.write(kind, folder)
        return folders

    @contextmanager
    def changed(self, mutant: Mutant) -> Iterator[None]:
        """The parsed project has the mutant's text."""
        manifest = self.project.manifest
        nodes = [n for n in manifest.nodes.values() if n.original_file_path == mutant.file]
        macros = [m for m in manifest.macros.values() if m.original_file_path == mutant.file]
        holders = [(n, "raw_code") for n in nodes] + [(m, "macro_sql") for m in macros]
        ((holder, name),) = [(h, name) for h, name in holders if mutant.old in getattr(h, name)]
        text = getattr(holder, name)
        setattr(holder, name, text.replace(mutant.old, mutant.new))
        try:
            yield
        finally:
            setattr(holder, name, text)

    def by_sites(self, mutant: Mutant, seeds: list[int]) -> str | None:
        """The first site whose numbers are not those of the independent count, and what differs there."""
        file = Path(mutant.file)
        selected = () if file.parts[0] == "macros" else (file.stem,)
        compiled: dict[int, dict[str, str]] = {}
        for seed in seeds:
            site = self.site(seed)
            window = seed % len(WINDOWS)
            with self.changed(mutant):
                if window not in compiled or mutant.file in SHAPING:
                    compiled[window] = self.project.compiled(site.folder, *selected, **variables_of(seed))
            shaped = self.shaped if mutant.file not in SHAPING else set()
            sql = site.sql | {name: text for name, text in compiled[window].items() if name not in shaped}
            try:
                if difference := self.difference(site, sql):
                    return f"site {seed}: {difference}"
            except NOT_SQL as error:
                raise BrokenMutant(f"{mutant.file}: {mutant.name}: {error}") from error
        return None

    @cached_property
    def shaped(self) -> set[str]:
        """Models whose SQL a site's tables and columns decide."""
        return {n.name for n in self.project.nodes if n.name in SHAPED or "staging" in n.tags}

    def difference(self, site: Site, sql: dict[str, str]) -> str | None:
        """What differs from the independent count if the site's models are made of this SQL.

        A model is made again if its SQL or the rows of one of its parents have changed.
        """
        connection = site.built.connection.begin()
        others: set[str] = set()  # models with other rows
        try:
            for node in self.project.nodes:
                parents = {unique_id.split(".")[-1] for unique_id in node.depends_on_nodes}
                if sql.get(node.name) != site.sql.get(node.name) or parents & others:
                    before = site.built.table(node.name)
                    for statement in self.project.plan_of(sql, {node.name}).statements:
                        again = statement.replace("create table", "create or replace table", 1)
                        connection.execute(again.replace(FOLDER, str(site.folder)))
                    if not site.built.table(node.name).equals(before):
                        others.add(node.name)
            if others & OUTPUTS:
                variables = variables_of(site.seed)
                window = (variables["start_date"], variables["end_date"])
                assert_equal(
                    site.folder, site.built.rows, window, variables["has_blazar"], variables["resample"], site.count
                )
                assert_same_hours(site.built.rows("hours"), site.count.usage, window)
        except AssertionError as error:
            return f"{traceback.extract_tb(error.__traceback__)[-1].name} {error}"
        except NOT_SQL:
            raise
        except (duckdb.Error, OverflowError) as error:  # an instant that is 'infinity' fits no datetime
            return f"{type(error).__name__} {error}"
        finally:
            connection.rollback()
        return None

    def by_damages(self, mutant: Mutant, seed: int = 1) -> str | None:
        """What a data test with the mutant's text finds on a sound site, or doesn't find on a damaged one."""
        site = self.site(seed)
        with self.changed(mutant):
            tests = self.project.data_tests(site.folder, **variables_of(seed))
        sound = Sound(site.built, {name: sql.replace(FOLDER, str(site.folder)) for name, sql in tests.items()})
        try:
            if wrong := sound.wrong():
                return f"sound models: {wrong}"
            missed = (f"{name}: {damage}" for name, damage in DAMAGES if not sound.finds(name, damage))
            return next(missed, None)
        except NOT_SQL as error:
            raise BrokenMutant(f"{mutant.file}: {mutant.name}: {error}") from error

    def by_build(self, mutant: Mutant) -> str | None:
        """The first unit or data test that fails in a build of a sample site."""
        resampled = ("--exclude-resource-type", "unit_test")  # whose expected rows know of no buckets
        with copied(mutant) as project:
            for kind, resample, flags in (("edge", None, ()), ("kvm", "7d", resampled)):
                variables = {"resample": resample}
                built = dbt_build(self.samples[kind], project / "output", *flags, project=project, variables=variables)
                if built.returncode:
                    failure = re.search(r"(Failure|Error) in (\S+ \S+)", built.stdout)
                    return f"build of {kind}: {failure[2] if failure else built.stdout[-300:]}"
        return None

    def by_test(self, mutant: Mutant) -> str | None:
        """The first test of the named file that fails in a copy with the mutant."""
        with copied(mutant) as project:
            command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]
            command += mutant.test.split()
            env = os.environ | {"PYTHONPATH": str(project)}
            ran = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
        if ran.returncode not in (0, 1):
            raise BrokenMutant(ran.stdout[-500:] + ran.stderr[-500:])
        failure = re.search(r"^FAILED (\S+)|^ERROR (\S+)", ran.stdout, re.M)
        return (failure[1] or failure[2]) if failure else None

    def caught_by(self, mutant: Mutant, seeds: list[int]) -> str | None:
        if mutant.test:
            return self.by_test(mutant)
        if mutant.file.startswith("tests/generic/"):
            return self.by_damages(mutant)
        if not mutant.file.startswith(NOT_COMPARED) and (found := self.by_sites(mutant, seeds)):
            return found
        return self.by_build(mutant)


@contextmanager
def copied(mutant: Mutant) -> Iterator[Path]:
    """A copy of the checkout with the mutant's text."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        project = copy_checkout(Path(folder) / "project")
        file = project / mutant.file
        file.write_text(file.read_text().replace(mutant.old, mutant.new))
        yield project


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    caught_by: str | None
    seconds: float
    otherwise: str = "SURVIVED"


def seeds_of(count: int) -> list[int]:
    return [*range(count), *(seed for seed in ONCE_WRONG if seed >= count)]


def _verdict(mutant: Mutant, seeds: list[int]) -> Verdict:
    """In a worker, which keeps its laboratory."""
    global laboratory
    if "laboratory" not in globals():
        folder = tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=os.environ["MUTANTS_WORK"])
        laboratory = Laboratory(Path(folder))
    begun = time.monotonic()
    try:
        found, otherwise = laboratory.caught_by(mutant, seeds), "SURVIVED"
    except BrokenMutant as error:
        found, otherwise = None, f"BROKEN {error}"
    return Verdict(mutant, found, time.monotonic() - begun, otherwise)


def report(verdicts: list[Verdict], console: Console) -> None:
    """A table of all, survivors last."""
    table = Table("mutant", "caught by", "s")
    for verdict in sorted(verdicts, key=lambda v: (v.caught_by is None, v.mutant.file)):
        caught = (verdict.caught_by or verdict.otherwise).splitlines()[0][:100]
        table.add_row(f"{verdict.mutant.file}: {verdict.mutant.name}", caught, f"{verdict.seconds:.0f}")
    console.print(table, markup=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", help="part of the file and name of the mutants to try; repeatable")
    parser.add_argument("--sites", type=int, default=SITES, help="random sites to try")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    given = parser.parse_args()
    wanted = given.only or [""]
    chosen = [m for m in MUTANTS if any(text in f"{m.file}: {m.name}" for text in wanted)]
    seeds, verdicts, console, begun = seeds_of(given.sites), [], Console(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as work:
        os.environ["MUTANTS_WORK"] = work
        with ProcessPoolExecutor(given.workers) as pool:
            for verdict in pool.map(_verdict, chosen, [seeds] * len(chosen)):
                verdicts.append(verdict)
                told = f"{verdict.mutant.file}: {verdict.mutant.name}: {verdict.caught_by or verdict.otherwise}"
                print(f"{len(verdicts)}/{len(chosen)} {told}"[:200].replace("\n", " "), file=sys.stderr)
    report(verdicts, console)
    survived = sum(v.caught_by is None for v in verdicts)
    console.print(f"{len(verdicts)} mutants, {survived} survived, {(time.monotonic() - begun) / 60:.0f} minutes")
    return int(bool(survived))


if __name__ == "__main__":
    sys.exit(main())
