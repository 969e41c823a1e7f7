"""One run over a stream: pulls batches, and after a passing failure goes on from the last cursor that is safe."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from connectors.contract import Batch, Cursor, Policy, Stream
from connectors.errors import Transient
from connectors.runtime.pace import backoff_s

T = TypeVar("T")
Open = Callable[[Stream, Cursor], Iterator[Batch]]
Guarded = Callable[[Callable[[], "Batch | None"]], "Batch | None"]


class Reading:
    """`pull` gives the next batch or None at the end.

    `attempts` bounds the failures in a row without a new safe cursor in between, so a stream that never gets past one
    page ends, and one that is merely long does not. A system that wants to be left alone for longer than
    `backoff_max_s` ends the run: its schedule comes back, no thread waits.
    """

    def __init__(
        self,
        stream: Stream,
        cursor: Cursor,
        *,
        open_: Open,
        guarded: Guarded,
        policy: Policy,
        pause: Callable[[float], None],
        dice: random.Random,
    ) -> None:
        self._stream = stream
        self._cursor = cursor
        self._open = open_
        self._guarded = guarded
        self._policy = policy
        self._dice = dice
        self._source: Iterator[Batch] | None = None
        self._failures = 0
        self._retrying = Retrying(
            stop=self._enough,
            wait=self._wait_s,
            retry=retry_if_exception_type(Transient),
            sleep=pause,
            reraise=True,
        )

    def pull(self) -> Batch | None:
        """:raises Transient: still failing after the policy's attempts; whatever was pulled before is good."""
        batch = self._retrying(self._once)
        if batch is not None and batch.cursor is not None and batch.cursor != self._cursor:
            self._cursor = batch.cursor
            self._failures = 0
        return batch

    def close(self) -> None:
        """Let the connector's generator clean up."""
        source, self._source = self._source, None
        close = getattr(source, "close", None)
        if close is not None:
            close()

    def _once(self) -> Batch | None:
        try:
            return self._guarded(self._next)
        except Transient:
            self._failures += 1
            self.close()
            raise

    def _next(self) -> Batch | None:
        if self._source is None:
            self._source = iter(self._open(self._stream, self._cursor))
        return next(self._source, None)

    def _enough(self, state: RetryCallState) -> bool:
        return self._failures >= self._policy.attempts or (_told_s(state) or 0) > self._policy.backoff_max_s

    def _wait_s(self, state: RetryCallState) -> float:
        told = _told_s(state)
        return backoff_s(self._policy, max(1, self._failures), self._dice) if told is None else told


def _told_s(state: RetryCallState) -> float | None:
    """When the system, or our own bound, said to come back."""
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, Transient) else None
