"""What a process counts of one connection until it is written down."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.drift import Drift, ShapeProfile
from connectors.runtime import Result
from gateway.telemetry.tables import BOUNDS_MS, BUCKETS

NOT_ASKED: frozenset[Result] = frozenset({"busy", "circuit_open"})
"""The system was not asked at all."""
FINE: frozenset[Result] = frozenset({"ok", "bad_record"})
LOOKED_AT = 20
"""Records of a page whose shape is looked at: a shape that changes, changes in all of them."""


class Tally:
    """Counts and shapes of one connection in this process; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._profiles: dict[str, ShapeProfile] = {}
        self._known: set[str] = set()
        self._drifts: list[tuple[str, Drift]] = []

    def called(self, verb: str, result: Result, seconds: float) -> None:
        """A call to the remote system ended. What it sent us by itself (`receive`) is no call."""
        if verb == "receive" or result in NOT_ASKED:
            return
        bucket = BUCKETS[bisect_left(BOUNDS_MS, seconds * 1000)]
        with self._lock:
            self._counts.update(
                {"calls": 1, "failures": int(result not in FINE), "took_us": int(seconds * 1e6), bucket: 1}
            )

    def received(self, stream: str, record: Mapping[str, Any] | None, *, dead: bool) -> None:
        """A message was stored."""
        with self._lock:
            self._counts["received"] += 1
            if dead:
                self._counts["dead"] += 1
            if record is not None:
                self._look(stream, (record,))

    def read(self, stream: str, records: Iterable[Mapping[str, Any]], count: int) -> None:
        """A page of records was read."""
        with self._lock:
            self._counts["read"] += count
            self._look(stream, records)

    @property
    def busy(self) -> bool:
        """Is there anything to write down?"""
        return bool(self._counts)

    def drain(self) -> dict[str, int]:
        """What was counted since the last time; nothing, if nothing."""
        with self._lock:
            counted, self._counts = dict(self._counts), Counter()
        return counted

    def changed_shapes(self) -> tuple[dict[str, ShapeProfile], list[tuple[str, Drift]]]:
        """Profiles by stream, and what changed since the last time."""
        with self._lock:
            drifts, self._drifts = self._drifts, []
            return dict(self._profiles), drifts

    def unknown(self) -> list[str]:
        """Streams whose profile was not looked up yet."""
        with self._lock:
            return sorted(self._profiles.keys() - self._known)

    def learn(self, stream: str, stored: Mapping[str, Any] | None) -> None:
        """What was known of a stream before this process saw any of it."""
        with self._lock:
            self._known.add(stream)
            if stored is not None:
                self._profiles[stream] = ShapeProfile.from_json(stored)

    def told(self, stream: str) -> dict[str, Any]:
        """A profile as it is stored."""
        with self._lock:
            return self._profiles[stream].to_json()

    def _look(self, stream: str, records: Iterable[Mapping[str, Any]]) -> None:
        profile = self._profiles.get(stream)
        if profile is None:
            profile = self._profiles[stream] = ShapeProfile()
        for record in records:
            self._drifts += [(stream, drift) for drift in profile.observe(record)]
