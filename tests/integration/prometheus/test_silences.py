"""Silences made, extended and ended, at the real Alertmanager and at its stand-in."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx

from connectors.contract import Command, Outcome
from tests.integration.prometheus.conftest import AlertSource
from tests.real.prometheus import eventually

_tickets = (f"TKT-2026-{n:06}" for n in itertools.count(1))


def command(op: str, key: Mapping[str, object], **body: object) -> Command:
    return Command(str(uuid.uuid4()), op, key, body)


def test_a_silence_suppresses_its_alert_and_names_its_ticket(source: AlertSource, device: str) -> None:
    labels, ticket = {"alertname": "Noisy", "device": device}, next(_tickets)
    source.post(labels)

    receipt = source.connector.write(
        command("silence", {"labels": labels}, ticket=ticket, minutes=30, comment="备件在途")
    )

    silence = source.silences()[receipt.external_id]
    assert receipt.outcome is Outcome.applied
    assert silence["createdBy"] == "weft"
    assert silence["comment"].startswith(f"{ticket}: 备件在途 [weft {ticket} ")
    assert {m["name"]: m["value"] for m in silence["matchers"]} == labels
    assert timedelta(minutes=29) < datetime.fromisoformat(silence["endsAt"]) - datetime.now(UTC) < timedelta(minutes=31)
    suppressed = eventually(
        lambda: [r for r in source.read(device) if r["state"] == "suppressed"], "the alert is suppressed"
    )
    assert suppressed[0]["silencedBy"] == [receipt.external_id]


def test_the_same_command_again_makes_no_second_silence(source: AlertSource, device: str) -> None:
    asked = command("silence", {"labels": {"device": device}}, ticket=next(_tickets))

    first, second = source.connector.write(asked), source.connector.write(asked)

    assert (first.outcome, second.outcome) == (Outcome.applied, Outcome.duplicate)
    assert first.external_id == second.external_id
    assert sum(asked.idempotency_key in s["comment"] for s in source.silences().values()) == 1


def test_a_second_wish_for_the_same_alert_and_ticket_changes_the_first_silence(
    source: AlertSource, device: str
) -> None:
    key, ticket = {"labels": {"device": device}}, next(_tickets)
    first, second = (
        command("silence", key, ticket=ticket, minutes=10),
        command("silence", key, ticket=ticket, minutes=90),
    )

    made, changed = source.connector.write(first), source.connector.write(second)

    assert changed.external_id == made.external_id
    left = datetime.fromisoformat(source.silences()[made.external_id]["endsAt"]) - datetime.now(UTC)
    assert timedelta(minutes=88) < left < timedelta(minutes=91)
    for each in (first, second):
        confirmed = source.connector.confirm(each)
        assert confirmed is not None
        assert confirmed.external_id == made.external_id


def test_extending_keeps_the_silence_and_moves_its_end(source: AlertSource, device: str) -> None:
    ticket = next(_tickets)
    made = source.connector.write(command("silence", {"labels": {"device": device}}, ticket=ticket, minutes=5))
    before = source.silences()[made.external_id]

    extended = source.connector.write(command("extend_silence", {"ticket": ticket}, minutes=120))

    after = source.silences()[made.external_id]
    assert (extended.outcome, extended.external_id) == (Outcome.applied, made.external_id)
    assert after["startsAt"] == before["startsAt"]
    assert datetime.fromisoformat(after["endsAt"]) - datetime.now(UTC) > timedelta(minutes=118)


def test_ending_the_silences_of_a_ticket_lets_its_alerts_speak_again(source: AlertSource, device: str) -> None:
    labels, ticket = {"alertname": f"Quiet{device}", "device": device}, next(_tickets)
    made = source.connector.write(command("silence", {"labels": labels}, ticket=ticket))
    source.post(labels)
    eventually(lambda: [r for r in source.read(device) if r["state"] == "suppressed"], "the alert is suppressed")

    ended = source.connector.write(command("expire_silence", {"ticket": ticket}))

    assert (ended.outcome, ended.external_id) == (Outcome.applied, made.external_id)
    assert source.silences()[made.external_id]["status"]["state"] == "expired"
    assert source.pushed(device, "firing")["labels"] == labels


def test_ending_what_has_ended_is_a_success_and_changes_nothing(source: AlertSource, device: str) -> None:
    ticket = next(_tickets)
    source.connector.write(command("silence", {"labels": {"device": device}}, ticket=ticket))
    source.connector.write(command("expire_silence", {"ticket": ticket}))

    again = source.connector.write(command("expire_silence", {"ticket": ticket}))
    never = source.connector.write(command("expire_silence", {"ticket": next(_tickets)}))

    assert (again.outcome, never.outcome) == (Outcome.duplicate, Outcome.duplicate)


def test_silences_of_other_people_are_left_alone(source: AlertSource, device: str) -> None:
    ticket, now = next(_tickets), datetime.now(UTC)
    theirs = {
        "matchers": [{"name": "device", "value": device, "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "anna",
        "comment": f"see {ticket} [weft {ticket} {'0' * 32}]",
    }
    made = httpx.post(f"{source.url}/api/v2/silences", json=theirs, timeout=10).json()["silenceID"]

    by_ticket = source.connector.write(command("expire_silence", {"ticket": ticket}))
    by_id = source.connector.write(command("expire_silence", {"silence_id": made}))

    assert (by_ticket.outcome, by_id.outcome) == (Outcome.duplicate, Outcome.duplicate)
    assert source.silences()[made]["status"]["state"] == "active"


def test_what_a_ticket_can_do_is_told_before_it_is_tried(source: AlertSource, device: str) -> None:
    ticket, labels = next(_tickets), {"device": device}
    before = source.connector.probe({"ticket": ticket, "labels": labels})
    source.connector.write(command("silence", {"labels": labels}, ticket=ticket))
    after = source.connector.probe({"ticket": ticket, "labels": labels})

    assert before["silence"] == after["silence"] == ""
    assert "no silence" in before["expire_silence"]
    assert after["expire_silence"] == after["extend_silence"] == ""


def test_closing_an_alert_is_refused_with_what_to_do_instead(source: AlertSource) -> None:
    receipt = source.connector.write(command("close", {"fingerprint": "6bfbcff61e76a768"}))

    assert receipt.outcome is Outcome.rejected
    assert "cannot be closed" in receipt.reason
    assert "Silence it" in receipt.reason
