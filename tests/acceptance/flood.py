"""A sender of readings that outlives its broker, as a gateway in a plant does."""

from __future__ import annotations

import json
import queue
import threading
from collections import deque
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from gateway.demo.mosquitto import Mosquitto
from tests.acceptance.running_hub import eventually

WINDOW, REPEATED = 50, 200
PAUSE_S = 0.002
BROKEN = -1


class Flood:
    """Publishes readings 0, 1, 2 ... with QoS 1 until it ends; every tenth is of the device `hot`, at 91 degrees.

    Mosquitto's PUBACK says that it has a message in memory, not that it is saved. So after a reconnection the newest
    `REPEATED` readings that were acknowledged are published again, byte for byte, beside those that were not (which
    paho does by itself): the hub has to know them as the same.
    """

    def __init__(self, broker: Mosquitto, hot: str) -> None:
        self.sent, self.broken = 0, 0
        self._hot = hot
        self._under_way: dict[int, tuple[str, bytes]] = {}
        self._acknowledged: deque[tuple[str, bytes]] = deque(maxlen=REPEATED)
        self._news: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="flood", clean_session=False)
        self._client.max_inflight_messages_set(WINDOW)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = lambda _client, _data, mid, *_: self._news.put(mid)
        self._client.on_disconnect = lambda *_: self._news.put(BROKEN)
        self._client.connect("127.0.0.1", broker.port)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Flood:
        self._client.loop_start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)
        self._client.disconnect()
        self._client.loop_stop()
        assert not self._under_way, "the broker does not acknowledge"

    def goes_on(self, count: int) -> None:
        """Wait until so many more were sent."""
        wanted = self.sent + count
        eventually(lambda: self.sent >= wanted, 60, why="the flood has come to a halt")

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_S):
            self._publish(*self._reading(self.sent))
            self.sent += 1
            self._listen(WINDOW)
        self._listen(0)

    def _listen(self, window: int) -> None:
        """Take what was acknowledged, until no more than `window` are under way."""
        while len(self._under_way) > window or not self._news.empty():
            mid = self._news.get()
            if mid == BROKEN:
                self.broken += 1
                for topic, body in list(self._acknowledged):
                    self._publish(topic, body)
            else:
                self._acknowledged.append(self._under_way.pop(mid))

    def _publish(self, topic: str, body: bytes) -> None:
        self._under_way[self._client.publish(topic, body, qos=1).mid] = topic, body

    def _reading(self, number: int) -> tuple[str, bytes]:
        device, value = (self._hot, 91) if number % 10 == 0 else (f"press-{number % 10}", 20)
        told = {"value": value, "unit": "Cel", "at": datetime.now(UTC).isoformat(), "seq": number}
        return f"dt/plant1/{device}/temperature", json.dumps(told).encode()
