"""The parsed dbt project and its compiled templates, kept in the user's cache: half the time of a small build."""

import hashlib
import os
import pickle
import re
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import fields
from importlib.metadata import version
from logging import DEBUG
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loader import __version__, storage
from loader.catalogue import project_dir
from loader.console import say
from loader.errors import Failure, stop_if_interrupted

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PROJECT = "chameleon_usage"
PARSED = ("dbt_project.yml", "profiles.yml", "models", "macros", "seeds", "tests/generic")
CALLED = (  # files of macros that dbt's Python calls: schemas are listed and made, a seed is loaded
    "macros/adapters/schema.sql",
    "macros/adapters/metadata.sql",
    "macros/adapters.sql",
    "macros/materializations/seeds/seed.sql",
    "macros/seed.sql",
)


def project_flags(target: Path, logs: Path) -> list[str]:
    """Flags with which dbt runs our project: it writes to `target` and `logs` alone, and says nothing itself."""
    project = str(project_dir())
    return [
        *("--project-dir", project, "--profiles-dir", project, "--target-path", str(target)),
        *("--log-level", "none", "--log-level-file", "none", "--log-path", str(logs), "--no-version-check"),
    ]


def manifest(runner: Any, work: Path) -> "Manifest":
    """dbt's manifest of our project, from the cache or by parsing; Failure if dbt cannot read its own project.

    Parsed without any var, so that it serves every site. Templates that dbt compiles from now on are kept too.
    """
    from dbt_common.dataclass_schema import dbtClassMixin

    folder = cache_folder()
    file = folder / "project.pickle" if folder else None
    if found := _kept(file) if file else None:
        dbtClassMixin.validate = classmethod(lambda *_: None)  # these very files have passed it
    else:
        say(DEBUG, "dbt parses its project; the next run will find it parsed" if file else "dbt parses its project")
        flags = ["--no-write-json", "--no-partial-parse", *project_flags(work / "parse", work)]
        parsed = runner().invoke(["parse", *flags])
        stop_if_interrupted()
        if not parsed.success:
            raise Failure(f"dbt cannot read its own project: {storage.reason(parsed.exception)}")
        found = parsed.result
        _drop_unused(found)
        if file:
            _keep(file, found)
    if folder:
        _keep_templates(folder)
    return found


def _kept(file: Path) -> "Manifest | None":
    """The manifest in a file; None if there is none that can be read."""
    from dbt.contracts.graph.manifest import Manifest

    try:
        facts = pickle.loads(file.read_bytes())  # noqa: S301 (in a folder that only this user may write to)
        return Manifest(**facts)
    except FileNotFoundError:
        return None
    except Exception as e:  # cut off, or by another dbt; pickle raises errors of any kind
        say(DEBUG, f"{file} cannot be read ({e!r}); the project is parsed anew")
        return None


def _keep(file: Path, parsed: "Manifest") -> None:
    """Put a manifest in place as a whole file, since another run may read it at any moment."""
    named = [each.name for each in fields(parsed) if not each.name.startswith("_")]  # its own way to pickle loses some
    part = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        part.write_bytes(pickle.dumps({name: getattr(parsed, name) for name in named}, pickle.HIGHEST_PROTOCOL))
        part.replace(file)


def cache_folder() -> Path | None:
    """Where to keep what is made of this very project by this very dbt; None where nothing of ours can be kept.

    It is made for this user alone; what other versions left there is removed.
    """
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chameleon-usage"
        place = base / re.sub(r"[^A-Za-z0-9]+", "-", str(project_dir()))[-80:]
        folder = place / _made_of()
        if not folder.exists():
            shutil.rmtree(place, ignore_errors=True)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            return None
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # no home, or none that we may write to
        return None


def _made_of() -> str:
    """A hash of the project's files and of what reads them."""
    packages = [version(name) for name in ("dbt-core", "dbt-duckdb", "dbt-adapters", "dbt-common", "jinja2")]
    found = hashlib.sha256(repr([__version__, sys.version, *packages]).encode())
    for name in PARSED:
        path = project_dir() / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found.update(f"\0{file}\0".encode())
                found.update(file.read_bytes())
    return found.hexdigest()[:32]


def _drop_unused(parsed: "Manifest") -> None:
    """Drop what only parsing needs, and macros that no node leads to: dbt hands all of them to every node, twice."""
    macros = parsed.macros
    ahead = [key for node in parsed.nodes.values() for key in node.depends_on.macros]
    ahead += [k for k, m in macros.items() if m.package_name == PROJECT or m.original_file_path in CALLED]
    needed = set()
    while ahead:
        key = ahead.pop()
        if key in macros and key not in needed:
            needed.add(key)
            ahead += macros[key].depends_on.macros
    parsed.macros = {key: macro for key, macro in macros.items() if key in needed}
    parsed.files, parsed.unit_tests = {}, {}


def _keep_templates(folder: Path) -> None:
    """Let Jinja keep what it compiles: dbt compiles some 300 templates anew in every process."""
    from dbt_common.clients.jinja import MacroFuzzEnvironment
    from jinja2.bccache import Bucket, FileSystemBytecodeCache

    kept, compiled = FileSystemBytecodeCache(str(folder), "%s.jinja"), MacroFuzzEnvironment.compile

    def compile_once(self: MacroFuzzEnvironment, source: Any, name: Any = None, *more: Any, **named: Any) -> Any:
        if more or named or not isinstance(source, str):
            return compiled(self, source, name, *more, **named)
        key = hashlib.sha256(f"{type(self).__name__}\0{name}\0{source}".encode()).hexdigest()
        bucket = Bucket(self, key, kept.get_source_checksum(source))
        with suppress(Exception):  # cut off: compiled anew
            kept.load_bytecode(bucket)
        if bucket.code is None:
            bucket.code = compiled(self, source, name)
            with suppress(OSError):
                kept.dump_bytecode(bucket)
        return bucket.code

    MacroFuzzEnvironment.compile = compile_once
