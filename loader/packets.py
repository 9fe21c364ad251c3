"""Rows of an unbuffered pymysql result as raw bytes, read in large blocks and split by one tight loop.

pymysql's own parser makes a packet object, a str and a converted value per field; with it an extraction takes
three times as long. This is the only file that knows its internals (`SSCursor._result`, `Connection._rfile`).
"""

from collections.abc import Iterator

from pymysql import err
from pymysql.cursors import SSCursor

BLOCK = 256 << 10
MAX_PACKET = 0xFFFFFF
LOST = 2013
LENGTH_BYTES = {252: 2, 253: 3, 254: 8}
NULL = 251


def forget(cursor: SSCursor) -> None:
    """Give up a result in the middle, and its connection with it: the rows that are left would be read as an answer."""
    result = cursor._result
    connection = getattr(result, "connection", None) or cursor.connection
    if result is not None and result.unbuffered_active:
        _close_result(result)
        connection._force_close()


def _close_result(result) -> None:
    """Mark the result as read; else SSCursor.__del__ reads on and prints a traceback."""
    result.unbuffered_active = False
    result.connection = None


def _fill(result, buffer: bytes, at: int, wanted: int) -> bytes:
    """The buffer from `at` on, with at least `wanted` bytes; raises OperationalError 2013 if the server is gone."""
    connection = result.connection
    parts, size = [buffer[at:]], len(buffer) - at
    while size < wanted:
        try:
            block = connection._rfile.read1(BLOCK)
        except OSError as e:
            block, reason = b"", f" ({e})"
        else:
            reason = ""
        if not block:
            _close_result(result)
            connection._force_close()
            raise err.OperationalError(LOST, f"Lost connection to MySQL server during query{reason}")
        parts.append(block)
        size += len(block)
    return b"".join(parts)


def read_chunks(cursor: SSCursor, max_bytes: int) -> Iterator[list[bytes | None]]:
    """The rows of a running query, in lists of about `max_bytes`: all fields of all rows, one after the other.

    Raises pymysql's error for an error packet, OperationalError 2013 for a connection that ended in the middle.
    """
    result = cursor._result
    buffer, at = b"", 0
    fields: list[bytes | None] = []
    add = fields.append
    size = 0
    while True:
        if len(buffer) - at < 4:
            buffer, at = _fill(result, buffer, at, 4), 0
        length = buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16
        if len(buffer) - at < length + 4:
            buffer, at = _fill(result, buffer, at, length + 4), 0
        row, position, end = buffer, at + 4, at + 4 + length
        at = end
        if length == MAX_PACKET:  # a row of over 16 MB goes on in the next packets
            parts = [buffer[position:end]]
            while length == MAX_PACKET:
                buffer = _fill(result, buffer, at, 4)
                length = buffer[0] | buffer[1] << 8 | buffer[2] << 16
                buffer, at = _fill(result, buffer, 0, length + 4), length + 4
                parts.append(buffer[4:at])
            row, position = b"".join(parts), 0
            length = end = len(row)
        first = row[position]
        if first == 0xFE and length < 9:
            _close_result(result)
            if fields:
                yield fields
            return
        if first == 0xFF:
            _close_result(result)
            err.raise_mysql_exception(row[position:end])
        size += length
        while position < end:
            lead = row[position]
            position += 1
            if lead < NULL:
                stop = position + lead
                add(row[position:stop])
                position = stop
            elif lead == NULL:
                add(None)
            else:
                width = LENGTH_BYTES[lead]
                stop = position + width + int.from_bytes(row[position : position + width], "little")
                add(row[position + width : stop])
                position = stop
        if size >= max_bytes:
            yield fields
            fields, size = [], 0
            add = fields.append
