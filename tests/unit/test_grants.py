"""The SQL of print-grant-sql: every table once, names quoted, nothing but SQL."""

import re

import pytest

from loader import catalogue
from loader.errors import UsageError
from loader.grants import grant_sql

STATEMENT = re.compile(r"(CREATE USER IF NOT EXISTS|GRANT SELECT ON) [^;]+;")


def statements(sql: str) -> list[str]:
    return [line for line in sql.splitlines() if not line.startswith("-- ")]


def test_every_line_is_a_comment_or_one_whole_statement() -> None:
    sql = grant_sql("usage_exporter", "%")
    assert all(STATEMENT.fullmatch(line) for line in statements(sql))
    assert sum("CREATE USER" in line for line in statements(sql)) == 1


def test_every_table_of_the_catalogue_is_granted_once_and_nothing_else() -> None:
    granted = re.findall(r"^GRANT SELECT ON `(\w+)`\.`(\w+)` TO 'u'@'h';$", grant_sql("u", "h"), re.MULTILINE)
    assert sorted(granted) == sorted((t.schema, t.name) for t in catalogue.load().values())
    assert len(granted) == len(statements(grant_sql("u", "h"))) - 1


def test_optional_tables_come_last() -> None:
    """The client stops at the first table that a cloud doesn't have: by then all required ones are granted."""
    optional = {f"`{t.schema}`.`{t.name}`": t.optional for t in catalogue.load().values()}
    order = [optional[line.split()[3]] for line in statements(grant_sql("u", "%"))[1:]]
    assert order == sorted(order)
    required, _, rest = grant_sql("u", "%").partition("-- optional tables, last\n")
    assert all(name in (rest if is_optional else required) for name, is_optional in optional.items())


def test_a_new_user_is_made_before_it_is_granted_anything_and_nobody_can_log_in_as_it() -> None:
    assert statements(grant_sql("u", "%"))[0] == "CREATE USER IF NOT EXISTS 'u'@'%' ACCOUNT LOCK;"


@pytest.mark.parametrize(
    ("user", "host", "account"),
    [
        ("usage_exporter", "10.0.0.%", "'usage_exporter'@'10.0.0.%'"),
        ("o'brien", "%", "'o''brien'@'%'"),
        ("''", "10.0.0.0/255.255.255.0", "''''''@'10.0.0.0/255.255.255.0'"),
        ('say "hi"; DROP TABLE x; -- `', "::1", "'say \"hi\"; DROP TABLE x; -- `'@'::1'"),
        ("Jürgen", "host'.example", "'Jürgen'@'host''.example'"),
        ("u" * 80, "h" * 255, f"'{'u' * 80}'@'{'h' * 255}'"),
    ],
)
def test_user_and_host_are_quoted(user: str, host: str, account: str) -> None:
    sql = statements(grant_sql(user, host))
    assert sql[0] == f"CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK;"
    assert all(line.endswith(f" TO {account};") for line in sql[1:])


@pytest.mark.parametrize(
    ("user", "host", "says"),
    [
        ("back\\slash", "%", "--user may hold neither backslashes"),
        ("u", "\\' OR", "--host may hold neither backslashes"),
        ("new\nline", "%", "--user may hold neither backslashes nor control characters"),
        ("u", "nul\0", "--host may hold"),
        ("line\u2028separator", "%", "--user may hold"),
        ("", "%", "--user is empty"),
        ("u", "  ", "--host is empty"),
        ("u" * 81, "%", "--user is longer than MySQL's 80 characters"),
        ("u", "h" * 256, "--host is longer than MySQL's 255 characters"),
    ],
)
def test_what_can_not_be_quoted_in_every_sql_mode_is_refused(user: str, host: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        grant_sql(user, host)
