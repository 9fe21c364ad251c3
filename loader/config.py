"""Which sites to work on: `etc/site.yml`, flags and environment, resolved by priority and checked as a whole."""

import difflib
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, model_validator

from loader.errors import UsageError

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
DEFAULT_OUTPUT = "output/usage"  # of commands that look at outputs: where the README's example writes them
VARIABLE = re.compile(r"(?P<escaped>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<broken>\$\{)")


class SiteEntry(BaseModel):
    """One site of the config file."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    site_name: str | None = Field(None, description="Label in tables and reports; the key if left out.")
    db_uri: SecretStr | None = Field(None, description="mysql://user:password@host:3306; ${VAR} for what is secret.")
    data_dir: str | None = Field(None, description="Where the extracted tables lie: a folder or s3://bucket/folder.")
    raw_parquet: str | None = Field(None, description="The old name of data_dir.", deprecated=True)
    output: str | None = Field(None, description="Where usage goes, a folder or s3://bucket/folder: <output>/<site>/.")
    history: bool | None = Field(None, description="Keep rows that vanish from the database.")
    schemas: list[str] = Field([], description="Only these databases; all if left out.")
    blazar: bool = Field(True, description="false: a cloud without Blazar; reservable and committed are zero.")

    @model_validator(mode="after")
    def _one_data_dir(self) -> "SiteEntry":
        if self.__dict__["raw_parquet"] is not None:
            if self.data_dir is not None:
                raise ValueError("raw_parquet is the old name of data_dir, which is there, too; give data_dir alone")
            self.data_dir = self.__dict__["raw_parquet"]
        return self


@dataclass(frozen=True)
class Site:
    """A site to work on, everything resolved. `db_uri` stays out of repr: it holds a password.

    `history`: keep rows that vanish from the database; None is not said. `schemas`: databases to read; empty is all.
    `blazar`: does the cloud have it? If not its tables are neither extracted nor read.
    """

    key: str
    name: str
    data_dir: str
    db_uri: SecretStr | None = None
    db_uri_from: str = ""
    history: bool | None = None
    schemas: tuple[str, ...] = ()
    blazar: bool = True
    output: str | None = None

    @property
    def uri(self) -> str:
        """The database's URI with its password; empty without one."""
        return self.db_uri.get_secret_value() if self.db_uri else ""


def _lines(node: yaml.Node | None, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], int]:
    """The line of every mapping key of a YAML document, by its path; a key given twice is an error."""
    found: dict[tuple[Any, ...], int] = {}
    if len(path) > 4:
        return found
    if not isinstance(node, yaml.MappingNode):
        return found
    for key, value in node.value:
        place = (*path, str(key.value))
        line = key.start_mark.line + 1
        if place in found:
            raise UsageError(f"line {line}: {shown(place[-1])} is there twice (first in line {found[place]})")
        found[place] = line
        found.update(_lines(value, place))
    return found


def shown(key: str) -> str:
    """A key for a message, unless it could hold a password: `db_uri:mysql://…` without a blank is a key for YAML."""
    return repr(key) if re.fullmatch(r"[\w./ -]{1,40}", key) else "a key that is no name (no blank after a colon?)"


def _explain(error: Mapping[str, Any], lines: dict[tuple[Any, ...], int]) -> str:
    place = tuple(str(p) for p in error["loc"])
    line = lines.get(place) or lines.get(place[:1])
    what = ".".join(place)
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(place[-1], SiteEntry.model_fields, 1)
        advice = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(SiteEntry.model_fields)}"
        return f"line {line}: unknown key {shown(what)}; {advice}"
    if len(place) == 1 and error["type"] != "value_error":
        return f"line {line}: {shown(what)} needs its settings indented below it: site_name, db_uri, data_dir"
    if error["type"] == "value_error":
        return f"line {line}: {what}: {error['ctx']['error']}"
    known = {"bool_parsing": "write true or false", "list_type": "write a list: [nova, nova_api, blazar]"}
    return f"line {line}: {what}: {known.get(error['type'], error['msg'])}"


