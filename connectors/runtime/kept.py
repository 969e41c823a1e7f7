"""A subscription that is opened again whenever it dies."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from typing import Any

from connectors.contract import Sink, Subscription
from connectors.errors import ConnectorError, Transient
from connectors.runtime.connection import Connection
from connectors.runtime.pace import backoff_s


class Kept:
    """Has no thread of its own: call `tend()` every second or so. It opens what is not open, waits longer after each
    failure, and gives up on nothing but `close()`; what a person must mend is tried again every `backoff_max_s`."""

    def __init__(
        self, connection: Connection, sink: Sink, clock: Callable[[], float], dice: random.Random | None = None
    ) -> None:
        self._connection = connection
        self._sink = sink
        self._clock = clock
        self._dice = dice or random.Random()
        self._lock = threading.Lock()
        self._running: Subscription | None = None
        self._failures = 0
        self._next_try = clock()
        self._reason = ""
        self._closed = False

    def tend(self) -> bool:
        """Whether the subscription is alive now."""
        with self._lock:
            if self._closed:
                return False
            if self._running is not None and self._running.alive():
                self._failures = 0
                return True
            if self._clock() < self._next_try:
                return False
            self._drop()
            return self._open()

    def detail(self) -> Mapping[str, Any]:
        """What there is to show of it."""
        with self._lock:
            running = self._running
            own = self._connection.masked(dict(running.detail())) if running is not None else {}
            return {**own, "alive": running is not None and running.alive(), "reason": self._reason}

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._drop()

    def _open(self) -> bool:
        policy = self._connection.policy
        self._failures += 1
        wait = backoff_s(policy, self._failures, self._dice)
        try:
            self._running = self._connection.subscribe(self._sink)
        except ConnectorError as error:
            self._reason = str(error)
            told = error.retry_after if isinstance(error, Transient) else policy.backoff_max_s
            self._next_try = self._clock() + (wait if told is None else told)
            return False
        self._reason = ""
        self._next_try = self._clock() + wait
        return True

    def _drop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.close()
