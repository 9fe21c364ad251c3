"""Texts of any kind where names, paths, URIs and settings are read: quoted whole, or refused in one line."""

import functools
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import jinja2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loader import config, grants
from loader.errors import Failure, UsageError, redacted
from loader.mysql import parse_uri, quote
from tests.commands import CHECKOUT

TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=40)
SECRET = "hunter2"  # noqa: S105


@functools.cache
def macro(file: str, name: str) -> Callable[..., str]:
    """A macro of ours that calls nothing of dbt's."""
    source = (CHECKOUT / "macros" / file).read_text("utf-8").replace("{{ return(", "{{ (")
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])  # noqa: S701 (SQL)
    environment.globals |= (
        {"literal": lambda text: macro("config.sql", "literal")(text)} if file != "config.sql" else {}
    )
    return getattr(environment.from_string(source).module, name)


@given(TEXT)
@example("'; drop table x; --")
@example("\\' or ''=''")
def test_a_literal_is_the_text_itself(text: str) -> None:
    (found,) = duckdb.execute(f"select {macro('config.sql', 'literal')(text)}").fetchone()
    assert found == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text("ab*?[]!-{}'\"$; ", min_size=1, max_size=12))
@example("[a]*?")
def test_a_path_names_one_file_and_is_no_pattern(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for each in (name, "a", "b", "ab", "aa"):
            Path(folder, each).mkdir(exist_ok=True)
            Path(folder, each, "x.csv").write_text(f"v\n{'mine' if each == name else 'other'}\n", "utf-8")
        path = macro("raw.sql", "exact_path")(f"{folder}/{name}/x.csv")
        assert duckdb.execute(f"select v from read_csv({path}, header = true)").fetchall() == [("mine",)]


@given(TEXT)
@example("a`; drop table b; -- ")
def test_a_quoted_name_ends_where_the_name_ends(name: str) -> None:
    quoted = quote(name)
    assert quoted[0] == quoted[-1] == "`"
    assert re.fullmatch(r"(?:[^`]|``)*", quoted[1:-1]), "a single ` would end it"
    assert quoted[1:-1].replace("``", "`") == name


@given(TEXT, TEXT)
@example("x'@'%'; GRANT ALL ON *.* TO y; --", "%")
@example("x\\", "'; --")
def test_grants_are_statements_of_one_account_or_refused(user: str, host: str) -> None:
    try:
        sql = grants.grant_sql(user, host)
    except UsageError:
        return
    account = "'" + user.replace("'", "''") + "'@'" + host.replace("'", "''") + "'"
    statements = [line for line in sql.splitlines() if not line.startswith("--")]
    assert statements[0] == f"CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK;"
    assert all(line.startswith("GRANT SELECT") and line.endswith(f" TO {account};") for line in statements[1:])


@given(TEXT, TEXT, TEXT)
@example("mysql://", "", "@host/?x=y")
@example("mysql", f"://u:{SECRET}", "/x@host")
def test_a_uri_is_an_address_or_refused_without_its_password(before: str, between: str, after: str) -> None:
    try:
        parse_uri(f"{before}{between}{SECRET}{after}", "--db-uri")
    except UsageError as e:
        assert SECRET not in str(e) or SECRET in before.partition("://")[0] + between.partition("://")[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), TEXT.map(str.encode), st.text("ab: \n-{}[]'\"&*!|>%@", max_size=60).map(str.encode)
    )
)
@example(b"a: &x {b: *x}")
@example(b"? {a: b}\n: c")
@example(b"!!python/object/apply:os.system ['true']")
@example(b"'../x': {data_dir: y}")
def test_a_config_is_read_or_refused_in_one_line(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "site.yml")
        path.write_bytes(content)
        try:
            sites = config.read(path)
        except Failure as e:
            assert str(path) in str(e)
        else:
            assert all(config.KEY.fullmatch(key) for key in sites)


@pytest.mark.parametrize(
    "place", ["mysql://u:hunter2@h", "x s3://key:hunter2@bucket y", "http://u:hunter2@[::1]:9000/a@b"]
)
def test_what_is_printed_holds_no_password_of_a_uri(place: str) -> None:
    assert SECRET not in redacted(place)
