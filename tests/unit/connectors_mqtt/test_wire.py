"""The stream between paho and the socket: publications are taken out, all else is left to paho."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes

from connectors.mqtt.wire import Malformed, Message, Wire, new_properties

PINGRESP = b"\xd0\x00"
PUBACK = b"\x40\x02\x00\x07"


class FakeSocket:
    """Gives prepared pieces, and takes at most `room` bytes at a time."""

    def __init__(self, pieces: Sequence[bytes | Exception] = (), room: int = 1 << 20) -> None:
        self.pieces = list(pieces)
        self.room = room
        self.sent = b""
        self.closed = False

    def recv(self, size: int, /) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece

    def send(self, data: bytes, /) -> int:
        if not self.room:
            raise BlockingIOError
        taken = data[: self.room]
        self.sent += taken
        self.room -= len(taken)
        return len(taken)

    def close(self) -> None:
        self.closed = True

    def fileno(self) -> int:
        return 99

    def setblocking(self, flag: bool, /) -> None:
        assert not flag


def length(size: int) -> bytes:
    found = b""
    while True:
        size, digit = divmod(size, 128)
        found += bytes([digit | (0x80 if size else 0)])
        if not size:
            return found


def publication(topic: str, payload: bytes, *, mid: int = 0, properties: bytes = b"\x00", dup: bool = False) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + (mid.to_bytes(2, "big") if mid else b"") + properties + payload
    return bytes([0x30 | (2 if mid else 0) | (8 if dup else 0)]) + length(len(body)) + body


def heard(*pieces: bytes | Exception, mqtt5: bool = True) -> tuple[list[Message], Wire]:
    messages: list[Message] = []
    wire = Wire(FakeSocket(pieces), messages.append, mqtt5=mqtt5)
    while wire._socket.pieces:
        wire.fill()
    return messages, wire


def left_for_paho(wire: Wire) -> bytes:
    taken = b""
    while wire.pending():
        taken += wire.recv(3)
    return taken


def test_a_publication_is_delivered_and_hidden_from_paho() -> None:
    messages, wire = heard(publication("a/b", b"21.5", mid=7, dup=True))
    assert messages == [Message("a/b", b"21.5", 1, True, False, 7, None)]
    assert not wire.pending()
    with pytest.raises(BlockingIOError):
        wire.recv(1)


def test_mqtt_3_has_no_properties() -> None:
    messages, _ = heard(publication("a/b", b"\x00x", properties=b""), mqtt5=False)
    assert messages == [Message("a/b", b"\x00x", 0, False, False, 0, None)]


def test_properties_are_read() -> None:
    given_ = new_properties(PacketTypes.PUBLISH)
    given_.CorrelationData = b"k"
    given_.UserProperty = ("a", "b")
    (message,), _ = heard(publication("t", b"x", properties=given_.pack()))
    assert message.payload == b"x"
    assert (message.properties.CorrelationData, message.properties.UserProperty) == (b"k", [("a", "b")])


def test_all_else_is_left_to_paho_in_order() -> None:
    qos2 = b"\x34\x05\x00\x01t\x00\x01"
    messages, wire = heard(PUBACK + publication("t", b"x") + PINGRESP + qos2)
    assert len(messages) == 1
    assert left_for_paho(wire) == PUBACK + PINGRESP + qos2


def test_the_end_of_the_line_is_told_to_paho_after_the_rest() -> None:
    _, wire = heard(PUBACK, b"")
    assert wire.recv(10) == PUBACK
    assert wire.recv(10) == b""


@pytest.mark.parametrize("nothing", [BlockingIOError(), ssl.SSLWantReadError(), ssl.SSLWantWriteError()])
def test_nothing_to_read_is_no_error(nothing: Exception) -> None:
    messages, wire = heard(nothing)
    assert messages == []
    assert not wire.pending()


@pytest.mark.parametrize(
    "bytes_",
    [
        b"\x30\x02\x00\x05",
        b"\x32\x05\x00\x01t\x00\x00",
        b"\x30\x05\x00\x01t\x05\x01",
        b"\x30\xff\xff\xff\xff\x01",
        publication("t", b"", properties=b"\x02\x99\x01"),
    ],
)
def test_what_is_no_mqtt_breaks_the_line(bytes_: bytes) -> None:
    with pytest.raises(Malformed):
        heard(bytes_)


def test_a_topic_that_is_no_utf8_is_made_readable() -> None:
    body = b"\x00\x03a\xff\x00" + b"\x00x"
    (message,), _ = heard(b"\x30" + length(len(body)) + body)
    assert message.topic == "a��"


PACKETS = st.lists(
    st.one_of(
        st.sampled_from([PINGRESP, PUBACK]),
        st.tuples(st.binary(max_size=300), st.integers(0, 9)).map(lambda p: publication("t", p[0], mid=p[1])),
    ),
    max_size=8,
)


@given(PACKETS, st.data())
def test_however_the_stream_is_cut_the_same_comes_out(packets: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) if a < b]
    whole, wire = heard(stream) if stream else heard()
    parts, other = heard(*pieces)
    assert parts == whole
    assert left_for_paho(other) == left_for_paho(wire)
    assert len(whole) == sum(packet[0] & 0xF0 == 0x30 for packet in packets)


def test_a_large_message_in_many_pieces_is_put_together() -> None:
    packet = publication("t", b"x" * 1_000_000)
    messages, _ = heard(*[packet[i : i + 1000] for i in range(0, len(packet), 1000)])
    assert [len(m.payload) for m in messages] == [1_000_000]


def test_what_the_socket_can_not_take_is_sent_later() -> None:
    socket = FakeSocket(room=3)
    wire = Wire(socket, lambda _: None, mqtt5=True)
    wire.acknowledge(0x1234)
    wire.send(PINGRESP)
    wire.flush()
    assert wire.unsent
    socket.room = 100
    wire.flush()
    assert socket.sent == b"\x40\x02\x12\x34" + PINGRESP
    assert not wire.unsent


def test_closing_sends_what_is_left() -> None:
    socket = FakeSocket()
    wire = Wire(socket, lambda _: None, mqtt5=True)
    wire.send(PINGRESP)
    wire.close()
    assert socket.sent == PINGRESP
    assert socket.closed


def test_paho_still_opens_its_socket_where_we_stand_in() -> None:
    assert callable(paho.Client._create_socket)