def read(path: Path) -> dict[str, SiteEntry]:
    """The sites of a config file, by key. Errors name the file and the line, and never print a value."""
    try:
        text = path.read_text("utf-8")
        lines = _lines(yaml.compose(text, yaml.BaseLoader))
        content = yaml.load(text, yaml.BaseLoader)  # noqa: S506 (makes nothing but text, lists and mappings)
    except OSError as e:
        raise UsageError(f"{path}: {e.strerror}; --config must name a readable file") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not UTF-8 text") from None
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else 1
        raise UsageError(f"{path}: line {line}: not valid YAML: {e.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UsageError(f"{path}: not valid YAML") from None
    except UsageError as e:
        raise UsageError(f"{path}: {e}") from None
    if not isinstance(content, dict) or not content:
        raise UsageError(
            f"{path}: line 1: has no sites; it needs a mapping like `chi_uc: {{site_name: …, data_dir: …}}`"
        )
    for key in content:
        if not KEY.fullmatch(str(key)):
            line = lines.get((str(key),), 1)
            raise UsageError(
                f"{path}: line {line}: site key {shown(str(key))} may only hold letters, digits, _ . and -"
            )
    try:
        return TypeAdapter(dict[str, SiteEntry]).validate_python({str(k): v for k, v in content.items()})
    except ValidationError as e:
        raise UsageError("\n".join(f"{path}: {_explain(err, lines)}" for err in e.errors())) from None


def substituted(text: str, where: str) -> str:
    """A value of the config with each ${NAME} replaced from the environment; $${ stands for ${.

    `where` names the value in errors: a variable that is not set, or empty, is one. Only values that a command needs
    are asked for, so that one site's run needs no other site's variables.
    """

    def value(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "${"
        if found["broken"]:
            raise UsageError(f"{where}: ${{ needs a name and a brace: write ${{NAME}}, or $${{ for the characters ${{")
        if not os.environ.get(found["name"]):
            raise UsageError(f"{where}: the environment variable {found['name']} is not set")
        return os.environ[found["name"]]

    return VARIABLE.sub(value, text)


def trimmed(place: str) -> str:
    """A path or URL less its last slashes: `<data_dir>/<file>` then has one. ~ is the home folder, as in a shell."""
    if "://" not in place:
        place = os.path.expanduser(place)  # noqa: PTH111 (a Path would lose the s3:// of others)
    return place if place.endswith("://") else place.rstrip("/") or "/"


def _label(key: str, entry: SiteEntry, config: Path | None) -> str:
    return substituted(entry.site_name or key, f"{config}: site_name of {key}")


def _checked(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of --site, each once; they are folders, too."""
    for key in keys:
        if not KEY.fullmatch(key):
            raise UsageError(f"--site {key!r} may only hold letters, digits, _ . and -")
    return tuple(dict.fromkeys(keys))


def select(
    config: Path | None, keys: tuple[str, ...], data_dir: str | None, default_key: str | None = None
) -> list[Site]:
    """The sites named by --site (all of the config without it), each with its data_dir.

    Without a config one site is made of the flags alone; its key is --site or `default_key`.
    """
    keys = _checked(keys)
    if config is None:
        if len(keys) > 1:
            raise UsageError("several --site need --config, which says where the data of each lies")
        key = keys[0] if keys else default_key
        if key is None:
            raise UsageError("missing --site (or --config with the sites): it names the folder below --output")
        entries = {key: SiteEntry()}
    else:
        entries = _selected(config, keys)
    if data_dir and len(entries) > 1:
        raise UsageError(f"--data-dir names one folder, but {len(entries)} sites are selected; choose one with --site")
    sites = []
    for key, entry in entries.items():
        place = data_dir or (entry.data_dir and substituted(entry.data_dir, f"{config}: data_dir of {key}"))
        if not place:
            where = f" or data_dir of {key} in {config}" if config else " (or --config with a data_dir)"
            whose = f" for {key}" if config or keys else ""
            raise UsageError(f"missing data path{whose}: give --data-dir{where}")
        output = entry.output and trimmed(substituted(entry.output, f"{config}: output of {key}"))
        about = (entry.history, tuple(entry.schemas), entry.blazar, output)
        origin = f"db_uri of {key} in {config}"
        sites.append(Site(key, _label(key, entry, config), trimmed(place), entry.db_uri, origin, *about))
    places: dict[str, Site] = {}
    for site in sites:
        place = site.data_dir if "://" in site.data_dir else os.path.realpath(site.data_dir)
        other = places.setdefault(place, site)
        if other is not site:
            raise UsageError(f"{other.key} and {site.key} have the same data_dir {site.data_dir}; give each its own")
    return _told_apart(sites)


@dataclass(frozen=True)
class Place:
    """Where the outputs of a site lie (<output>/<key>/), and its tables; `schemas`: its databases, empty is all."""

    key: str
    name: str
    output: str
    data_dir: str | None
    schemas: tuple[str, ...] = ()


def places(
    config: Path | None,
    keys: tuple[str, ...],
    data_dir: str | None,
    output: str | None,
    known: Callable[[str], list[str]],
) -> list[Place]:
    """The sites whose outputs are to be looked at: those of --site, else of the config, else all that `known` finds.

    --output wins over the config's `output`; without both it is DEFAULT_OUTPUT.
    """
    if config is None:
        place = trimmed(output or DEFAULT_OUTPUT)
        found = list(_checked(keys)) or [key for key in known(place) if KEY.fullmatch(key)]
        if not found:
            raise UsageError(f"no site has outputs in {place}; give --output, or --config with `output`")
        return [Place(key, key, place, data_dir and trimmed(data_dir)) for key in found]
    entries = _selected(config, keys)
    result = []
    for key, entry in entries.items():
        given = output or (entry.output and substituted(entry.output, f"{config}: output of {key}")) or DEFAULT_OUTPUT
        tables = data_dir or (entry.data_dir and substituted(entry.data_dir, f"{config}: data_dir of {key}"))
        result.append(
            Place(key, _label(key, entry, config), trimmed(given), tables and trimmed(tables), tuple(entry.schemas))
        )
    return _told_apart(result)


T = TypeVar("T", Site, Place)


def _told_apart(sites: list[T]) -> list[T]:
    """Sites of one name have their keys in it: tables and charts go by the name."""
    count = Counter(site.name for site in sites)
    return [replace(site, name=f"{site.name} ({site.key})") if count[site.name] > 1 else site for site in sites]


def _selected(config: Path, keys: tuple[str, ...]) -> dict[str, SiteEntry]:
    """The entries of the config that --site names, all without it."""
    entries = read(config)
    for key in keys:
        if key not in entries:
            raise UsageError(f"--site {key}: unknown site; {config} has {', '.join(entries)}")
    return {key: entries[key] for key in keys or entries}


def with_database(sites: list[Site], db_uri: str | None) -> list[Site]:
    """The sites with the database to read: --db-uri, else $DATABASE_URI, else the config's db_uri."""
    flag, variable = db_uri, os.environ.get("DATABASE_URI")
    uri, origin = (flag, "--db-uri") if flag else (variable, "$DATABASE_URI")
    if uri and len(sites) > 1:
        raise UsageError(f"{origin} names one database, but {len(sites)} sites are selected; choose one with --site")
    if uri:
        return [replace(s, db_uri=SecretStr(uri), db_uri_from=origin) for s in sites]
    for site in sites:
        if site.db_uri is None:
            raise UsageError(f"missing database for {site.key}: give --db-uri, $DATABASE_URI or db_uri in the config")
    return [replace(s, db_uri=SecretStr(substituted(s.uri, s.db_uri_from))) for s in sites]
