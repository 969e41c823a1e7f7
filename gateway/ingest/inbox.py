"""The inbox: everything that waits is committed in one transaction, and only then acknowledged.

One thread per process drains the waiting deliveries fairly (round robin over connections, so a flooding source queues
behind itself), hands them to `commit`, and tells each sender. While a transaction runs, new deliveries gather for the
next: the busier the hub, the larger the group, the cheaper each message.

Senders that wait for their answer come back right after it. Two halves of them would take turns, each group half as
large as it could be and a transaction's fixed cost paid twice; so after a group of several the inbox waits, for no
longer than that group's transaction took and never over `GATHER_S`, until as many are there again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from connectors.contract import Delivery, Event
from connectors.errors import BadRecord
from gateway.config.hub import Live
from gateway.errors import TooBusy, Unavailable, WeftError

log = structlog.get_logger(__name__)

GATHER_S = 0.01

Done = Callable[[WeftError | None], None]


@dataclass(slots=True)
class Incoming:
    """One verified delivery, split into its events (or `bad`: unusable as a whole), waiting to be stored as `id`.

    `done` is called once: with None when it is committed (then `ends` tells the end of each event), or with the error.
    It is called on the inbox's thread and must not block.
    """

    id: int
    live: Live
    delivery: Delivery
    events: Sequence[Event]
    received_at: int
    done: Done
    bad: BadRecord | None = None
    ends: list[str] = field(default_factory=list)
    trace: str | None = None
    """`traceparent` of its way in, when traces are on."""


Commit = Callable[[Sequence[Incoming]], None]
Bury = Callable[[Incoming, Exception], None]


class Inbox:
    """Bounded per connection (`max_waiting` deliveries and `max_bytes`), drained in groups of at most
    `group_deliveries` and about `group_events`. The first bound keeps a sender with a window of unanswered messages busy:
    while one group is committed, the rest of its window waits here instead of at the sender."""

    def __init__(
        self,
        commit: Commit,
        *,
        bury: Bury,
        max_waiting: int = 5_000,
        max_bytes: int = 64 << 20,
        group_deliveries: int = 400,
        group_events: int = 1_000,
    ) -> None:
        self._commit, self._bury = commit, bury
        self._max_waiting, self._max_bytes = max_waiting, max_bytes
        self._group_deliveries, self._group_events = group_deliveries, group_events
        self._waiting: OrderedDict[str, deque[Incoming]] = OrderedDict()
        self._bytes: dict[str, int] = {}
        self._count = 0
        self._enough = 1
        """So many deliveries are worth waking up for."""
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="weft-inbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Commit what waits, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=60)

    def alive(self) -> bool:
        return self._thread.is_alive()

    def waiting(self) -> Mapping[str, int]:
        """Deliveries waiting, by connection."""
        with self._wake:
            return {connection: len(queue) for connection, queue in self._waiting.items() if queue}

    def oldest(self) -> int | None:
        """When the delivery that waits longest came, in microseconds UTC; None: none waits."""
        with self._wake:
            return min((queue[0].received_at for queue in self._waiting.values() if queue), default=None)

    def offer(self, incoming: Incoming) -> None:
        """Queue a delivery. Raises TooBusy when its connection's share of the inbox is full, Unavailable on shutdown."""
        connection, size = incoming.live.id, len(incoming.delivery.body)
        with self._wake:
            if self._closing:
                raise Unavailable("The hub is shutting down; send again.")
            queue = self._waiting.get(connection)
            if queue is None:
                queue = self._waiting[connection] = deque()
            held = self._bytes.get(connection, 0)
            if len(queue) >= self._max_waiting or (held and held + size > self._max_bytes):
                raise TooBusy(f"The inbox of connection {connection!r} is full.", retry_after=1)
            self._bytes[connection] = held + size
            queue.append(incoming)
            self._count += 1
            if self._count >= self._enough:
                self._wake.notify()

    def _take(self, before: int = 0, gather_s: float = 0) -> list[Incoming]:
        """The next group: one delivery of each connection in turn. Waits; empty only when closing. `before`: the size
        of the group that was just answered, whose senders may come back within `gather_s`."""
        with self._wake:
            if before > 1:
                self._enough = min(self._count + before, self._group_deliveries)
                self._wake.wait_for(lambda: self._count >= self._enough or self._closing, gather_s)
                self._enough = 1
            self._wake.wait_for(lambda: self._count or self._closing)
            group: list[Incoming] = []
            events = 0
            while events < self._group_events and len(group) < self._group_deliveries:
                queues = [(c, q) for c, q in self._waiting.items() if q]
                if not queues:
                    break
                for connection, queue in queues:
                    incoming = queue.popleft()
                    self._bytes[connection] -= len(incoming.delivery.body)
                    events += max(1, len(incoming.events))
                    group.append(incoming)
            self._count -= len(group)
            return group

    def _run(self) -> None:
        group = self._take()
        while group:
            began = time.monotonic()
            self._settle(group)
            group = self._take(len(group), min(GATHER_S, time.monotonic() - began))

    def _settle(self, group: Sequence[Incoming]) -> None:
        """Commit the group; when it fails, each delivery alone, so that one takes only itself down."""
        error = self._try(group)
        if error is None or isinstance(error, WeftError):
            for incoming in group:
                incoming.done(error)
        elif len(group) > 1:
            for incoming in group:
                self._settle([incoming])
        else:
            group[0].done(self._keep(group[0], error))

    def _try(self, group: Sequence[Incoming]) -> Exception | None:
        """None: committed. A WeftError is the database's refusal; anything else is a bug that one message brought out."""
        try:
            self._commit(group)
        except WeftError as error:
            return error
        except Exception as error:
            log.exception("inbox.commit_failed", message_ids=[str(i.id) for i in group][:20])
            return error
        return None

    def _keep(self, incoming: Incoming, error: Exception) -> WeftError | None:
        try:
            self._bury(incoming, error)
        except WeftError as refused:
            return refused
        except Exception as second:
            log.exception("inbox.bury_failed", message_id=str(incoming.id))
            return Unavailable(f"The message could not be stored ({type(second).__name__}).")
        return None
