"""A running subscription: one thread that asks Acme for the next messages and hands them on."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.conformance.reference.client import Client
from connectors.contract import Delivery, Sink
from connectors.errors import Ambiguous, ConfigProblem, Transient


class Feed:
    """Ends, rather than retrying, when Acme can't be reached or the inbox is full: the runtime opens a new one."""

    def __init__(self, client: Client, sink: Sink) -> None:
        self._client = client
        self._sink = sink
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="acme-feed", daemon=True)
        self._ended_because = ""
        self._session = ""

    def start(self) -> Feed:
        """:raises AuthProblem: Acme refuses the account.
        :raises Transient: Acme can't be reached."""
        self._session = str(self._client.get("/api/feed/open")["session"])
        self._thread.start()
        return self

    def alive(self) -> bool:
        return self._thread.is_alive() and not self._closing.is_set()

    def detail(self) -> Mapping[str, Any]:
        return {"alive": self.alive(), "ended_because": self._ended_because}

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                answer = self._client.get("/api/feed/next", {"session": self._session})
                for message in answer["messages"]:
                    if self._closing.is_set() or not self._offer(message):
                        self._ended_because = self._ended_because or "the inbox is full"
                        return
        except (Transient, ConfigProblem) as error:
            self._ended_because = str(error)

    def _offer(self, message: dict[str, str]) -> bool:
        delivery = Delivery(
            base64.b64decode(message["body"]),
            {"x-acme-signature": message["signature"]},
            received_at=datetime.now(UTC),
        )
        return self._sink.offer(delivery, self._acknowledgement(message["id"]))

    def _acknowledgement(self, message_id: str) -> Callable[[], None]:
        def acknowledge() -> None:
            try:
                self._client.post("/api/feed/ack", {"id": message_id}, key=message_id)
            except (Transient, Ambiguous, ConfigProblem) as error:
                self._ended_because = f"not acknowledged, it will come again: {error}"
                self._closing.set()

        return acknowledge
