"""The running subscription: one thread that owns a line to the broker and hands what comes to the hub's inbox.

What is promised, and how it is kept:

- A message is acknowledged to the broker only after the hub has stored it, and in the order it came, as MQTT asks.
- A full inbox: refused messages are kept here in their order and offered again; there are never more of them than the
  broker lets us have unacknowledged (`receive_maximum`). Beyond that, or with QoS 0, nothing is read any more, so the
  broker keeps them.
- What the hub took but did not store within `redeliver_after_s` is asked for again. A broker sends unacknowledged
  messages anew only on a new connection, so the line is opened anew.
- A broken line is opened again, after a pause that grows. Message numbers mean nothing beyond their connection: an
  acknowledgement that comes too late for its line falls away, and the broker sends the message again.
- A message that says neither when nor with which number it was sent can't be told from an equal one. Such a message is
  known by its arrival, a mark in its headers; when the broker sends it again it gets the same mark, as long as this
  subscription runs.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from connectors.contract import Delivery, Sink
from connectors.errors import BadRecord, ConnectorError, Transient
from connectors.mqtt import packing
from connectors.mqtt.client import Line, Lost, Welcome, Will
from connectors.mqtt.config import SPARKPLUG, MqttConfig
from connectors.mqtt.edges import EdgeNodes
from connectors.mqtt.refusals import subscription_problem
from connectors.mqtt.sparkplug import SparkplugTopic, topic_of
from connectors.mqtt.sparkplug_payload import milliseconds_of, rebirth
from connectors.mqtt.wire import Message

ARRIVAL = "weft-mqtt-arrival"
"""Header: a mark that only this arrival of a message has, and its repeats by the broker."""
RETAINED = "weft-mqtt-retained"
"""Header, `1`: the broker had kept this message; when it was sent is unknown."""

_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0
_STEADY_S = 30.0
"""A connection that lasted so long was a good one; the next pause is short again."""
_OFFER_AGAIN_S = 0.05
_NEVER = 1e18


class SubscriptionLine(Line):
    """A line whose thread is woken once when something was stored while it waits."""

    idle = False

    def settled(self) -> None:
        if self.idle:
            self.idle = False
            self.wake()


class Unsettled:
    """A message that the broker still counts as ours to acknowledge; `done`: it is stored."""

    __slots__ = ("arrival", "done", "fingerprint", "line", "mid", "qos", "taken_at")

    def __init__(self, line: SubscriptionLine, message: Message, arrival: str, fingerprint: int) -> None:
        self.line = line
        self.mid = message.mid
        self.qos = message.qos
        self.arrival = arrival
        self.fingerprint = fingerprint
        self.taken_at = _NEVER
        self.done = False


class Parcel:
    """Messages that went to the inbox together. Calling it says: stored, all of them. From any thread."""

    __slots__ = ("messages", "parts")

    def __init__(self, messages: list[Unsettled], parts: int) -> None:
        self.messages = messages
        """Those that are to be acknowledged; none of QoS 0."""
        self.parts = parts

    def __call__(self) -> None:
        for message in self.messages:
            message.done = True
        if self.messages:
            self.messages[0].line.settled()


class MqttSubscription:
    """See the module. `alive`, `detail` and `close` may be called from any thread."""

    def __init__(self, config: MqttConfig, sink: Sink, *, run: str | None = None) -> None:
        self._config = config
        self._sink = sink
        self._run = run or uuid.uuid4().hex[:12]
        share = f"$share/{config.shared_group}/" if config.shared_group else ""
        topics = [(share + t.template.filter, config.qos if t.qos is None else t.qos) for t in config.topics]
        self._filters = topics
        self._client_id = f"{config.client_id}-{self._run}" if share else config.client_id
        self._keep_s = None if share else config.session_expiry_s or None
        self._edges = EdgeNodes(rebirth=config.sparkplug_rebirth) if config.speaks_sparkplug else None

        self._line: SubscriptionLine | None = None
        self._order: deque[Unsettled] = deque()
        self._held: deque[tuple[Delivery, Parcel]] = deque()
        self._seen: dict[int, Unsettled] = {}
        self._seen_before: dict[int, Unsettled] = {}
        self._host_since = 0

        self._counts = dict.fromkeys(
            ("received", "acknowledged", "repeats", "refused", "reconnects", "sessions_lost"), 0
        )
        self._error = ""
        self._short_lines = 0
        self._beat = time.monotonic()
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._subscribed = False
        self._failure: ConnectorError | None = None
        self._thread = threading.Thread(target=self._main, name=f"mqtt-{self._client_id}", daemon=True)

    def __repr__(self) -> str:
        return f"MqttSubscription({self._config.host}:{self._config.port}, {self._client_id})"

    def start(self) -> MqttSubscription:
        """Connect and subscribe. :raises ConnectorError: it did not come about; nothing runs then."""
        self._thread.start()
        if not self._ready.wait(3 * self._config.timeout_s + 10):
            self.close()
            raise Transient("the broker was too slow to connect to")
        if not self._subscribed:
            self._thread.join(self._config.timeout_s)
            raise self._failure or Transient("the subscription ended at once")
        return self

    def alive(self) -> bool:
        stuck = time.monotonic() - self._beat > 4 * self._config.timeout_s + _LONGEST_PAUSE_S
        return self._thread.is_alive() and not self._stop.is_set() and not stuck

    def detail(self) -> Mapping[str, Any]:
        line = self._line
        told = {
            "connected": line is not None and line.is_open,
            "client_id": self._client_id,
            "waiting": len(self._order),
            "held": self._held_messages(),
            **self._counts,
            "error": self._error,
        }
        return told | self._edges.count() if self._edges else told

    def close(self) -> None:
        self._stop.set()
        if line := self._line:
            line.wake()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(2 * self._config.timeout_s + 5)

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _main(self) -> None:
        pause = _PAUSE_S
        try:
            while not self._stop.is_set():
                began, connected = time.monotonic(), False
                try:
                    self._connect()
                    self._subscribed = connected = True
                    self._ready.set()
                    self._serve()
                except (Lost, Transient) as e:
                    if not self._subscribed:
                        raise e if isinstance(e, Transient) else Transient(str(e)) from e
                    self._error = str(e)
                finally:
                    self._leave()
                if self._stop.is_set():
                    return
                if time.monotonic() - began > _STEADY_S:
                    pause, self._short_lines = _PAUSE_S, 0
                elif connected and self._short_lines > 1:
                    self._error += f"; again and again: does another client connect as {self._client_id!r}?"
                self._beat = time.monotonic()
                self._stop.wait(pause * random.uniform(0.5, 1))
                pause = min(pause * 2, _LONGEST_PAUSE_S)
        except ConnectorError as e:
            self._error = str(e)
            self._failure = e
        finally:
            self._ready.set()

    def _connect(self) -> None:
        line = SubscriptionLine(self._config, self._client_id, keep_session_s=self._keep_s, will=self._last_will())
        self._line = line
        welcome = line.open()
        self._begin(welcome)
        problem = subscription_problem(self._filters, line.subscribe(self._filters))
        if problem:
            raise problem
        if self._config.sparkplug_host_id:
            line.publish(*self._host_state(online=True), qos=1, retain=True)
        self._short_lines += 1
        if self._short_lines < 3:
            self._error = ""

    def _begin(self, welcome: Welcome) -> None:
        """What was unsettled on the last line comes again if the session lives on; else the broker has forgotten it."""
        if self._subscribed:
            self._counts["reconnects"] += 1
            if self._keep_s is not None and not welcome.session_present:
                self._counts["sessions_lost"] += 1
        if not welcome.session_present:
            self._seen, self._seen_before = {}, {}
        if self._edges:
            self._edges.forget_order()

    def _serve(self) -> None:
        line = self._line
        while line is not None and not self._stop.is_set():
            self._beat = time.monotonic()
            if self._held:
                self._offer_held()
            self._settle(line)
            self._look_for_forgotten(line)
            full = self._held_messages() > self._config.receive_maximum
            line.idle = True  # from here on whoever stores something wakes us
            settled = bool(self._order) and self._order[0].done
            line.turn(0 if settled else _OFFER_AGAIN_S if self._held else 1, listen=not full)
            line.idle = False
            if messages := line.take():
                arrived = datetime.now(UTC)
                for run in packing.runs(messages):
                    self._arrived(line, run, arrived)

    def _leave(self) -> None:
        """End the line; in peace when we are told to stop. What is unsettled stays with the broker."""
        line, self._line = self._line, None
        if line is None:
            return
        if self._stop.is_set() and line.is_open:
            try:
                self._settle(line)
                if self._config.sparkplug_host_id:
                    sent = line.publish(*self._host_state(online=False), qos=1, retain=True)
                    line.wait(lambda: sent.reason, time.monotonic() + 1)
                line.close()
            except Lost as e:
                self._error = str(e)
                line.abandon()
        else:
            line.abandon()
        self._order = deque()
        self._held = deque((delivery, parcel) for delivery, parcel in self._held if not parcel.messages)

    def _settle(self, line: Line) -> None:
        order, done = self._order, 0
        while order and order[0].done:
            first = order.popleft()
            line.acknowledge(first.mid, first.qos)
            done += 1
        self._counts["acknowledged"] += done

    def _look_for_forgotten(self, line: Line) -> None:
        if self._order and time.monotonic() - self._order[0].taken_at > self._config.redeliver_after_s:
            raise Lost(f"a message was not stored within {self._config.redeliver_after_s:g} s; it is asked for again")

    # -- messages -----------------------------------------------------------------------------------------------------

    def _arrived(self, line: SubscriptionLine, messages: list[Message], arrived: datetime) -> None:
        """One delivery of these messages, but for those that were stored on an earlier arrival."""
        parts: list[Delivery] = []
        fresh: list[Unsettled] = []
        for message in messages:
            count = self._counts["received"] = self._counts["received"] + 1
            arrival = f"{self._run}-{count}"
            if message.qos:
                fingerprint = hash((message.topic, message.payload))
                unsettled = Unsettled(line, message, arrival, fingerprint)
                if message.dup and self._is_repeat(unsettled):
                    arrival = unsettled.arrival
                self._remember(unsettled)
                self._order.append(unsettled)
                if unsettled.done:
                    continue
                fresh.append(unsettled)
            parts.append(Delivery(message.payload, self._headers(line, message, arrival), message.topic, "", arrived))
        if parts:
            parcel = Parcel(fresh, len(parts))
            delivery = packing.pack(parts)
            if self._held or not self._offer(delivery, parcel):
                self._held.append((delivery, parcel))

    def _headers(self, line: Line, message: Message, arrival: str) -> dict[str, str]:
        headers = {ARRIVAL: arrival}
        if message.retain:
            headers[RETAINED] = "1"
        if message.properties is not None and (content_type := getattr(message.properties, "ContentType", "")):
            headers["content-type"] = content_type[:200]
        if self._edges and message.topic.startswith(SPARKPLUG):
            headers.update(self._note(line, message))
        return headers

    def _offer(self, delivery: Delivery, parcel: Parcel) -> bool:
        if not self._sink.offer(delivery, parcel):
            self._counts["refused"] += 1
            return False
        now = time.monotonic()
        for message in parcel.messages:
            message.taken_at = now
        return True

    def _offer_held(self) -> None:
        while self._held and self._offer(*self._held[0]):
            self._held.popleft()

    def _held_messages(self) -> int:
        return sum(parcel.parts for _, parcel in tuple(self._held))

    def _is_repeat(self, unsettled: Unsettled) -> bool:
        """Whether this is a message we had before, on this line or the last: then it is known by its first arrival, and
        settled if it was stored meanwhile."""
        former = self._seen.get(unsettled.mid) or self._seen_before.get(unsettled.mid)
        if former is None or former.fingerprint != unsettled.fingerprint:
            return False
        self._counts["repeats"] += 1
        unsettled.arrival, unsettled.done = former.arrival, former.done
        return True

    def _remember(self, unsettled: Unsettled) -> None:
        if len(self._seen) > 2 * self._config.receive_maximum:
            self._seen_before, self._seen = self._seen, {}
        self._seen[unsettled.mid] = unsettled

    # -- Sparkplug ----------------------------------------------------------------------------------------------------

    def _note(self, line: Line, message: Message) -> dict[str, str]:
        try:
            place = topic_of(message.topic)
        except BadRecord:
            return {}
        noted = self._edges.note(place, message.payload, time.monotonic()) if self._edges else None
        if noted and noted.ask:
            self._ask_rebirth(line, place)
        return noted.headers if noted else {}

    @staticmethod
    def _ask_rebirth(line: Line, place: SparkplugTopic) -> None:
        line.publish(f"{SPARKPLUG}/{place.group}/NCMD/{place.edge}", rebirth(datetime.now(UTC)), qos=0)

    def _host_state(self, *, online: bool) -> tuple[str, bytes]:
        state = {"online": online, "timestamp": self._host_since}
        return f"{SPARKPLUG}/STATE/{self._config.sparkplug_host_id}", orjson.dumps(state)

    def _last_will(self) -> Will | None:
        if not self._config.sparkplug_host_id:
            return None
        self._host_since = milliseconds_of(datetime.now(UTC))
        return Will(*self._host_state(online=False))


def subscribe(config: MqttConfig, sink: Sink) -> MqttSubscription:
    """A running subscription. :raises ConnectorError:"""
    return MqttSubscription(config, sink).start()
