"""One guarded call: a token taken, the circuit asked, the outcome counted, the error cleaned of secrets."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Final, TypeVar, cast

from connectors.contract import Policy
from connectors.errors import Ambiguous, Busy, ConnectorBug, ConnectorError, Transient, Unfinished
from connectors.runtime.breaker import Breaker, Permit
from connectors.runtime.lookups import Deadlines
from connectors.runtime.pace import Bucket, Window
from connectors.runtime.state import Condition, Listener, Watch, result_of
from connectors.scrub import Scrubber

T = TypeVar("T")
CALLS_AT_ONCE: Final = 4
"""Threads for calls with a deadline, per connection."""


class Guard:
    """Everything a connection's calls share. Safe from any thread. `where` names the connector in bugs."""

    def __init__(
        self,
        connection: str,
        where: str,
        policy: Policy,
        scrub: Scrubber,
        clock: Callable[[], float],
        listener: Listener,
        pause: Callable[[float], None] | None,
    ) -> None:
        self.policy = policy
        self.scrub = scrub
        self.clock = clock
        self.watch = Watch(connection, where, clock, listener)
        self.breaker = Breaker(policy.breaker_failures, policy.breaker_open_s, clock)
        self._where = where
        self._bucket = Bucket(policy.rate_per_s, clock)
        self._window = Window(policy.window_calls, policy.window_s, clock) if policy.window_calls else None
        self._deadlines = Deadlines(connection, CALLS_AT_ONCE)
        self._closing = threading.Event()
        self._given_pause = pause

    def attempt(self, verb: str, call: Callable[[], T], *, patience_s: float, gated: bool = True) -> T:
        """Ask the system once. `patience_s`: how long to wait for a token. `gated=False`: neither token nor circuit."""
        if gated:
            self._take_token(patience_s)
        permit = self.breaker.admit() if gated else None
        began = self.clock()
        try:
            value, told = self.tried(verb, call)
        except BaseException:
            if permit is not None:
                permit.proves_nothing()
            raise
        opened = permit is not None and _settle(permit, told)
        self.watch.note(verb, result_of(told), self.clock() - began, str(told or ""))
        if opened:
            self.watch.tell("connection is left alone", for_s=self.policy.breaker_open_s)
        if told is not None:
            raise told
        return cast(T, value)

    def quietly(self, verb: str, call: Callable[[], T]) -> T:
        """A call whose outcome says nothing about the system: a list of what the connector offers, its end."""
        value, told = self.tried(verb, call)
        if told is not None:
            raise told
        return cast(T, value)

    def tried(self, verb: str, call: Callable[[], T]) -> tuple[T | None, ConnectorError | None]:
        """What a call gave, or the clean error it ended with."""
        try:
            return call(), None
        except ConnectorError as error:
            return None, clean(self.scrub, error)
        except Exception as error:  # noqa: BLE001 - whatever else comes out of a connector is a bug, to be named as one
            return None, self.bug(verb, error)

    def in_time(self, work: Callable[[], T], seconds: float) -> Callable[[], T]:
        """The same work, which from now on has so many seconds (see `Deadlines.call`)."""
        until = self.clock() + seconds
        return lambda: self._deadlines.call(work, until - self.clock())

    def bug(self, verb: str, error: Exception) -> ConnectorBug:
        """Log an error that the contract does not allow and name it as what it is."""
        told = bug(self.scrub, f"{self._where}.{verb}", error)
        self.watch.tell("connector bug", verb=verb, error=str(told), trace=told.trace)
        return told

    def pause(self, seconds: float) -> None:
        """:raises Busy: the connection was closed meanwhile."""
        if self._given_pause is not None:
            self._given_pause(seconds)
        elif self._closing.wait(seconds):
            raise Busy("the connection is closed")

    @property
    def room(self) -> int | None:
        """How many calls its window allows right now; None: it has no window."""
        return None if self._window is None else self._window.room

    def condition(self) -> Condition:
        watch, circuit, left = self.watch, self.breaker.circuit, self.breaker.closes_in_s
        return Condition(watch.status, watch.reason, self.clock() - watch.since, watch.failures, circuit, left)

    def close(self) -> None:
        """End every pause and drop every question that waits."""
        self._closing.set()
        self._deadlines.close()

    def _take_token(self, patience_s: float) -> None:
        until = self.clock() + patience_s
        while (wait := self._wait()) > 0:
            if self.clock() + wait > until:
                raise Busy("the connection's rate limit is reached", retry_after=wait)
            self.pause(wait)

    def _wait(self) -> float:
        """Seconds until a call may begin; 0: it may, and is counted."""
        return self._bucket.take() or (0.0 if self._window is None else self._window.take())


def clean(scrub: Scrubber, error: ConnectorError) -> ConnectorError:
    """The same error with every secret masked, and its causes reduced to masked lines."""
    copied = copy.copy(error)
    copied.args = tuple(scrub.value(argument) for argument in error.args)
    for name, value in vars(error).items():
        setattr(copied, name, scrub.value(value))
    for cause in scrub.causes(error):
        copied.add_note(cause)
    return copied


def bug(scrub: Scrubber, where: str, error: Exception) -> ConnectorBug:
    """What the contract does not allow, named as a bug of the connector."""
    kind = type(error).__qualname__
    message = scrub.text(f"{where} raised {kind}: {error}")
    return ConnectorBug(message, kind=kind, trace=scrub.trace(error), hint="report it to the connector's author")


def _settle(permit: Permit, told: ConnectorError | None) -> bool:
    """What a call says about the system: down, up, or nothing. Whether the circuit opened because of it."""
    if isinstance(told, (Transient, Ambiguous)) and not isinstance(told, (Busy, Unfinished)):
        return permit.failed()
    if isinstance(told, (Busy, ConnectorBug)):
        permit.proves_nothing()
    else:
        permit.went_well()
    return False
