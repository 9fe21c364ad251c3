"""Events that a plot is annotated with, of a small YAML file: what happened, and when."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

from loader.errors import UsageError
from loader.instants import parse_instant

KEYS = ("date", "text", "site")
EXAMPLE = "write a list of {date: 2024-03-01, text: what happened}, with `site: KEY` for one of a site alone"


@dataclass(frozen=True)
class Event:
    """What happened at an instant (UTC), to one site or to all (None)."""

    at: datetime
    text: str
    site: str | None = None


def read(file: Path) -> list[Event]:
    """The events of a file, in time; UsageError names the file and the entry."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 (makes text, lists, mappings)
    except OSError as e:
        raise UsageError(f"--events {file}: {e.strerror}") from None
    except yaml.MarkedYAMLError as e:
        line = f"line {e.problem_mark.line + 1}: " if e.problem_mark else ""
        raise UsageError(f"--events {file}: {line}not valid YAML: {e.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        raise UsageError(f"--events {file}: not valid YAML: {' '.join(str(e).split())}") from None
    if not isinstance(content, list):
        raise UsageError(f"--events {file}: {EXAMPLE}")
    return sorted((_event(entry, f"--events {file}: entry {i}") for i, entry in enumerate(content, 1)), key=_when)


def _event(entry: object, where: str) -> Event:
    if not isinstance(entry, dict) or not entry.get("date") or not entry.get("text") or set(entry) - set(KEYS):
        raise UsageError(f"{where}: {EXAMPLE}")
    if not all(isinstance(value, str) for value in entry.values()):
        raise UsageError(f"{where}: {EXAMPLE}")
    return Event(parse_instant(entry["date"], f"{where}: date"), entry["text"], entry.get("site"))


def _when(event: Event) -> tuple[datetime, str]:
    return event.at, event.text
