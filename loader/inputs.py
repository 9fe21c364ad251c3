"""What outputs were made of: a hash of the extracted files and the options, in each output's metadata.

Outputs that were made of the same need not be made again.
"""

import hashlib
import json
import os
from datetime import datetime
from functools import cache
from typing import Any

import yaml

from loader import __version__, catalogue, manifest, outputs, storage

APART = ("data_dir", "output", "allow_failed")  # vars that don't change a number
WRITTEN = ("dbt_project.yml", "models", "macros", "seeds")  # of the project: what numbers are made by


@cache
def known_vars() -> tuple[str, ...]:
    """The vars of the project."""
    return tuple(yaml.safe_load((catalogue.project_dir() / "dbt_project.yml").read_text("utf-8"))["vars"])


def asked_for(given: dict[str, Any]) -> dict[str, Any]:
    """The vars of a run that its numbers depend on: those `given`, and those that the environment sets."""
    names = [name for name in known_vars() if name not in APART]
    set_outside = {name: os.environ.get(f"CHAMELEON_USAGE_{name.upper()}") for name in names}
    return {name: given.get(name, set_outside[name]) for name in names}


@cache
def _project() -> str:
    """A hash of the project's SQL, for whoever changes it without a new version."""
    found = hashlib.sha256()
    for name in WRITTEN:
        path = catalogue.project_dir() / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found.update(file.read_bytes())
    return found.hexdigest()


def fingerprint(told: dict[str, Any], runs: dict[str, str | None], given: dict[str, Any]) -> str | None:
    """A hash of a run's inputs: what the manifest said, which extraction wrote each file, the vars, this program.

    None if a file does not say which extraction wrote it: then nobody knows whether it is the same.
    """
    if not told or None in runs.values():
        return None
    facts = [told, sorted(runs.items()), asked_for(given), __version__, _project()]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def runs_of(schemas: dict[str, Any]) -> dict[str, str | None]:
    """Which extraction wrote each file."""
    return {name: manifest.marks(schema).get("run_id") for name, schema in schemas.items()}


def made_before(data_dir: str, folder: str, given: dict[str, Any]) -> list[str] | None:
    """The output files in a folder, if all are there and of the same inputs, and the window had ended when the tables
    were extracted; else, or if this run would refuse its inputs, None."""
    names = [
        *outputs.FILES,
        *(outputs.RESAMPLED if given["resample"] else ()),
        *(("usage_wide",) if given["wide"] else ()),
    ]
    remote = storage.s3_filesystem() if storage.is_remote(folder) else None
    marks = outputs.read_marks(remote, folder, tuple(names))
    made_of = {each.get("inputs") for each in marks.values()} | {each.get("run_id") for each in marks.values()}
    if len(marks) < len(names) or len(made_of) != 2 or None in made_of:
        return None
    told = manifest.read(data_dir)
    if not _had_ended(given["end_date"], told) or (manifest.failed(told) and not given["allow_failed"]):
        return None
    remote = storage.s3_filesystem() if storage.is_remote(data_dir) else None
    runs = runs_of(storage.read_schemas(remote, data_dir, list(catalogue.load())))
    return [f"{folder}/{name}.parquet" for name in names] if fingerprint(told, runs, given) in made_of else None


def _had_ended(end: str, told: dict[str, Any]) -> bool:
    """Was the end of the window (UTC) over when the tables were extracted?"""
    try:
        return datetime.fromisoformat(end) <= datetime.fromisoformat(told["snapshot_at"])
    except (KeyError, TypeError, ValueError):
        return False
