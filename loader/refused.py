"""What a database error means to a user."""

from pymysql.err import MySQLError


def explain(error: BaseException) -> str:
    """One line about a database error, with the server's code."""
    code, text = (*error.args, "", "")[:2] if isinstance(error, MySQLError) else ("", str(error))
    code, text = (code, text) if isinstance(code, int) else ("", f"{code} {text}")
    return f"{' '.join(str(text).split()) or type(error).__name__}" + (f" (MySQL error {code})" if code else "")


ADVICE = {
    1045: "check user and password (in the URI a % is %25), and the host that the user may come from",
    4151: "an administrator unlocks it: ALTER USER … IDENTIFIED BY '…' ACCOUNT UNLOCK",
    3118: "an administrator unlocks it: ALTER USER … IDENTIFIED BY '…' ACCOUNT UNLOCK",
}


def advice(error: BaseException) -> str:
    """What to do about a refused connection, where we know it."""
    code = error.args[0] if error.args else None
    return f"; {ADVICE[code]}" if isinstance(code, int) and code in ADVICE else ""
