"""A result as MySQL sends it, and as much of pymysql as reads it: tests of packets and columns need no server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BufferedReader

from loader.packets import MAX_PACKET

EOF = b"\xfe\x00\x00\x02\x00"


def nothing() -> bytes:
    return b""


@dataclass
class Sent:
    """What the server sent, as it comes from the socket: at most `step` bytes at a time, then `at_end`."""

    data: bytes
    step: int = 1 << 40
    at_end: Callable[[], bytes] = nothing
    position: int = 0

    def read1(self, size: int) -> bytes:
        block = self.data[self.position : self.position + min(size, self.step)]
        self.position += len(block)
        return block or self.at_end()


@dataclass
class Connection:
    """As much of pymysql's connection as is used."""

    _rfile: Sent | BufferedReader
    closed: bool = False

    def _force_close(self) -> None:
        self.closed = True


@dataclass
class Result:
    connection: Connection | None
    unbuffered_active: bool = True


@dataclass
class Cursor:
    """A cursor whose query has just been answered."""

    sent: Sent | BufferedReader
    _result: Result = field(init=False)

    def __post_init__(self) -> None:
        self._result = Result(Connection(self.sent))


def packet(payload: bytes) -> bytes:
    """A payload as MySQL frames it: a packet of the greatest length is always followed by another, maybe empty, one."""
    frames = []
    for start in range(0, len(payload) + 1, MAX_PACKET):
        part = payload[start : start + MAX_PACKET]
        frames.append(len(part).to_bytes(3, "little") + bytes([len(frames) + 1]) + part)
    return b"".join(frames)


def encoded(value: bytes | None) -> bytes:
    """A value as MySQL writes it: NULL, or its length in 1, 3, 4 or 9 bytes and its bytes."""
    if value is None:
        return b"\xfb"
    size = len(value)
    if size < 251:
        return bytes([size]) + value
    lead, width = (b"\xfc", 2) if size < 1 << 16 else (b"\xfd", 3) if size < 1 << 24 else (b"\xfe", 8)
    return lead + size.to_bytes(width, "little") + value


def row(*values: bytes | None) -> bytes:
    return packet(b"".join(map(encoded, values)))
