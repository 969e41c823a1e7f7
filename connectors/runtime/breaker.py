"""A circuit breaker that many threads share: it counts what became of calls, and is never held while one runs.

Written here because the one on offer (pybreaker 1.4) is thread-safe only by holding its lock for the whole guarded
call: two calls of one connection then run one after the other, and one that hangs blocks all others. It also reads the
wall clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from connectors.errors import CircuitOpen

Circuit = Literal["closed", "open", "half_open"]
_PROBE_S = 1.0
"""How soon to come back while another call probes."""


class Breaker:
    """Opens after `failures` failed calls in a row, refuses all calls for `open_s` seconds, then lets one through as a
    probe: if that goes well it closes, else it is open for as long again. `clock`: monotonic seconds."""

    def __init__(self, failures: int, open_s: float, clock: Callable[[], float]) -> None:
        self._failures = failures
        self._open_s = open_s
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._probe: Permit | None = None

    @property
    def circuit(self) -> Circuit:
        with self._lock:
            return self._circuit()

    @property
    def closes_in_s(self) -> float:
        """Seconds until the next call may be tried; 0 when it may be now."""
        with self._lock:
            return self._left()

    def admit(self) -> Permit:
        """Leave to make one call; its holder must say what became of it.

        :raises CircuitOpen: not now; `retry_after` says when.
        """
        with self._lock:
            circuit = self._circuit()
            permit = Permit(self, self._opened_at)
            if circuit == "closed":
                return permit
            if circuit == "open" or self._probe is not None:
                wait = self._left() or min(_PROBE_S, self._open_s)
                raise CircuitOpen(f"it failed {self._in_a_row} times in a row", retry_after=wait)
            self._probe = permit
            return permit

    def reset(self) -> None:
        """Close it: something else has shown that the system is well."""
        with self._lock:
            self._in_a_row, self._opened_at, self._probe = 0, None, None

    def _settle(self, permit: Permit, went_well: bool | None) -> bool:
        with self._lock:
            probing = self._probe is permit
            if probing:
                self._probe = None
            if permit.opened_at != self._opened_at:
                return False  # admitted before the circuit last changed: its outcome is news no more
            if went_well:
                self._in_a_row, self._opened_at = 0, None
            elif went_well is False:
                self._in_a_row += 1
                if probing or self._in_a_row >= self._failures:
                    self._opened_at = self._clock()
                    return not probing
            return False

    def _circuit(self) -> Circuit:
        if self._opened_at is None:
            return "closed"
        return "open" if self._left() > 0 else "half_open"

    def _left(self) -> float:
        return 0.0 if self._opened_at is None else max(0.0, self._opened_at + self._open_s - self._clock())


class Permit:
    """Leave for one call. Exactly one of the three methods ends it."""

    __slots__ = ("_breaker", "opened_at")

    def __init__(self, breaker: Breaker, opened_at: float | None) -> None:
        self._breaker = breaker
        self.opened_at = opened_at

    def went_well(self) -> None:
        self._breaker._settle(self, True)

    def failed(self) -> bool:
        """Whether this failure opened a closed circuit."""
        return self._breaker._settle(self, False)

    def proves_nothing(self) -> None:
        self._breaker._settle(self, None)
