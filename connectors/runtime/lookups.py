"""Calls with a deadline: a few threads per connection, so that a system that hangs holds up only itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar

from connectors.errors import Busy, DeadlineExceeded

T = TypeVar("T")


class Deadlines:
    """At most `at_once` calls run, `4 × at_once` more wait for a thread; whoever comes then is told `Busy`."""

    def __init__(self, name: str, at_once: int) -> None:
        self._room = threading.BoundedSemaphore(at_once * 5)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix=f"weft-{name}")

    def call(self, work: Callable[[], T], seconds: float) -> T:
        """The result of `work`, within so many seconds. A call that is late runs on and its result is dropped.

        :raises DeadlineExceeded: it began, but did not end in time.
        :raises Busy: it did not even begin in time, or too many are waiting.
        """
        if not self._room.acquire(blocking=False):
            raise Busy("too many questions wait for this connection")
        try:
            future: Future[T] = self._pool.submit(work)
        except RuntimeError:
            self._room.release()
            raise Busy("the connection is closed") from None
        future.add_done_callback(lambda _: self._room.release())
        try:
            return future.result(timeout=max(0.0, seconds))
        except FutureTimeout:
            if future.done():
                return future.result()  # the work itself raised a TimeoutError, or ended this very moment
            begun = not future.cancel()
        if begun:
            raise DeadlineExceeded(f"no answer within {seconds:.3g} s")
        raise Busy(f"no thread came free within {seconds:.3g} s")

    def close(self) -> None:
        """Let running calls end by themselves and drop those that wait."""
        self._pool.shutdown(wait=False, cancel_futures=True)
