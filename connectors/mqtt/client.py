"""One line to the broker: connecting, subscribing, publishing, and what goes wrong in words. The only network code.

Everything is driven by the thread that owns the line, through `turn`; only `wake` may be called from others. paho is
used as its documentation describes for an external event loop; its own loop ends at 1024 open files.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from connectors.errors import Transient
from connectors.mqtt.config import MqttConfig
from connectors.mqtt.refusals import hung_up, refused, tls_context, unreachable
from connectors.mqtt.wire import Message, Wire, new_properties

NO_SUBSCRIBERS = 16
_LINGER_S = 1


class Lost(Exception):
    """The line broke. The message says how."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker shall say for us if we vanish."""

    topic: str
    payload: bytes


@dataclass
class Published:
    """What became of a publication: `reason` once the broker has answered, of QoS 0 at once."""

    mid: int
    reason: ReasonCode | None = None


@dataclass
class Welcome:
    """The broker's answer to our connecting."""

    session_present: bool
    properties: Mapping[str, Any] = field(default_factory=dict)


class _Client(paho.Client):
    """paho's client on a `Wire`."""

    open_wire: Callable[[Any], Wire]
    tls: ssl.SSLContext

    def _create_socket(self) -> Any:
        return self.open_wire(super()._create_socket())

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        """As paho does it, but closed when the handshake fails."""
        wrapped = self.tls.wrap_socket(tcp_sock, server_hostname=self.host, do_handshake_on_connect=False)
        try:
            wrapped.settimeout(self.connect_timeout)
            wrapped.do_handshake()
        except OSError:
            wrapped.close()
            raise
        return wrapped


