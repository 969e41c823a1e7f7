"""The overview told to many: however many listen, its figures are worked out once for all who see the same."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from anyio.to_thread import run_sync

from core_tickets.rights import Asker
from gateway import clock
from gateway.errors import TooBusy
from gateway.overview.figures import overview
from gateway.service import Gateway

EVERY_S = 3.0
"""How old figures may be."""
PAUSE = 10
"""Where working them out is slow, they may be as old as so many times what that takes."""
LISTENERS = 500
LASTING_S = 300.0
"""Whoever may not any more is told nothing after so long."""
KEPT = 200
"""Who sees the same, at most so many kinds of them; those of whom nobody asked for the longest are forgotten."""


@dataclass(slots=True)
class _Figures:
    lock: threading.Lock = field(default_factory=threading.Lock)
    told: dict[str, Any] = field(default_factory=dict)
    good_until: float = 0.0


class Broadcast:
    """One for a process."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._of: dict[Asker, _Figures] = {}
        self.listeners = 0
        self.rounds = 0
        """How often figures were worked out."""

    def figures(self, asker: Asker) -> dict[str, Any]:
        """Not older than three seconds, or, where working them out is slow, than ten times what that takes."""
        with self._lock:
            mine = self._of.pop(asker, None) or _Figures()
            self._of[asker] = mine  # the latest last
            while len(self._of) > KEPT:
                del self._of[next(iter(self._of))]
        with mine.lock:  # who comes second takes what the first one got
            began = time.monotonic()
            if began >= mine.good_until:
                mine.told = overview(self._gateway, asker, clock.now())
                self.rounds += 1
                ended = time.monotonic()
                mine.good_until = ended + max(EVERY_S, PAUSE * (ended - began))
            return mine.told

    def demand_room(self) -> None:
        """Raises TooBusy."""
        if self.listeners >= LISTENERS:
            raise TooBusy("Too many listen already.", retry_after=30)

    async def listen(self, asker: Asker) -> AsyncIterator[dict[str, str]]:
        """Events for a page: the figures at once, then whenever they change; it ends after some minutes, and a page that
        still may asks again."""
        before = b""
        until = time.monotonic() + LASTING_S
        self.listeners += 1
        try:
            while time.monotonic() < until:
                told = await run_sync(self.figures, asker)
                now = orjson.dumps({name: value for name, value in told.items() if name not in ("at", "flow")})
                now += orjson.dumps((told.get("flow") or {}).get("sources"))
                if now != before:
                    before = now
                    yield {"event": "overview", "data": orjson.dumps(told).decode()}
                await asyncio.sleep(EVERY_S)
        finally:
            self.listeners -= 1
