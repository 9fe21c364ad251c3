"""Rows of an unbuffered pymysql result as the server sent them: large blocks of packets, and where each packet is.

pymysql's own parser makes a packet object, a str and a converted value per field; with it an extraction takes
five times as long. Here Python looks at each row's header once; `columns` finds the fields of all rows at a time.
This is the only file that knows pymysql's internals (`SSCursor._result`, `Connection._rfile`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

from pymysql import err
from pymysql.cursors import SSCursor

BLOCK = 256 << 10
MAX_PACKET = 0xFFFFFF  # a packet of this length goes on in the next
HEADER = 4  # bytes: a length of 3, and a sequence number
LOST = 2013
PEEK = Struct("<IB")  # length (with the sequence number above it) and the first byte behind the header


@dataclass(frozen=True)
class Rows:
    """Whole rows in one buffer. `headers` has where each row's header is, and at last where the last row ends."""

    data: bytearray
    headers: list[int] = field(default_factory=lambda: [0])

    def __len__(self) -> int:
        return len(self.headers) - 1


def forget(cursor: SSCursor) -> None:
    """Give up a result in the middle, and its connection with it: the rows that are left would be read as an answer."""
    result = cursor._result
    connection = getattr(result, "connection", None) or cursor.connection
    if result is not None and result.unbuffered_active:
        _close_result(result)
        connection._force_close()


def _close_result(result: Any) -> None:
    """Mark the result as read; else SSCursor.__del__ reads on and prints a traceback."""
    result.unbuffered_active = False
    result.connection = None


def _receive(result: Any, target: memoryview) -> int:
    """Read what has arrived, at most as much as fits; raises OperationalError 2013 if the server is gone."""
    connection = result.connection
    try:
        # not readinto1: where pymysql has left a whole result in the file's buffer, that waits for more
        block, reason = connection._rfile.read1(min(len(target), BLOCK)), ""
    except OSError as e:
        block, reason = b"", f" ({e})"
    if not block:
        _close_result(result)
        connection._force_close()
        raise err.OperationalError(LOST, f"Lost connection to MySQL server during query{reason}")
    target[: len(block)] = block
    return len(block)


def _receive_all(result: Any, target: memoryview) -> None:
    while target:
        target = target[_receive(result, target) :]


def _find_rows(rows: Rows, filled: int) -> None:
    """Add the rows that are whole in the first `filled` bytes, up to what is no row: an end or an error."""
    data, add, peek, at = rows.data, rows.headers.append, PEEK.unpack_from, rows.headers[-1]
    last = filled - PEEK.size
    while at <= last:
        word, first = peek(data, at)
        at += HEADER + (word & MAX_PACKET)
        if at > filled or first >= 0xFE:
            return
        add(at)


def _packet(result: Any, start: bytearray) -> memoryview:
    """What follows the header of the packet that begins with `start`, read to its end."""
    have, length = len(start), int.from_bytes(start[:3], "little")
    packet = memoryview(start + bytes(HEADER + length - have))
    _receive_all(result, packet[have:])
    return packet[HEADER:]


def _large_row(result: Any, start: bytearray) -> Rows:
    """The row that begins with `start`, in a buffer of its own and under one header."""
    row, part = bytearray(HEADER), _packet(result, start)
    row += part
    while len(part) == MAX_PACKET:  # a row of over 16 MB goes on in the next packets
        header = bytearray(HEADER)
        _receive_all(result, memoryview(header))
        part = _packet(result, header)
        row += part
    return Rows(row, [0, len(row)])


def _rest(rows: Rows, filled: int, max_bytes: int) -> Rows:
    """A new buffer that begins with what is no whole row yet."""
    new, at = Rows(bytearray(max_bytes)), rows.headers[-1]
    new.data[: filled - at] = memoryview(rows.data)[at:filled]
    return new


def read_rows(cursor: SSCursor, max_bytes: int) -> Iterator[Rows]:
    """The rows of a running query, as many at a time as fit into `max_bytes` (at most 16 MB); a larger row comes alone.

    Raises pymysql's error for an error packet, OperationalError 2013 for a connection that ended in the middle.
    """
    result = cursor._result
    rows, filled = Rows(bytearray(max_bytes)), 0
    while True:
        filled += _receive(result, memoryview(rows.data)[filled:])
        _find_rows(rows, filled)
        at = rows.headers[-1]
        if filled - at >= PEEK.size:
            word, first = PEEK.unpack_from(rows.data, at)
            length = word & MAX_PACKET
            if first >= 0xFE and length < MAX_PACKET:  # a row that begins so has a value of over 16 MB
                packet = _packet(result, rows.data[at:filled])
                _close_result(result)
                if first == 0xFF:
                    err.raise_mysql_exception(bytes(packet))
                if len(rows):
                    yield rows
                return
            if HEADER + length > max_bytes:
                if len(rows):
                    yield rows
                yield _large_row(result, rows.data[at:filled])
                rows, filled = Rows(bytearray(max_bytes)), 0
        if filled == max_bytes:
            yield rows
            rows, filled = _rest(rows, filled, max_bytes), filled - rows.headers[-1]
