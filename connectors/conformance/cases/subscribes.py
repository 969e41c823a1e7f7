"""Subscribing: nothing acknowledged before it is stored, nothing lost when the line or the hub goes down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import orjson
import pytest

from connectors.conformance.case import Cases, case
from connectors.conformance.world import Break
from connectors.contract import Delivery
from connectors.errors import AuthProblem

subscribes = partial(case, needs="subscribes")
PATIENCE_S = 20.0


class Inbox:
    """A sink that keeps what it is offered. `full`: it refuses; `prompt`: it acknowledges at once."""

    def __init__(self, *, full: bool = False, prompt: bool = False) -> None:
        self.full = full
        self.prompt = prompt
        self._changed = threading.Condition()
        self._held: list[tuple[Delivery, Callable[[], None]]] = []
        self.refused = 0

    def offer(self, delivery: Delivery, acknowledge: Callable[[], None]) -> bool:
        with self._changed:
            if self.full:
                self.refused += 1
            else:
                self._held.append((delivery, acknowledge))
            self._changed.notify_all()
        if self.prompt and not self.full:
            acknowledge()
        return not self.full

    @property
    def bodies(self) -> list[bytes]:
        with self._changed:
            return [delivery.body for delivery, _ in self._held]

    @property
    def deliveries(self) -> list[Delivery]:
        with self._changed:
            return [delivery for delivery, _ in self._held]

    def acknowledge_all(self) -> None:
        with self._changed:
            held = list(self._held)
        for _, acknowledge in held:
            acknowledge()

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        """Until this is so; fails after a while."""
        with self._changed:
            assert self._changed.wait_for(reached, PATIENCE_S), f"waited {PATIENCE_S:.0f} s in vain: {what}"

    def wait_for(self, bodies: Sequence[bytes]) -> None:
        self.wait(lambda: set(bodies) <= {d.body for d, _ in self._held}, f"{len(bodies)} messages were published")


class SubscribeCases(Cases):
    @subscribes()
    def test_what_is_published_is_offered(self, world: Any) -> None:
        inbox = Inbox(prompt=True)
        with _subscribed(world, inbox):
            inbox.wait_for(world.publish(5))

    @subscribes()
    def test_what_is_offered_can_be_received(self, world: Any) -> None:
        inbox = Inbox(prompt=True)
        with _subscribed(world, inbox):
            inbox.wait_for(world.publish(3))
        for delivery in inbox.deliveries:
            assert world.connector().receive(delivery)
            assert delivery.received_at is not None, "a delivery must say when it came (received_at)"
            assert delivery.received_at.utcoffset() is not None, "received_at has no time zone"

    @subscribes()
    def test_what_was_not_acknowledged_comes_again(self, world: Any) -> None:
        first, second = Inbox(), Inbox(prompt=True)
        with _subscribed(world, first):
            sent = world.publish(3)
            first.wait_for(sent)
        with _subscribed(world, second):
            second.wait_for(sent)

    @subscribes()
    def test_what_was_acknowledged_does_not_come_again(self, world: Any) -> None:
        first, second = Inbox(), Inbox(prompt=True)
        with _subscribed(world, first):
            old = world.publish(3)
            first.wait_for(old)
            first.acknowledge_all()
            last = world.publish(1)
            first.wait_for(last)
            first.acknowledge_all()
        with _subscribed(world, second):
            new = world.publish(1)
            second.wait_for(new)
        again = set(second.bodies) & set(old)
        assert not again, f"{len(again)} acknowledged messages came again"

    @subscribes()
    def test_what_a_full_inbox_refuses_comes_later(self, world: Any) -> None:
        inbox = Inbox(full=True, prompt=True)
        running: list[Any] = []
        with _subscribed(world, inbox) as subscription:
            sent = world.publish(2)
            inbox.wait(lambda: inbox.refused > 0, "a message is offered to the full inbox")
            inbox.full = False
            running.append(subscription)
            _wait_or_renew(world, inbox, sent, running)

    @subscribes(breaks=["cut"])
    def test_a_cut_line_loses_nothing(self, world: Any) -> None:
        inbox = Inbox(prompt=True)
        with _subscribed(world, inbox) as subscription:
            inbox.wait_for(world.publish(2))
            world.break_next(Break("cut"))
            sent = world.publish(2)
            _wait_or_renew(world, inbox, sent, [subscription])

    @subscribes()
    def test_a_closed_subscription_is_quiet(self, world: Any) -> None:
        inbox = Inbox(prompt=True)
        with _subscribed(world, inbox) as subscription:
            assert subscription.alive(), "a new subscription is not alive"
            inbox.wait_for(world.publish(1))
            subscription.close()
            subscription.close()
            assert not subscription.alive(), "closed, yet alive"
            sent = world.publish(2)
        late = Inbox(prompt=True)
        with _subscribed(world, late):
            late.wait_for(sent)
        assert not set(inbox.bodies) & set(sent), "messages were offered after close()"

    @subscribes()
    def test_its_detail_is_readable_and_tells_no_secret(self, world: Any) -> None:
        with _subscribed(world, Inbox(prompt=True)) as subscription:
            text = orjson.dumps(dict(subscription.detail())).decode()
            assert not self.scrubber(world).leaks(text + repr(subscription))

    @subscribes(breaks=["auth"])
    def test_refused_credentials_stop_a_subscription(self, world: Any) -> None:
        world.break_next(Break("auth"))
        with pytest.raises(AuthProblem):
            world.connector().subscribe(Inbox())


@contextmanager
def _subscribed(world: Any, inbox: Inbox) -> Iterator[Any]:
    connector = world.connector()
    subscription = connector.subscribe(inbox)
    try:
        yield subscription
    finally:
        subscription.close()
        connector.close()


def _wait_or_renew(world: Any, inbox: Inbox, sent: Sequence[bytes], running: list[Any]) -> None:
    """What the runtime does: as long as messages are missing, open a new subscription whenever the old one is dead."""
    deadline = time.monotonic() + PATIENCE_S
    opened: list[Any] = []
    try:
        while not set(sent) <= set(inbox.bodies):
            assert time.monotonic() < deadline, f"{len(set(sent) - set(inbox.bodies))} messages never came"
            if not running[-1].alive():
                connector = world.connector()
                opened.append(connector)
                running.append(connector.subscribe(inbox))
            threading.Event().wait(0.02)
    finally:
        for subscription in running[1:]:
            subscription.close()
        for connector in opened:
            connector.close()
