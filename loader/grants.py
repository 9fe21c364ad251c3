"""The SQL that makes a least-privilege user for the extraction, printed from the catalogue."""

from collections.abc import Iterator, Sequence

from loader import catalogue
from loader.errors import UsageError
from loader.mysql import quote

USER_LENGTH, HOST_LENGTH = 80, 255


def _literal(text: str, flag: str, longest: int) -> str:
    """A MySQL string literal, safe in every sql_mode: what would need a backslash is refused."""
    if not text.strip():
        raise UsageError(f"{flag} is empty")
    if len(text) > longest:
        raise UsageError(f"{flag} is longer than MySQL's {longest} characters")
    if "\\" in text or not text.isprintable():
        raise UsageError(f"{flag} may hold neither backslashes nor control characters")
    return "'" + text.replace("'", "''") + "'"


def _grant(table: catalogue.Table, account: str, columns: Sequence[str]) -> str:
    names = f" ({', '.join(map(quote, columns))})" if columns else ""
    return f"GRANT SELECT{names} ON {quote(table.schema)}.{quote(table.name)} TO {account};"


def _basic(table: catalogue.Table, account: str) -> str:
    """What every release has: the whole table, or those of its columns that may leave the database."""
    return _grant(table, account, [c for c in table.copied or () if c not in table.since])


def _newer(table: catalogue.Table, account: str) -> Iterator[str]:
    """Columns that came with later releases, a statement each: one that isn't there refuses its whole GRANT."""
    for release in dict.fromkeys(table.since.values() if table.copied else ()):
        yield f"-- {release} and newer"
        yield _grant(table, account, [c for c in table.since if table.since[c] == release])


def grant_sql(user: str, host: str, schemas: tuple[str, ...] = ()) -> str:
    """Statements that create `user`@`host` and grant it to read the tables of the catalogue, of some schemas or all.

    First what every cloud has, then columns of newer releases, then optional tables: a client that stops at what isn't
    there has then done the most.
    """
    account = f"{_literal(user, '--user', USER_LENGTH)}@{_literal(host, '--host', HOST_LENGTH)}"
    tables = catalogue.choose(schemas)
    required, optional = [t for t in tables if not t.optional], [t for t in tables if t.optional]
    return "\n".join(
        [
            "-- Read-only access for chameleon-usage. Run it as an administrator: ... | mariadb --force",
            "-- What this cloud lacks stops the client (a table: 1146, a column: 1054); --force goes on past it.",
            "-- Without a service at all, leave it out: print-grant-sql --schema nova --schema nova_api ...",
            "-- A new user is locked until it has a password, so that nobody else can log in as it:",
            f"--   ALTER USER {account} IDENTIFIED BY 'its password' ACCOUNT UNLOCK;",
            "-- Columns are named where others of their table hold secrets (user_data, passwords of machines) or bulk.",
            f"CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK;",
            *(_basic(t, account) for t in required),
            *(line for t in required for line in _newer(t, account)),
            "-- optional tables, last",
            *(line for t in optional for line in (_basic(t, account), *_newer(t, account))),
        ]
    )
