"""The SQL of print-grant-sql: every table once, names quoted, nothing but SQL."""

import re

import pytest

from loader import catalogue
from loader.errors import UsageError
from loader.grants import grant_sql

STATEMENT = re.compile(r"(CREATE USER IF NOT EXISTS|GRANT SELECT( \([`\w, ]+\))? ON) [^;]+;")
GRANT = re.compile(r"^GRANT SELECT(?: \((.*?)\))? ON `(\w+)`\.`(\w+)` TO 'u'@'h';$", re.MULTILINE)


def statements(sql: str) -> list[str]:
    return [line for line in sql.splitlines() if not line.startswith("-- ")]


def test_every_line_is_a_comment_or_one_whole_statement() -> None:
    sql = grant_sql("usage_exporter", "%")
    assert all(STATEMENT.fullmatch(line) for line in statements(sql))
    assert sum("CREATE USER" in line for line in statements(sql)) == 1


def granted(sql: str) -> list[tuple[str, list[str]]]:
    """What is granted, in order: the table and the columns, none for the whole table."""
    return [(f"{schema}.{name}", re.findall(r"`(\w+)`", columns)) for columns, schema, name in GRANT.findall(sql)]


def test_every_table_of_the_catalogue_is_granted_and_nothing_else() -> None:
    """Whole, or each of its columns that may be copied once."""
    sql = grant_sql("u", "h")
    assert len(granted(sql)) == len(statements(sql)) - 1
    columns: dict[str, list[str]] = {}
    for name, names in granted(sql):
        assert names or name not in columns
        columns.setdefault(name, []).extend(names)
    assert columns == {t.full_name: [*(t.copied or ())] for t in catalogue.load().values()} | {
        t.full_name: [c for c in t.copied if c not in t.since] + [*sorted_by_release(t)]
        for t in catalogue.load().values()
        if t.copied
    }


def sorted_by_release(table: catalogue.Table) -> list[str]:
    return [c for release in dict.fromkeys(table.since.values()) for c in table.since if table.since[c] == release]


def test_columns_of_a_newer_release_have_a_statement_of_their_own_that_names_it() -> None:
    """One column that isn't there refuses the whole statement (error 1054)."""
    lines = grant_sql("u", "h").splitlines()
    at = lines.index("GRANT SELECT (`hidden`) ON `nova`.`instances` TO 'u'@'h';")
    assert lines[at - 1] == "-- nova Train (20) and newer"
    for name, names in granted("\n".join(lines)):
        newer = [catalogue.load()[name].since.get(c) for c in names]
        assert len(set(newer)) <= 1, "columns of two releases in one statement"


@pytest.mark.parametrize("column", ["user_data", "key_data", "driver_info", "environment", "websocket_token", "data"])
def test_no_column_with_secrets_is_granted(column: str) -> None:
    assert f"`{column}`" not in grant_sql("u", "h")


def test_some_services_can_be_left_out() -> None:
    sql = grant_sql("u", "h", ("zun", "nova_api"))
    assert {name.split(".")[0] for name, _ in granted(sql)} == {"zun", "nova_api"}
    with pytest.raises(UsageError, match="unknown schema 'cinder'"):
        grant_sql("u", "h", ("cinder",))


def test_the_first_comment_says_how_to_go_on_past_what_is_not_there() -> None:
    comment = grant_sql("u", "h").split("CREATE USER")[0]
    assert all(word in comment for word in ("mariadb --force", "1146", "1054"))


def test_what_may_be_missing_comes_last() -> None:
    """The client stops at the first table or column that a cloud doesn't have: by then the most is granted."""
    required, _, rest = grant_sql("u", "h").partition("-- optional tables, last\n")
    tables = catalogue.load()
    assert {name for name, _ in granted(required)} == {n for n, t in tables.items() if not t.optional}
    assert {name for name, _ in granted(rest)} == {n for n, t in tables.items() if t.optional}
    newer = [bool(set(names) & tables[name].since.keys()) for name, names in granted(required)]
    assert newer == sorted(newer)
    assert any(newer)


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
