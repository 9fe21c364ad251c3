"""Rows split from raw packets: every length, rows over 16 MB, and connections that end where they should not."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from pymysql.err import OperationalError, ProgrammingError

from loader.packets import BLOCK, MAX_PACKET, read_chunks

EOF = b"\xfe\x00\x00\x02\x00"
NO_LIMIT = 1 << 40


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

    _rfile: Sent
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

    sent: Sent
    _result: Result = field(init=False)

    def __post_init__(self) -> None:
        self._result = Result(Connection(self.sent))


def chunks(*packets: bytes, step: int = 1 << 40, max_bytes: int = NO_LIMIT) -> list[list[bytes | None]]:
    return list(read_chunks(Cursor(Sent(b"".join(packets), step)), max_bytes))


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


def of_length(payload_length: int) -> bytes:
    """The one value of a row whose whole payload has this length."""
    value = bytes(payload_length - (9 if payload_length > MAX_PACKET + 4 else 4))
    assert len(encoded(value)) == payload_length
    return value


@pytest.mark.parametrize("step", [1, 7, BLOCK])
@pytest.mark.parametrize("size", [0, 1, 250, 251, 252, 255, 256, 0xFFFF, 0x10000, 0x12345])
def test_values_of_every_length_arrive_between_their_neighbours(size: int, step: int) -> None:
    value = bytes(i % 251 for i in range(size))
    rows = [row(b"before", value, None, b"", b"after"), row(None), row(b""), packet(EOF)]
    assert chunks(*rows, step=step) == [[b"before", value, None, b"", b"after", None, b""]]


def test_an_empty_result_has_no_chunk() -> None:
    assert chunks(packet(EOF)) == []


@pytest.mark.parametrize("step", [BLOCK - 1, 1 << 40])
@pytest.mark.parametrize(
    "length",
    [
        pytest.param(MAX_PACKET - 1, id="one packet, just not full"),
        pytest.param(MAX_PACKET, id="a full packet, then an empty one"),
        pytest.param(MAX_PACKET + 1, id="one byte in the second packet"),
        pytest.param(MAX_PACKET + 5000, id="a length of 8 bytes"),
        pytest.param(2 * MAX_PACKET, id="two full packets, then an empty one"),
        pytest.param(2 * MAX_PACKET + 7, id="three packets"),
    ],
)
def test_rows_about_16_mb_are_put_together(length: int, step: int) -> None:
    value = of_length(length)
    [fields] = chunks(row(b"previous"), packet(encoded(value)), row(b"next"), packet(EOF), step=step)
    assert [len(f) for f in fields] == [8, len(value), 4]
    assert fields == [b"previous", value, b"next"]


def test_a_value_over_16_mb_is_no_end_of_the_result() -> None:
    """Its row begins with 0xFE, as the packet that ends a result does."""
    value = b"x" * (1 << 24)
    assert chunks(row(value, b"beside"), row(b"1"), packet(EOF)) == [[value, b"beside", b"1"]]


def test_chunks_end_with_the_row_that_reaches_max_bytes() -> None:
    ten_bytes = b"123456789"
    rows = [*[row(ten_bytes)] * 7, packet(EOF)]
    assert [len(c) for c in chunks(*rows, max_bytes=25)] == [3, 3, 1]
    assert [len(c) for c in chunks(*rows, max_bytes=30)] == [3, 3, 1]
    assert [len(c) for c in chunks(*rows, max_bytes=31)] == [4, 3]
    assert [len(c) for c in chunks(*rows, max_bytes=70)] == [7]


def test_after_the_end_the_result_is_marked_as_read() -> None:
    cursor = Cursor(Sent(row(b"1") + packet(EOF)))
    connection = cursor._result.connection
    assert list(read_chunks(cursor, NO_LIMIT)) == [[b"1"]]
    assert cursor._result == Result(None, unbuffered_active=False)
    assert not connection.closed


@pytest.mark.parametrize(
    ("code", "error"), [(1317, OperationalError), (1146, ProgrammingError), (1927, OperationalError)]
)
def test_an_error_packet_is_raised_as_pymysql_does(code: int, error: type[Exception]) -> None:
    failure = packet(b"\xff" + code.to_bytes(2, "little") + b"#70100Query execution was interrupted")
    cursor = Cursor(Sent(row(b"1") + failure))
    with pytest.raises(error) as raised:
        list(read_chunks(cursor, NO_LIMIT))
    assert raised.value.args == (code, "Query execution was interrupted")
    assert cursor._result == Result(None, unbuffered_active=False)


TWO_ROWS = row(b"first") + row(b"x" * 300)
LONG_ROW = packet(encoded(of_length(MAX_PACKET + 100)))
CUTS = {
    "before a header": TWO_ROWS[: len(row(b"first"))],
    "inside a header": TWO_ROWS[: len(row(b"first")) + 2],
    "after a header": TWO_ROWS[: len(row(b"first")) + 4],
    "inside a body": TWO_ROWS[:-1],
    "before the second packet of a row": LONG_ROW[: MAX_PACKET + 4],
    "inside the second packet of a row": LONG_ROW[:-1],
}


def fails(error: type[OSError]) -> Callable[[], bytes]:
    def read() -> bytes:
        raise error("why")

    return read


@pytest.mark.parametrize("where", CUTS)
def test_a_connection_that_ends_early_is_lost(where: str) -> None:
    assert_lost(Cursor(Sent(CUTS[where])))


@pytest.mark.parametrize("error", [ConnectionResetError, TimeoutError, BrokenPipeError])
def test_a_socket_that_fails_is_a_lost_connection(error: type[OSError]) -> None:
    assert "why" in assert_lost(Cursor(Sent(TWO_ROWS[:-1], at_end=fails(error))))


def assert_lost(cursor: Cursor) -> str:
    """Reading fails as pymysql does when the server is gone; returns the message."""
    connection = cursor._result.connection
    with pytest.raises(OperationalError, match="Lost connection") as raised:
        list(read_chunks(cursor, NO_LIMIT))
    assert raised.value.args[0] == 2013
    assert connection.closed
    assert cursor._result == Result(None, unbuffered_active=False)
    return raised.value.args[1]
