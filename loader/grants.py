"""The SQL that makes a least-privilege user for the extraction, printed from the catalogue."""

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


def grant_sql(user: str, host: str) -> str:
    """Statements that create `user`@`host` and grant SELECT on each table of the catalogue; required tables first."""
    account = f"{_literal(user, '--user', USER_LENGTH)}@{_literal(host, '--host', HOST_LENGTH)}"
    tables = catalogue.load().values()

    def grant(table: catalogue.Table) -> str:
        return f"GRANT SELECT ON {quote(table.schema)}.{quote(table.name)} TO {account};"

    return "\n".join(
        [
            "-- Read-only access for chameleon-usage. Run it as an administrator: ... | mariadb --force",
            "-- A table that this cloud does not have stops the client (error 1146): pass --force to go on past it.",
            "-- A new user is locked until it has a password, so that nobody else can log in as it:",
            f"--   ALTER USER {account} IDENTIFIED BY 'its password' ACCOUNT UNLOCK;",
            f"CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK;",
            *(grant(t) for t in tables if not t.optional),
            "-- optional tables, last",
            *(grant(t) for t in tables if t.optional),
        ]
    )
