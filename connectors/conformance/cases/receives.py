"""Receiving: pure, honest about who sent it, the same every time, and unbreakable by what comes in."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from connectors.conformance.case import Cases, abilities, case
from connectors.conformance.offline import no_network
from connectors.conformance.values import faults_of, texts_of
from connectors.contract import Delivery, Event
from connectors.errors import AuthProblem, BadRecord

receives = partial(case, needs="receives")

JUNK = {
    "nothing at all": b"",
    "no JSON": b"\x00\x01\x02 hello",
    "a truncated document": b'{"alerts": [{"labels": {"a": "b"',
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "a bare number": b"17",
    "null": b"null",
    "an empty list": b"[]",
    "a list where an object belongs": b'["a", {"b": 1}]',
    "wrong types everywhere": b'{"alerts": 5, "events": "x", "id": {}, "eventid": [], "time": {"a": []}, "value": []}',
    "an HTML page": b"<html><body>login</body></html>",
    "nesting without end": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "a number without end": b'{"value": ' + b"9" * 5000 + b"}",
}
STORED_HEADERS = frozenset({"content-type", "content-encoding", "user-agent", "x-request-id", "webhook-id"})
"""What the hub keeps of a delivery's headers, beside `weft-…`; the others may hold a credential."""


class ReceiveCases(Cases):
    @receives()
    def test_every_genuine_delivery_becomes_events(self, world: Any) -> None:
        deliveries = world.deliveries()
        assert len(deliveries) >= 3, "give at least three different deliveries"
        for delivery in deliveries:
            assert world.connector().receive(delivery), f"no event from {_shown(delivery)}"

    @receives()
    def test_events_say_what_they_are(self, world: Any) -> None:
        for event in _events(world):
            assert isinstance(event, Event), f"{event!r} is no Event"
            assert isinstance(event.id, str), f"the id {event.id!r} is no text"
            assert 0 < len(event.id) <= 200, f"the id {event.id!r} must have 1 to 200 characters"
            assert re.fullmatch(r"[a-z][a-z0-9_.]*", event.stream), f"stream {event.stream!r}: lower case, digits, _"
            assert event.op in ("upsert", "delete")

    @receives()
    def test_received_values_are_exact_and_times_have_zones(self, world: Any) -> None:
        faults = [fault for event in _events(world) for fault in faults_of(event.record, event.stream)]
        assert not faults, "\n".join(faults)

    @receives()
    def test_the_same_delivery_gives_the_same_events_every_time(self, world: Any) -> None:
        for delivery in world.deliveries():
            first, again = world.connector().receive(delivery), world.connector().receive(delivery)
            assert [event.id for event in first] == [event.id for event in again], "a repeat has other ids"
            assert list(first) == list(again), "a repeat gives other events; take times from received_at, not the clock"

    @receives()
    def test_events_do_not_depend_on_what_came_before(self, world: Any) -> None:
        one = world.connector()
        deliveries = list(world.deliveries())
        forward = [list(one.receive(delivery)) for delivery in deliveries]
        backward = [list(one.receive(delivery)) for delivery in reversed(deliveries)]
        assert forward == backward[::-1]

    @receives()
    def test_different_messages_have_different_ids(self, world: Any) -> None:
        ids = [event.id for event in _events(world)]
        assert len(ids) == len(set(ids)), f"two events share an id: {sorted(i for i in ids if ids.count(i) > 1)}"

    @receives()
    def test_receiving_from_several_threads_gives_the_same_events(self, world: Any) -> None:
        one, deliveries = world.connector(), list(world.deliveries()) * 8
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda delivery: list(one.receive(delivery)), deliveries))
        assert together == [list(world.connector().receive(delivery)) for delivery in deliveries]

    @receives()
    def test_receiving_needs_no_network(self, world: Any) -> None:
        connector, deliveries, calls = world.connector(), list(world.deliveries()), world.calls
        with no_network():
            for delivery in deliveries:
                connector.receive(delivery)
        assert world.calls == calls, "receive() called the remote system; it must be pure"

    @receives()
    def test_a_forged_delivery_is_refused(self, world: Any) -> None:
        forged = world.forged()
        assert forged or "subscribes" in abilities(self.world_type.connector_type), "forged() gives nothing"
        for delivery in forged:
            assert _refused(world, delivery), f"a forged delivery was accepted: {_shown(delivery)}"

    @receives()
    def test_who_sent_it_is_checked_before_what_it_says(self, world: Any) -> None:
        for delivery in world.forged():
            assert _refused(world, replace(delivery, body=b'{"cut off')), "an unsigned junk body must be an AuthProblem"

    @receives()
    def test_what_the_hub_has_verified_before_is_not_verified_again(self, world: Any) -> None:
        for delivery in world.deliveries():
            kept = {
                name: value
                for name, value in delivery.headers.items()
                if name in STORED_HEADERS or name.startswith("weft-")
            }
            stored = replace(delivery, headers=kept, path_token="", verified=True)
            assert world.connector().receive(stored) == world.connector().receive(delivery), "a replay differs"

    @receives()
    def test_odd_characters_in_a_header_are_a_forgery_like_any_other(self, world: Any) -> None:
        for delivery in world.forged():
            odd = {name: value + "ü中" for name, value in world.deliveries()[0].headers.items()}
            forged = replace(delivery, headers=odd, path_token="ü中")  # noqa: S106 - no secret, a forgery
            assert _refused(world, forged), "an odd proof was accepted"

    @receives()
    def test_junk_is_a_bad_record_and_nothing_else(self, world: Any) -> None:
        connector = world.connector()
        readable: frozenset[str] = getattr(world, "readable", frozenset())
        for kind, body in JUNK.items():
            if kind in readable:
                continue
            with pytest.raises(BadRecord) as refusal:
                _fail_unless_refused(connector.receive(world.sent(body)), kind)
            assert str(refusal.value), f"{kind}: the refusal does not say why"

    @receives()
    def test_a_damaged_message_never_breaks_the_connector(self, world: Any) -> None:
        connector, dice = world.connector(), random.Random(7)
        for delivery in world.deliveries():
            for body in _damaged(delivery.body, dice):
                try:
                    events = connector.receive(replace(world.sent(body), topic=delivery.topic))
                except (BadRecord, AuthProblem):
                    continue
                faults = [fault for event in events for fault in faults_of(event.record, event.stream)]
                assert not faults, f"{body[:200]!r}: {faults}"

    @receives()
    def test_no_event_holds_a_secret(self, world: Any) -> None:
        scrubber = self.scrubber(world)
        for event in _events(world):
            leaked = [t for t in texts_of([event.record, event.id, event.key]) if scrubber.leaks(t)]
            assert not leaked, f"an event of stream {event.stream} holds a secret"

    @receives("silver")
    def test_every_event_names_its_object(self, world: Any) -> None:
        for event in _events(world):
            assert event.key, f"an event of stream {event.stream} has no key: what object is it about?"


