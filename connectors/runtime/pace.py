"""How fast and how often: the bounds of a connection's rate, and how long to wait between tries."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from pyrate_limiter import Decision, InMemoryStateStore, Rate, TokenBucket

from connectors.contract import Policy


class Bucket:
    """A token bucket: `rate_per_s` calls a second, and as many at once after a rest. Safe from any thread."""

    def __init__(self, rate_per_s: float, clock: Callable[[], float]) -> None:
        calls = max(1, round(rate_per_s))
        self._rates = [Rate(calls, max(1, round(calls / rate_per_s * 1000)))]
        self._algorithm = TokenBucket()
        self._store: Any = InMemoryStateStore()  # its methods carry no types
        self._clock = clock

    def take(self) -> float:
        """Take a token. 0: taken; else none is there, and how many seconds until one is."""
        decision: Decision = self._store.check(self._algorithm, self._rates, int(self._clock() * 1000), 1)
        return 0.0 if decision.allowed else (decision.retry_after_ms or 1) / 1000


class Window:
    """At most `calls` calls within any `seconds`: what systems count that refuse the one too many. Safe from any
    thread. (A bucket of 18 that refills in a minute lets 36 pass within one.)"""

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: deque[float] = deque()

    @property
    def room(self) -> int:
        """How many calls may begin right now."""
        with self._lock:
            return self._calls - self._count()

    def take(self) -> float:
        """Take one call. 0: taken; else none is left, and how many seconds until one is."""
        with self._lock:
            if self._count() < self._calls:
                self._taken.append(self._clock())
                return 0.0
            return self._taken[0] + self._seconds - self._clock()

    def _count(self) -> int:
        over = self._clock() - self._seconds
        while self._taken and self._taken[0] <= over:
            self._taken.popleft()
        return len(self._taken)


def backoff_s(policy: Policy, attempt: int, dice: random.Random) -> float:
    """Seconds to wait after so many failed attempts: doubled each time, at most `backoff_max_s`, of which half is left
    to chance so that many callers do not come back together."""
    whole = min(policy.backoff_max_s, policy.backoff_s * 2.0 ** min(attempt - 1, 60))
    return whole / 2 + dice.uniform(0, whole / 2)