class Line:
    """A connection that is opened once. `turn` works on it; `take` gives the messages that came."""

    def __init__(
        self,
        config: MqttConfig,
        client_id: str,
        *,
        keep_session_s: int | None = None,
        will: Will | None = None,
    ) -> None:
        """`keep_session_s`: None begins with and leaves nothing at the broker; else what is kept there is taken up."""
        self._config = config
        self._keep = keep_session_s
        self._welcome: Welcome | None = None
        self._refusal: ReasonCode | None = None
        self._lost = ""
        self._granted: dict[int, Sequence[ReasonCode]] = {}
        self._published: dict[int, Published] = {}
        self._wire: Wire | None = None
        self._next_care = 0.0
        self._messages: list[Message] = []
        self._client = self._make(client_id, will)
        self._selector = selectors.DefaultSelector()
        self._listening = 0
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)

    def _make(self, client_id: str, will: Will | None) -> _Client:
        config = self._config
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if config.mqtt5 else self._keep is None,
            protocol=MQTTProtocolVersion.MQTTv5 if config.mqtt5 else MQTTProtocolVersion.MQTTv311,
            transport="websockets" if config.path else "tcp",
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = config.timeout_s
        client.open_wire = self._open_wire
        if config.username:
            client.username_pw_set(config.username, config.password.get_secret_value() or None)
        if config.encrypted:
            client.tls = tls_context(config)
            client.tls_set_context(client.tls)
        if config.path:
            client.ws_set_options(path=config.path)
        if will:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_publish = self._was_published
        client.on_message = self._other_message
        client.on_log = self._logged
        return client

    # -- the life of a line -------------------------------------------------------------------------------------------

    def open(self) -> Welcome:
        """Connect and log in. :raises ConnectorError: as the broker's answer, or its silence, asks for."""
        config, kept = self._config, self._keep
        more: dict[str, Any] = {}
        if config.mqtt5:
            properties = new_properties(PacketTypes.CONNECT)
            properties.ReceiveMaximum = config.receive_maximum
            if kept:
                properties.SessionExpiryInterval = kept
            more = {"clean_start": kept is None, "properties": properties}
        try:
            self._client.connect(config.host, config.port, keepalive=config.keepalive_s, **more)
        except (OSError, ValueError) as e:
            raise unreachable(e, config) from e
        deadline = time.monotonic() + config.timeout_s
        try:
            if not self.wait(lambda: self._welcome or self._refusal, deadline):
                raise Transient(f"{config.host}:{config.port} accepted the connection, but did not answer as a broker")
        except Lost as e:
            if self._refusal is None:
                raise hung_up(str(e), config) from e
        if self._refusal is not None:
            raise refused(self._refusal)
        if self._welcome is None:
            raise Transient("the broker closed the connection at once")
        return self._welcome

    def close(self, *, forget: bool = False) -> None:
        """Say goodbye and free everything. `forget`: the broker shall drop our session, whatever was agreed."""
        properties = None
        if forget and self._config.mqtt5:
            properties = new_properties(PacketTypes.DISCONNECT)
            properties.SessionExpiryInterval = 0
        if self._wire:
            self._wire.linger_s = _LINGER_S
        self._client.disconnect(properties=properties)
        self._client.loop_write()
        self.abandon()

    def abandon(self) -> None:
        """Free everything without a goodbye: the broker then acts as if we had vanished."""
        if self._wire:
            self._wire.close()
        self._selector.close()
        self._bell.close()
        self._ringer.close()

    @property
    def is_open(self) -> bool:
        return self._welcome is not None and not self._lost

    # -- what can be done with it -------------------------------------------------------------------------------------

    def subscribe(self, filters: Sequence[tuple[str, int]]) -> list[ReasonCode]:
        """The broker's answer to each (filter, QoS). :raises Lost: :raises Transient: it did not answer."""
        if self._config.mqtt5:  # retainHandling 1: what is retained comes with a new subscription only
            wanted: Any = [
                (f, SubscribeOptions(qos=qos, retainAsPublished=True, retainHandling=1)) for f, qos in filters
            ]
        else:
            wanted = list(filters)
        _, mid = self._client.subscribe(wanted)
        if mid is None or not self.wait(lambda: mid in self._granted, time.monotonic() + self._config.timeout_s):
            raise Transient(f"the broker did not answer our subscription within {self._config.timeout_s:g} s")
        return list(self._granted.pop(mid))

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool = False, properties: Any = None
    ) -> Published:
        """Queue a message; `turn` sends it."""
        info = self._client.publish(topic, payload, qos, retain, properties)
        published = Published(info.mid, None if qos else ReasonCode(PacketTypes.PUBACK))
        if qos:
            self._published[info.mid] = published
        return published

    def acknowledge(self, mid: int, qos: int) -> None:
        """Tell the broker that a message is ours now."""
        if qos == 1 and self._wire:
            self._wire.acknowledge(mid)
        else:
            self._client.ack(mid, qos)

    def wait(self, until: Callable[[], object], deadline: float) -> bool:
        """Turn until this is so; False when the time is over. `deadline`: of `time.monotonic`. :raises Lost:"""
        while not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.turn(min(left, 1))
        return True

    def turn(self, timeout_s: float, *, listen: bool = True) -> None:
        """Wait for something to do, at most so long, and do it. `listen` False: leave what arrives with the broker.

        :raises Lost:
        """
        wire = self._wire
        if wire is None or self._lost:
            raise Lost(self._lost or "not connected")
        self._listen(wire, selectors.EVENT_READ * listen | selectors.EVENT_WRITE * wire.unsent)
        try:
            for key, events in self._selector.select(timeout_s):
                if key.fileobj is self._bell:
                    self._bell.recv(4096)
                elif events & selectors.EVENT_READ:
                    wire.fill()
            self._let_paho_work(wire)
            wire.flush()
        except OSError as e:
            self._lost = self._lost or str(e)
        if self._lost:
            raise Lost(self._lost)

    def take(self) -> list[Message]:
        """The messages that came since the last call."""
        taken, self._messages = self._messages, []
        return taken

    def wake(self) -> None:
        """End a waiting `turn`. From any thread, also after the end."""
        try:
            self._ringer.send(b"!")
        except OSError:  # a full pipe wakes as well; a closed one has nobody to wake
            return

    def _listen(self, wire: Wire, events: int) -> None:
        if events == self._listening:
            return
        if not self._listening:
            self._selector.register(wire, events)
        elif events:
            self._selector.modify(wire, events)
        else:
            self._selector.unregister(wire)
        self._listening = events

    def _let_paho_work(self, wire: Wire) -> None:
        client = self._client
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        while wire.pending() and code == MQTTErrorCode.MQTT_ERR_SUCCESS:
            code = client.loop_read()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS and client.want_write():
            code = client.loop_write()
        now = time.monotonic()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS and now >= self._next_care:
            self._next_care = now + 1
            code = client.loop_misc()
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lost = self._lost or paho.error_string(code)

    # -- what paho tells ----------------------------------------------------------------------------------------------

    def _deliver(self, message: Message) -> None:
        self._messages.append(message)

    def _open_wire(self, connected: Any) -> Wire:
        self._wire = Wire(connected, self._deliver, mqtt5=self._config.mqtt5)
        return self._wire

    def _connected(self, _c: Any, _u: Any, flags: paho.ConnectFlags, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            self._refusal = reason
        else:
            told = properties.json() if properties is not None else {}
            self._welcome = Welcome(flags.session_present, told)

    def _disconnected(self, _c: Any, _u: Any, flags: paho.DisconnectFlags, reason: ReasonCode, _p: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            self._lost = f"the broker ended the connection: {reason}"
            if str(reason) == "Session taken over":
                self._lost += f"; another client connected as {self._client_id!r}, give each its own `client_id`"
        elif self._wire and self._wire.ended:
            self._lost = self._lost or "the broker closed the connection"
        else:
            self._lost = self._lost or f"the connection broke: {reason}"

    def _subscribed(self, _c: Any, _u: Any, mid: int, reasons: list[ReasonCode], _p: Any) -> None:
        self._granted[mid] = reasons

    def _was_published(self, _c: Any, _u: Any, mid: int, reason: ReasonCode, _p: Any) -> None:
        if published := self._published.pop(mid, None):
            published.reason = reason

    def _other_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        """QoS 2, which an older session may still hold."""
        topic = message._topic.decode("utf-8", "replace").replace("\x00", "\ufffd")
        payload = bytes(message.payload)
        self._messages.append(
            Message(topic, payload, message.qos, message.dup, message.retain, message.mid, message.properties)
        )

    def _logged(self, _c: Any, _u: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self._lost = self._lost or text

    @property
    def _client_id(self) -> str:
        return self._config.client_id
