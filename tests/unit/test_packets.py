"""Rows split from raw packets: every length, rows over 16 MB, and connections that end where they should not."""

import socket
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymysql.err import OperationalError, ProgrammingError

from loader.columns import split
from loader.packets import BLOCK, HEADER, MAX_PACKET, read_rows
from tests.wire import EOF, Cursor, Result, Sent, encoded, packet, row

ROOM = 1 << 20  # max_bytes where it doesn't matter

Row = list[bytes | None]


def chunks(*packets: bytes, width: int = 1, step: int = 1 << 40, max_bytes: int = ROOM) -> list[list[Row]]:
    """The rows that were sent, as they come: a list a chunk."""
    sent = Cursor(Sent(b"".join(packets), step))
    columns = (split(rows, width) for rows in read_rows(sent, max_bytes))
    return [[list(row) for row in zip(*(c.to_pylist() for c in chunk), strict=True)] for chunk in columns]


def rows_of(*packets: bytes, width: int = 1, step: int = 1 << 40, max_bytes: int = ROOM) -> list[Row]:
    return [row for chunk in chunks(*packets, width=width, step=step, max_bytes=max_bytes) for row in chunk]


def of_length(payload_length: int) -> bytes:
    """The one value of a row whose whole payload has this length."""
    value = bytes(payload_length - (9 if payload_length > MAX_PACKET + 4 else 4))
    assert len(encoded(value)) == payload_length
    return value


@pytest.mark.parametrize("step", [1, 7, BLOCK])
@pytest.mark.parametrize("size", [0, 1, 250, 251, 252, 255, 256, 0xFFFF, 0x10000, 0x12345])
def test_values_of_every_length_arrive_between_their_neighbours(size: int, step: int) -> None:
    value = bytes(i % 251 for i in range(size))
    rows = [[b"before", value, None, b"", b"after"], [None] * 5, [b""] * 5, [b"", None, value, b"", value]]
    assert chunks(*[row(*values) for values in rows], packet(EOF), width=5, step=step) == [rows]


@pytest.mark.parametrize("size", [0, 1, 250, 251, 255, 256, 0xFFFF, 0x10000])
def test_a_column_of_one_value_only(size: int) -> None:
    assert rows_of(*[row(bytes(size))] * 3, packet(EOF)) == [[bytes(size)]] * 3


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
    rows = rows_of(row(b"previous"), packet(encoded(value)), row(b"next"), packet(EOF), step=step)
    assert [[len(v) for v in values] for values in rows] == [[8], [len(value)], [4]]
    assert rows == [[b"previous"], [value], [b"next"]]


def test_a_value_over_16_mb_is_no_end_of_the_result() -> None:
    """Its row begins with 0xFE, as the packet that ends a result does."""
    value = b"x" * (1 << 24)
    rows = [row(value, b"beside"), row(b"1", None), row(b"2", value)]
    assert rows_of(*rows, packet(EOF), width=2) == [[value, b"beside"], [b"1", None], [b"2", value]]


@pytest.mark.parametrize(
    ("max_bytes", "lengths"),
    [(27, [1] * 7), (28, [2, 2, 2, 1]), (29, [2, 2, 2, 1]), (98, [7]), (99, [7]), (97, [6, 1])],
)
def test_chunks_hold_the_rows_that_fit(max_bytes: int, lengths: list[int]) -> None:
    fourteen_bytes = row(b"123456789")
    assert len(fourteen_bytes) == 14
    for step in (1, 5, 14, 1000):
        sent = chunks(*[fourteen_bytes] * 7, packet(EOF), step=step, max_bytes=max_bytes)
        assert [len(c) for c in sent] == lengths


@pytest.mark.parametrize("step", [1, 13, 1000])
def test_a_row_that_fits_in_no_chunk_comes_alone(step: int) -> None:
    large = bytes(300)
    rows = [row(b"1"), row(b"2"), row(large), row(b"3"), row(large), row(large), packet(EOF)]
    expected = [[[b"1"], [b"2"]], [[large]], [[b"3"]], [[large]], [[large]]]
    assert chunks(*rows, step=step, max_bytes=100) == expected


def test_rows_of_another_width_are_refused() -> None:
    for width in (1, 3):
        with pytest.raises((pa.ArrowInvalid, IndexError)):
            chunks(row(b"1", b"2"), row(b"3", b"4"), packet(EOF), width=width)


