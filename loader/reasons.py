"""Why a dbt run failed, in one line that a user can act on."""

import re
from typing import Any

NOISE = re.compile(r"^\s*(>.*|compiled code at.*|(Compilation|Database|Runtime) Error( in .*)?)$")
UNREADABLE = re.compile(
    r"No magic bytes|don't know what type|[Dd]ecompress|[Ss]nappy|TProtocolException|[Pp]arquet|ZSTD|[Cc]orrupt"
)
WRITING = re.compile(r"""Could not write file \\*"(?P<file>.+?)\\*": (?P<why>[^"\\]+)""")
HINTS = {
    r"Out of Memory": "raise --memory-limit, or free disk space for temporary files",
    r"No space left on device": "free disk space; temporary files go to $TMPDIR",
}


def why(ran: Any) -> str:
    """The first thing that went wrong in a dbt run, in one line."""
    results = getattr(ran.result, "results", None) or []
    for result in results:
        if result.status in ("error", "fail", "runtime error"):
            name = result.node.name
            if result.node.resource_type == "test":
                return f"check {name} failed: {plain(result.message)}; nothing was published"
            return plain(result.message)
    if ran.exception is not None:
        return plain(str(ran.exception))
    skipped = [r.node.name for r in results if r.status == "skipped"]
    return f"dbt did not run {skipped[0]}" if skipped else "dbt published nothing"


def plain(message: str | None) -> str:
    """dbt's message without its frame: what a user can act on, with a hint where we know one."""
    text = re.sub(r"\n\s*LINE \d+:.*(\n.*\^)?", "", message or "")  # DuckDB shows the SQL: of no use here
    text = "; ".join(line.strip() for line in text.splitlines() if line.strip() and not NOISE.match(line))
    if written := WRITING.search(text):
        hint = " (free disk space)" if "No space" in written["why"] else ""
        return f"cannot write {re.sub(r'/[.]part-[^/]+', '', written['file'])}: {written['why']}{hint}"
    text = text.removeprefix("Invalid Input Error: ").removeprefix("IO Error: ") or "no message"
    for pattern, hint in HINTS.items():
        if re.search(pattern, text):
            return f"{text} ({hint})"
    return text
