"""Rows of an unbuffered pymysql result as raw bytes, split by one tight loop.

pymysql's own parser makes a packet object, a str and a converted value per field: half of the time, measured
on 1M instances (benchmarks/README.md). This is the only file that knows its internals (`SSCursor._result`).
"""

from pymysql import err
from pymysql.cursors import SSCursor

MAX_PACKET = 0xFFFFFF
LOST = 2013


def _close_result(result) -> None:
    """Mark the result as read; else SSCursor.__del__ reads on and prints a traceback."""
    result.unbuffered_active = False
    result.connection = None


def read_rows(cursor: SSCursor, max_bytes: int) -> tuple[list[bytes | None], bool]:
    """Read rows of a running query until `max_bytes` are passed: (all fields in one flat list, was it the end).

    Raises pymysql's error for an error packet, OperationalError 2013 for a connection that ended in the middle.
    """
    result = cursor._result
    connection = result.connection
    read = connection._rfile.read
    fields: list[bytes | None] = []
    add = fields.append
    size = 0

    def packet() -> bytes:
        head = read(4)
        length = head[0] | head[1] << 8 | head[2] << 16 if len(head) == 4 else 0
        data = read(length)
        if len(head) < 4 or len(data) < length:
            _close_result(result)
            connection._force_close()
            raise err.OperationalError(LOST, "Lost connection to MySQL server during query")
        connection._next_seq_id = (head[3] + 1) & 255
        return data

    while size < max_bytes:
        data = packet()
        if len(data) == MAX_PACKET:  # a row of over 16 MB goes on in the next packets
            parts = [data]
            while len(parts[-1]) == MAX_PACKET:
                parts.append(packet())
            data = b"".join(parts)
        length = len(data)
        first = data[0]
        if first == 0xFE and length < 9:
            _close_result(result)
            return fields, True
        if first == 0xFF:
            _close_result(result)
            err.raise_mysql_exception(data)
        position = 0
        size += length
        while position < length:
            lead = data[position]
            if lead < 251:
                position += 1
                end = position + lead
                add(data[position:end])
                position = end
            elif lead == 251:
                position += 1
                add(None)
            else:
                width = 2 if lead == 252 else 3 if lead == 253 else 8
                position += 1 + width
                end = position + int.from_bytes(data[position - width : position], "little")
                add(data[position:end])
                position = end
    return fields, False
