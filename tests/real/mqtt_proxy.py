"""A line between an MQTT client and a broker that can break in every way a line or a broker breaks.

What the client asks for (CONNECT, SUBSCRIBE, PUBLISH) is counted and may fail by `faults`; a PUBLISH to a topic that
`is_effect` names would change something. Broker's own answers are faked in the client's version of MQTT.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from connectors.conformance import Break, Faults

CONNECT, PUBLISH, SUBSCRIBE = 1, 3, 8
JUNK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>proxy</html>"
_REASONS = {"auth": 0x87, "transient": 0x97, "rate": 0x97}
_CONNECT_REASONS = {"auth": (0x87, 5), "transient": (0x88, 3), "rate": (0x9F, 3)}
"""Reason of a CONNACK in MQTT 5 and in 3.1.1."""


class Proxy:
    """Listens on `port` of loopback and passes everything on to the broker's port."""

    def __init__(
        self, broker_port: int, faults: Faults | None = None, is_effect: Callable[[str], bool] | None = None
    ) -> None:
        self.faults = faults or Faults()
        self.forbid_subscribing = False
        self._is_effect = is_effect or (lambda topic: False)
        self._broker_port = broker_port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._lines: set[_Line] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def lines(self) -> int:
        """How many clients are connected now."""
        with self._lock:
            return len(self._lines)

    def cut(self) -> None:
        """Break every line at once."""
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            line.close()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(("127.0.0.1", self._broker_port), timeout=5)
            except OSError:
                client.close()
                continue
            line = _Line(client, broker, self, self._is_effect)
            with self._lock:
                self._lines.add(line)
            thread = threading.Thread(target=self._serve, args=(line,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: _Line) -> None:
        try:
            line.run()
        except OSError:  # either side went away
            pass
        finally:
            line.close()
            with self._lock:
                self._lines.discard(line)


class _Line:
    def __init__(
        self, client: socket.socket, broker: socket.socket, proxy: Proxy, is_effect: Callable[[str], bool]
    ) -> None:
        self._client, self._broker = client, broker
        self._proxy, self._is_effect = proxy, is_effect
        self._closing = threading.Event()
        self._buffer = b""
        self._mqtt5 = True

    def close(self) -> None:
        self._closing.set()
        for end in (self._client, self._broker):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def run(self) -> None:
        while not self._closing.is_set():
            ready, _, _ = select.select([self._client, self._broker], [], [], 1)
            if self._broker in ready:
                data = self._broker.recv(1 << 16)
                if not data:
                    return
                self._client.sendall(data)
            if self._client in ready:
                data = self._client.recv(1 << 16)
                if not data:
                    return
                self._buffer += data
                while packet := self._next():
                    if not self._pass(packet):
                        return

    def _next(self) -> bytes:
        length, shift = 0, 0
        for place in range(1, min(len(self._buffer), 5)):
            length |= (self._buffer[place] & 0x7F) << shift
            shift += 7
            if self._buffer[place] < 0x80:
                end = place + 1 + length
                if len(self._buffer) < end:
                    return b""
                packet, self._buffer = self._buffer[:end], self._buffer[end:]
                return packet
        return b""

    def _pass(self, packet: bytes) -> bool:
        """Hand a packet of the client on, unless it is to fail. False: this line is over."""
        kind = packet[0] >> 4
        if kind == CONNECT:
            self._mqtt5 = packet[_body(packet) + 6] == 5
        how = None
        if kind in (CONNECT, PUBLISH, SUBSCRIBE):
            how = self._proxy.faults.take(effect=kind == PUBLISH and self._is_effect(_topic(packet)))
        if kind == SUBSCRIBE and self._proxy.forbid_subscribing:
            how = Break("auth")
        if how is None:
            self._broker.sendall(packet)
            return True
        return self._break(kind, packet, how)

    def _break(self, kind: int, packet: bytes, how: Break) -> bool:
        if how.kind == "ambiguous":
            self._broker.sendall(packet)
            self._broker.sendall(b"\xe0\x00")
            while self._broker.recv(1 << 16):
                pass  # what the broker answers is lost
        elif how.kind == "timeout":
            self._closing.wait(how.seconds)
        elif how.kind == "junk":
            self._client.sendall(JUNK)
        elif how.kind in _REASONS:
            self._client.sendall(self._refusal(kind, packet, how))
            return kind != CONNECT
        return False

    def _refusal(self, kind: int, packet: bytes, how: Break) -> bytes:
        """What a broker answers that refuses this packet."""
        five, three = _CONNECT_REASONS[how.kind]
        if kind == CONNECT:
            return bytes([0x20, 3, 0, five, 0]) if self._mqtt5 else bytes([0x20, 2, 0, three])
        body = _body(packet)
        at = body if kind == SUBSCRIBE else body + 2 + int.from_bytes(packet[body : body + 2], "big")
        mid = packet[at : at + 2]
        reason = _REASONS[how.kind]
        if kind == SUBSCRIBE:
            return b"\x90\x04" + mid + bytes([0, reason]) if self._mqtt5 else b"\x90\x03" + mid + b"\x80"
        return b"\x40\x04" + mid + bytes([reason, 0]) if self._mqtt5 else b"\x40\x02" + mid


def _body(packet: bytes) -> int:
    """Where a packet's content begins."""
    place = 1
    while packet[place] & 0x80:
        place += 1
    return place + 1


def _topic(packet: bytes) -> str:
    body = _body(packet)
    return packet[body + 2 : body + 2 + int.from_bytes(packet[body : body + 2], "big")].decode("utf-8", "replace")