def _events(world: Any) -> list[Event]:
    connector = world.connector()
    return [event for delivery in world.deliveries() for event in connector.receive(delivery)]


def _fail_unless_refused(events: Sequence[Event], kind: str) -> None:
    raise AssertionError(f"{kind} was taken as {len(events)} events; raise BadRecord")


def _refused(world: Any, delivery: Delivery) -> bool:
    try:
        world.connector().receive(delivery)
    except AuthProblem:
        return True
    except BadRecord:
        pass
    return False


def _damaged(body: bytes, dice: random.Random) -> list[bytes]:
    """The body cut short, with bytes flipped, and with values swapped for other JSON types."""
    found = [body[: dice.randrange(len(body) or 1)] for _ in range(10)]
    for _ in range(20):
        bytes_ = bytearray(body or b"x")
        bytes_[dice.randrange(len(bytes_))] = dice.randrange(256)
        found.append(bytes(bytes_))
    values = list(re.finditer(rb'(?<=[:\[,])\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null)(?=\s*[,}\]])', body))
    for match in dice.sample(values, min(20, len(values))):
        for other in (b"null", b"[]", b'"x"', b"{}", b"1e999", b'"1e999999"', b'"NaN"', b"true"):
            found.append(body[: match.start(1)] + other + body[match.end(1) :])
    return found


def _shown(delivery: Delivery) -> str:
    return f"{delivery.topic} {delivery.body[:120]!r}".strip()
