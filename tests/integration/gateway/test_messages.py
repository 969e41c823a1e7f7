"""What becomes of messages that are wrong in part."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from connectors.contract import Delivery
from connectors.mqtt.packing import pack
from connectors.mqtt.subscription import ARRIVAL
from gateway import clock, tables
from gateway.config import documents
from gateway.usecases import dead, explaining, tracing
from lineage import Verdict
from tests.integration.gateway.in_process import Build, House


def test_a_record_that_cannot_be_kept_takes_only_itself_to_the_dead_letters(house: House) -> None:
    house.tell(
        house.alert("good-1"),
        house.alert("nul", title="a\0b"),
        house.alert("nul\0key"),
        house.alert("long-device", device="d" * 600),
        house.alert("x" * 600),
        house.alert("labels", labels={"": "x"}),
        house.alert("good-2", device="d" * 512),
    )
    assert {t.title for t in house.tickets()} == {"alert good-1", "alert good-2"}
    assert house.ends() == {"ticketed": 2, "dead": 5}
    with house.gateway.reading() as conn:
        told = {d.path: d.reason for d in dead.listed(conn)}
    assert {"title", "key", "device", "fingerprint"} <= told.keys()
    house.verify()


def test_a_rule_whose_template_fails_on_a_record_loses_that_record_to_the_dead_letters_and_no_other(
    build: Build,
) -> None:
    template = {"kind": "'incident'", "priority": "'P2'", "title": {"expr": "labels.title", "on_error": "dead_letter"}}
    house = build({"rules": [{"id": "mine", "on": "Alert", "ticket": template}]})
    house.tell(house.alert("a"), house.alert("b", labels={"title": "named"}))
    assert [t.title for t in house.tickets()] == ["named"]
    assert house.ends() == {"ticketed": 1, "dead": 1}


def test_what_became_a_dead_letter_does_not_silence_the_alert_that_comes_next(build: Build) -> None:
    template = {"kind": "'incident'", "priority": "'P2'", "title": {"expr": "labels.title", "on_error": "dead_letter"}}
    house = build({"rules": [{"id": "mine", "on": "Alert", "ticket": template}]})
    house.tell(house.alert("a"))
    house.tell(house.alert("a", labels={"title": "now it has one"}))
    assert [t.title for t in house.tickets()] == ["now it has one"]


def test_a_sender_with_endless_ids_is_taken_all_the_same(house: House) -> None:
    for _ in range(2):
        house.tell(house.alert("a", id="i" * 100_000))
    assert house.ends() == {"ticketed": 1, "merged": 1}


def test_what_no_mapping_takes_may_come_again(house: House) -> None:
    for _ in range(2):
        house.tell({"stream": "unheard-of", "key": "a", "id": "1"}, {"stream": "unheard-of", "key": "a", "id": "1"})
    assert house.ends() == {"suppressed": 1, "merged": 3}


def test_a_message_twice_in_one_delivery_counts_as_an_occurrence_and_belongs_to_the_ticket(house: House) -> None:
    incoming = house.tell(house.alert("a", id="1"), house.alert("a", id="1"))
    (ticket,) = house.tickets()
    assert ticket.occurrences == 2
    with house.gateway.reading() as conn:
        told = explaining.message_status(conn, incoming.id)
    assert told is not None
    first, again = told["events"]
    assert (again["end"], again["rule"], again["repeat_of"]) == ("merged", "repeat", first["id"])
    assert again["ticket"] == first["ticket"]


def test_a_rule_whose_fingerprint_cannot_be_computed_for_a_record_takes_only_that_record(build: Build) -> None:
    rule = {"id": "mine", "on": "Alert", "ticket": {"kind": "'incident'", "priority": "'P2'", "title": "title"}}
    house = build({"rules": [rule | {"fingerprint": "text(num(labels.n))"}]})
    house.tell(house.alert("a", labels={"n": "7"}), house.alert("b", labels={"n": "seven"}))
    assert house.ends() == {"ticketed": 1, "dead": 1}
    with house.gateway.reading() as conn:
        (letter,) = dead.listed(conn)
    assert letter.path == "fingerprint"
    assert "seven" in letter.reason


def plant(format: str) -> dict[str, Any]:
    topics = [{"topic": "dt/{device}/{metric}", "format": format}]
    return {"id": "plant", "connector": "mqtt", "config": {"url": "mqtt://127.0.0.1", "topics": topics}}


def five(house: House) -> Delivery:
    """Five messages in one delivery; as plain numbers, two of them cannot be read."""
    bodies = [b"20", b'{"a": 21, "b": 22}', b"23", b'{"value": 24}', b"25"]
    at = clock.to_datetime(house.clock.now)
    return pack([Delivery(b, {ARRIVAL: f"a-{n}"}, f"dt/p{n}/heat", received_at=at) for n, b in enumerate(bodies)])


def test_of_messages_that_came_as_one_delivery_each_has_its_own_end(build: Build) -> None:
    house = build({"connections": [plant("number")]})
    for _ in range(2):  # as a broker does that heard no acknowledgement
        house.gateway.run_in_inbox(house.gateway.hub.connection("plant"), five(house))
    assert house.ends() == {"suppressed": 3, "merged": 3, "dead": 4}


def test_a_replayed_message_of_a_packed_delivery_moves_no_other(build: Build) -> None:
    house = build({"connections": [plant("number")]})
    house.gateway.run_in_inbox(house.gateway.hub.connection("plant"), five(house))
    house.gateway.apply(documents.validate({"connections": [plant("json")]}))
    with house.gateway.reading() as conn:
        later, earlier = dead.listed(conn)
    assert later.reason.startswith("dt/p3/heat: ")

    assert dead.replay(house.gateway, earlier.message_id) == "suppressed"  # it tells two readings now
    assert dead.replay(house.gateway, later.message_id) == "suppressed"

    assert house.ends() == {"suppressed": 6}
    with house.gateway.reading() as conn:
        twins = {(r.metric, r.value) for r in conn.execute(select(tables.twin))}
    assert twins == {("heat", "20"), ("heat.a", "21"), ("heat.b", "22"), ("heat", "23"), ("heat", "24"), ("heat", "25")}


def test_labels_without_entries_are_what_a_ticket_without_labels_was_made_of(house: House) -> None:
    house.tell(house.alert("a", labels={}))
    (ticket,) = house.tickets()
    with house.gateway.reading() as conn:
        assert tracing.drill(conn, ticket.id, "labels").verdict is Verdict.EQUAL
    house.verify()
