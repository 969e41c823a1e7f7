"""The stream between paho and the broker's socket: messages are taken out of it on their way, in large pieces.

paho reads every message with three or more system calls and ten times the work its content needs (each call also lets
other threads run first). So we read what there is in one call, decode publications of QoS 0 and 1 ourselves, and leave
all else to paho: connecting, subscribing, publishing, keeping the line alive.
"""

from __future__ import annotations

import selectors
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from paho.mqtt.exception import MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

new_properties: Any = Properties
"""paho's class, which has no types."""

_CHUNK = 1 << 18
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Malformed(ConnectionError):
    """The broker sent what is no MQTT."""


class Message(NamedTuple):
    """A publication as it came. `mid` is 0 for QoS 0; `properties` are paho's, None where there are none."""

    topic: str
    payload: bytes
    qos: int
    dup: bool
    retain: bool
    mid: int
    properties: Any


class Socket(Protocol):
    """What paho connects: a plain, a TLS or a WebSocket one."""

    def recv(self, size: int, /) -> bytes: ...
    def send(self, data: bytes, /) -> int: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...
    def setblocking(self, flag: bool, /) -> None: ...


class Wire:
    """Stands in for paho's socket. Reads only in `fill`, writes only in `flush`; for one thread."""

    def __init__(self, socket: Any, deliver: Callable[[Message], None], *, mqtt5: bool) -> None:
        self._socket = socket
        self._deliver = deliver
        self._mqtt5 = mqtt5
        self._rest = bytearray()
        self._need = 2
        self._control = bytearray()
        self._out = bytearray()
        self._ended = False
        self.linger_s = 0
        """How long `close` gives the broker to read all and close its side."""

    # -- what paho calls ----------------------------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        """Bytes of packets that are paho's business. Empty: the broker closed the line."""
        if not self._control:
            if self._ended:
                return b""
            raise BlockingIOError
        taken = bytes(self._control[:size])
        del self._control[:size]
        return taken

    def send(self, data: bytes) -> int:
        self._out += data
        return len(data)

    def close(self) -> None:
        try:
            self.flush()
            if self.linger_s and not self._ended:
                self._wait_for_the_end()
        except OSError:
            self._ended = True
        self._socket.close()

    def _wait_for_the_end(self) -> None:
        """Until the broker has closed its side. mosquitto reads packet by packet and forgets what it has not read yet as
        soon as the socket is closed: our last acknowledgements would be lost."""
        deadline = time.monotonic() + self.linger_s
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            while not self._ended and (left := deadline - time.monotonic()) > 0:
                if selector.select(left):
                    with suppress(*_NOT_NOW):
                        self._ended = not self._socket.recv(_CHUNK)

    def fileno(self) -> int:
        return int(self._socket.fileno())

    def setblocking(self, flag: bool) -> None:
        self._socket.setblocking(flag)

    def pending(self) -> int:
        """How much there is for paho to read; 1 when all that is left is to learn of the end."""
        return len(self._control) or int(self._ended)

    # -- what we call -------------------------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether the broker closed the line."""
        return self._ended

    @property
    def unsent(self) -> bool:
        return bool(self._out)

    def acknowledge(self, mid: int) -> None:
        """Queue a PUBACK."""
        self._out += b"\x40\x02" + mid.to_bytes(2, "big")

    def fill(self) -> None:
        """Read what has arrived, deliver the publications in it, keep the rest for paho. :raises Malformed:"""
        for _ in range(4):  # then it is time for acknowledgements
            try:
                chunk = self._socket.recv(_CHUNK)
            except _NOT_NOW:
                return
            if not chunk:
                self._ended = True
                return
            self._split(chunk)
            if len(chunk) < _CHUNK and not self._buffered():
                return

    def flush(self) -> None:
        """Send as much as the socket takes. :raises OSError: the line is broken."""
        while self._out:
            try:
                sent = self._socket.send(bytes(self._out))
            except _NOT_NOW:
                return
            del self._out[:sent]

    def _buffered(self) -> bool:
        """Whether a TLS or WebSocket layer holds more than the operating system would tell us of."""
        pending = getattr(self._socket, "pending", None)
        return pending is not None and pending() > 0

    def _split(self, chunk: bytes) -> None:
        data = chunk
        if self._rest:
            self._rest += chunk
            if len(self._rest) < self._need:
                return
            data = bytes(self._rest)
            self._rest = bytearray()
        position, end = 0, len(data)
        while position < end:
            first, start, length = data[position], position + 2, data[position + 1] if position + 1 < end else 0x80
            if length & 0x80:
                start, length = _long_length(data, position + 1)
            if start + length > end:
                self._need = start + length - position
                break
            if first & 0xF4 == 0x30:
                self._publication(first, data, start, start + length)
            else:
                self._control += data[position : start + length]
            position = start + length
        if position < end:
            self._rest = bytearray(data[position:])

    def _publication(self, first: int, data: bytes, start: int, stop: int) -> None:
        qos, properties = first >> 1 & 1, None
        at = start + 2 + int.from_bytes(data[start : start + 2], "big")
        topic = data[start + 2 : at]
        mid = 0
        if qos:
            mid = int.from_bytes(data[at : at + 2], "big")
            at += 2
        if self._mqtt5 and at < stop:
            if data[at]:
                properties = new_properties(PacketTypes.PUBLISH)
                try:
                    _, used = properties.unpack(data[at:stop])
                except (MQTTException, ValueError, IndexError, KeyError) as e:
                    raise Malformed(f"the broker sent a message with unreadable properties ({e})") from e
                at += used
            else:
                at += 1
        if at > stop or (qos and not mid):
            raise Malformed("the broker sent a message that is cut off")
        text = topic.decode("utf-8", "replace").replace("\x00", "\ufffd")
        self._deliver(Message(text, data[at:stop], qos, first & 8 > 0, first & 1 > 0, mid, properties))


def _long_length(data: bytes, position: int) -> tuple[int, int]:
    """Where the content begins and how long it is, from the length at `position`; beyond the data if it is cut off."""
    length = 0
    for place in range(4):
        if position + place >= len(data):
            return len(data) + 1, 0
        byte = data[position + place]
        length |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return position + place + 1, length
    raise Malformed("the broker sent a packet longer than MQTT allows")