def test_after_the_end_the_result_is_marked_as_read() -> None:
    cursor = Cursor(Sent(row(b"1") + packet(EOF)))
    connection = cursor._result.connection
    assert [len(rows) for rows in read_rows(cursor, ROOM)] == [1]
    assert cursor._result == Result(None, unbuffered_active=False)
    assert not connection.closed


@pytest.mark.parametrize("max_bytes", [20, ROOM])
@pytest.mark.parametrize("step", [1, 9, 1000])
@pytest.mark.parametrize(
    ("code", "error"), [(1317, OperationalError), (1146, ProgrammingError), (1927, OperationalError)]
)
def test_an_error_packet_is_raised_as_pymysql_does(
    code: int, error: type[Exception], step: int, max_bytes: int
) -> None:
    failure = packet(b"\xff" + code.to_bytes(2, "little") + b"#70100Query execution was interrupted")
    cursor = Cursor(Sent(row(b"1") + failure, step))
    with pytest.raises(error) as raised:
        list(read_rows(cursor, max_bytes))
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


@pytest.mark.parametrize("read_before", [4, 9, 20])
def test_a_result_that_was_received_whole_before_is_not_waited_for(read_before: int) -> None:
    """What pymysql reads of the answer (the columns) takes the rows into the file's buffer."""
    client, server = socket.socketpair()
    with client, server, client.makefile("rb") as file:
        client.settimeout(5)
        server.sendall(bytes(read_before) + row(b"1") + row(b"2") + packet(EOF))
        assert file.read(read_before) == bytes(read_before)
        assert [len(rows) for rows in read_rows(Cursor(file), ROOM)] == [2]


def assert_lost(cursor: Cursor) -> str:
    """Reading fails as pymysql does when the server is gone; returns the message."""
    connection = cursor._result.connection
    with pytest.raises(OperationalError, match="Lost connection") as raised:
        list(read_rows(cursor, ROOM))
    assert raised.value.args[0] == 2013
    assert connection.closed
    assert cursor._result == Result(None, unbuffered_active=False)
    return raised.value.args[1]


# --- against a parser that takes a byte at a time ---


def naive(data: bytes) -> list[Row]:
    """All rows of a stream, by the letter of the protocol; for streams without rows over 16 MB."""
    rows, at = [], 0
    while True:
        end = at + HEADER + int.from_bytes(data[at : at + 3], "little")
        payload, at = data[at + HEADER : end], end
        if payload == EOF:
            return rows
        values: Row = []
        position = 0
        while position < len(payload):
            lead = payload[position]
            size = {0xFB: 0, 0xFC: 2, 0xFD: 3, 0xFE: 8}.get(lead, 0)
            length = int.from_bytes(payload[position + 1 : position + 1 + size], "little") if size else lead
            start = position + 1 + size
            values.append(None if lead == 0xFB else payload[start : start + length])
            position = start if lead == 0xFB else start + length
        rows.append(values)


# bytes that mean something elsewhere, and lengths about the limits of each way to write them
VALUES = st.one_of(
    st.none(),
    st.binary(max_size=12),
    st.sampled_from([b"", b"\xfb", b"\xfe", b"\xff\xff", EOF, b"0000-00-00"]),
    st.builds(
        lambda size, fill: bytes([fill]) * size,
        st.sampled_from([249, 250, 251, 252, 253, 256, 0xFFFF, 0x10000]),
        st.sampled_from([0, 251, 252, 255]),
    ),
)
TABLES = st.integers(1, 5).flatmap(lambda width: st.lists(st.lists(VALUES, min_size=width, max_size=width), max_size=9))


@given(table=TABLES, step=st.one_of(st.integers(1, 9), st.integers(10, 1 << 18)), max_bytes=st.integers(5, 1 << 17))
@example(table=[[None, b"", bytes(300)]], step=1, max_bytes=5)
@settings(deadline=None)
def test_any_rows_are_split_as_the_protocol_says(table: list[Row], step: int, max_bytes: int) -> None:
    """However the stream falls into pieces, and however little fits into a chunk."""
    data = b"".join([*[row(*values) for values in table], packet(EOF)])
    assert naive(data) == table
    step = max(step, len(data) >> 12)  # a stream of 3 MB by single bytes takes minutes
    width = len(table[0]) if table else 1
    assert rows_of(data, width=width, step=step, max_bytes=max_bytes) == table
