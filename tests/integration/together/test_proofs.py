"""Required inputs, files, and the customer's word, as the people in question."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from sqlalchemy import insert

import id_registry
from gateway import clock, tokens
from gateway.collaboration import attachments
from gateway.config import documents
from gateway.errors import BadConfiguration
from gateway.sync.tables import replica, replica_stream
from gateway.sync.values import dumped
from gateway.tokens import Role
from tests.integration.together.house import PNG, Floor

PROOFS = {
    "policy": "stages",
    "requires": [
        {"action": "resolve", "kinds": ["maintenance"], "needs": [{"attachment": "photo", "at_least": 2}, {"label": "machine"}]},
        {"action": "start", "kinds": ["maintenance"], "needs": [{"stock": "part", "quantity": "pieces"}]},
        {"action": "close", "kinds": ["maintenance"], "needs": ["signature", "score"]},
        {"action": "close", "kinds": ["incident"], "needs": ["cause"]},
    ],
}  # fmt: skip


@pytest.fixture
def proving(floor_with: Callable[..., Floor]) -> Floor:
    return floor_with(PROOFS)


def lacking(floor: Floor, ticket: str, action: str) -> list[str]:
    return [m["need"] for m in floor.shown(ticket)["required"].get(action, [])]


def test_a_refusal_says_what_is_missing_and_how_to_give_it(proving: Floor) -> None:
    ticket = proving.make(kind="maintenance")
    refused = proving.do("li.na", ticket, "resolve", 409, resolution="done")
    assert refused["title"] == "Something is missing"
    assert [e["path"] for e in refused["errors"]] == ["attachment:photo", "label:machine"]
    assert "label=photo" in refused["errors"][0]["hint"]
    assert lacking(proving, ticket, "resolve") == ["attachment:photo", "label:machine"]
    for name in ("before.png", "after.png"):
        proving.attach("wang.wu", ticket, PNG + name.encode(), name=name, label="photo")
    assert lacking(proving, ticket, "resolve") == ["label:machine"]
    other = proving.make(kind="maintenance", labels={"machine": "press-7"})
    for name in ("1.png", "2.png"):
        proving.attach("wang.wu", other, PNG + name.encode(), name=name, label="photo")
    assert lacking(proving, other, "resolve") == []
    proving.do("li.na", other, "resolve", resolution="done")


def test_a_cause_given_with_the_resolving_lets_an_incident_be_closed(proving: Floor) -> None:
    without, with_cause = proving.make(), proving.make()
    proving.do("li.na", without, "resolve", resolution="done")
    assert proving.do("li.na", without, "close", 409)["errors"][0]["path"] == "cause"
    proving.do("li.na", with_cause, "resolve", resolution="done", cause="wear")
    proving.do("li.na", with_cause, "close")


def test_work_begins_only_when_the_erp_has_the_part(proving: Floor) -> None:
    ticket = proving.make(kind="maintenance", labels={"part": "密封圈-7", "pieces": "3"})
    assert "no connected system knows it" in proving.do("li.na", ticket, "start", 409)["detail"]
    stock(proving, "密封圈-7", "WH1", Decimal("2"))
    assert "2 free" in proving.do("li.na", ticket, "start", 409)["detail"]
    stock(proving, "密封圈-7", "WH2", Decimal("1.5"))
    stock(proving, "密封圈-71", "WH2", Decimal("100"))
    assert lacking(proving, ticket, "start") == []
    proving.do("li.na", ticket, "start")


def stock(floor: Floor, item: str, warehouse: str, free: Decimal) -> None:
    """One level of an ERP's stock as a sync would have left it."""
    now, gateway = floor.house.clock.now, floor.house.gateway
    values = {"item": item, "warehouse": warehouse, "quantity": free + 10, "available": free}
    number = int(hashlib.sha256(f"{item}/{warehouse}".encode()).hexdigest()[:15], 16)
    with gateway.transaction() as conn:
        known = conn.execute(replica_stream.select()).first()
        stream = known.id if known else 1
        if known is None:
            conn.execute(insert(replica_stream).values(id=1, connection_id="erp", stream="stock", record="StockLevel",
                                                       mapping="m", rules="r", live=0))  # fmt: skip
        row = {"stream": stream, "id": number, "content": 1, "landing": 1, "read_at": now, "key": f"{item}/{warehouse}",
               "values": dumped("StockLevel", values).decode()}  # fmt: skip
        conn.execute(insert(replica).values(row))


def test_a_file_comes_back_as_it_was_and_only_to_be_saved(floor: Floor) -> None:
    ticket, body = floor.make(), PNG + os.urandom(3 << 20)
    made = floor.attach("li.na", ticket, body, name="..\\..\\现场 照片.png", label="photo")
    assert (made["name"], made["media_type"], made["size"]) == ("现场 照片.png", "image/png", len(body))
    assert made["sha256"] == hashlib.sha256(body).hexdigest()
    answer = floor.api.client.get(made["href"], headers=floor.header("wang.wu"))
    assert answer.content == body
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert [e["name"] for e in floor.shown(ticket)["timeline"]].count("attach") == 1


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        (b"MZ\x90\0" + b"\0" * 64, "application/x-msdownload"),
        (b"<svg onload=alert(1)>", "image/svg+xml"),
        (b"  <!DOCTYPE html><script>", "text/html"),
        (b"#!/bin/sh\nrm -rf /", "text/x-script"),
        (b"\0\1\2\3" * 9, "application/octet-stream"),
    ],
)
def test_what_a_machine_would_run_is_not_taken_whatever_its_name(floor: Floor, body: bytes, type_: str) -> None:
    refused = floor.attach("li.na", floor.make(), body, 422, name="photo.png")
    assert type_ in refused["errors"][0]["message"]
    assert not list(attachments.store_of(floor.house.gateway).folder.glob("*/*"))


def test_a_file_over_the_limit_is_refused_while_it_comes(floor_with: Callable[..., Floor]) -> None:
    floor = floor_with({"policy": "attachments", "max_megabytes": 1, "types": ["image/*"]})
    refused = floor.attach("li.na", floor.make(), PNG + b"\0" * 1_000_000, 413)
    assert "1000000 bytes" in refused["detail"]
    assert floor.attach("li.na", floor.make(), b"", 422)["detail"] == "The attachment is empty."


def test_the_same_contents_are_kept_once_and_orphans_are_swept(floor: Floor) -> None:
    a, b, gateway = floor.make(), floor.make(), floor.house.gateway
    first = floor.attach("li.na", a)
    assert floor.attach("li.na", a)["number"] == first["number"]
    second = floor.attach("li.na", b)
    file = attachments.store_of(gateway).path(first["sha256"])
    for ticket, made, held in ((a, first, True), (b, second, False)):
        floor.ask("li.na", "DELETE", f"/{ticket}/attachments/{made['number']}")
        old = floor.house.clock.now / clock.SECOND - 25 * 3600
        if file.exists():
            os.utime(file, (old, old))
        attachments.sweep(gateway, floor.house.clock.now)
        assert file.exists() == held
    assert floor.ask("li.na", "GET", f"/{a}/attachments/1", 404)["status"] == 404
    assert {"attach", "detach"} <= {e["name"] for e in floor.shown(a)["timeline"]}


def test_finished_is_what_the_customer_confirmed_and_both_times_are_kept(floor: Floor) -> None:
    ticket = floor.make(kind="complaint")
    floor.do("li.na", ticket, "resolve", resolution="换新")
    assert lacking(floor, ticket, "close") == ["any"]
    floor.house.clock.forward(3600)
    link = floor.ask("li.na", "POST", f"/{ticket}/confirmation-link", 201)
    client, path = floor.api.client, f"/v1/confirmations/{link['token']}"
    assert client.get(path).json()["may_answer"] is True
    answer = client.post(path, json={"score": 5, "text": "很好"})
    assert (answer.status_code, answer.json()["status"]) == (200, "closed")
    told = floor.shown(ticket)
    assert told["confirmed_at"] == floor.house.clock.text()
    assert told["resolved_at"] == floor.house.clock.text(-3600)
    (entry,) = [e for e in told["timeline"] if e["name"] == "confirm"]
    assert (entry["actor"], entry["data"]["score"]) == ("customer", 5)
    assert client.post(path, json={"score": 1}).status_code == 409


def test_a_customer_who_says_no_opens_it_again(floor: Floor) -> None:
    ticket = floor.make()
    floor.do("li.na", ticket, "resolve", resolution="x", cause="wear")
    token = floor.ask("li.na", "POST", f"/{ticket}/confirmation-link", 201)["token"]
    answer = floor.api.client.post(f"/v1/confirmations/{token}", json={"solved": False, "text": "还在漏"})
    assert answer.json() == {"ticket": ticket, "status": "in_progress", "confirmed_at": None}
    assert "还在漏" in [e["data"].get("text") for e in floor.shown(ticket)["timeline"]]


def test_what_the_customer_says_is_no_answer_of_ours(floor: Floor) -> None:
    house = floor.house
    house.tell(house.alert("a"))
    ticket = floor.ask("li.na", "GET", "")["items"][0]["id"]
    house.clock.forward(1)
    house.tell(house.alert("a", status="resolved"))  # nobody answered it
    token = floor.ask("li.na", "POST", f"/{ticket}/confirmation-link", 201)["token"]
    floor.api.client.post(f"/v1/confirmations/{token}", json={"solved": False, "text": "还在漏"})
    told = floor.shown(ticket)
    said = next(e for e in told["timeline"] if e["name"] == "comment")
    assert (told["status"], told["first_responded_at"], said["actor_kind"]) == ("in_progress", None, "customer")
    floor.do("li.na", ticket, "comment", text="马上来", public=True)
    assert floor.shown(ticket)["first_responded_at"] == house.clock.text()


def test_a_link_that_was_changed_or_is_too_old_does_nothing(floor: Floor) -> None:
    ticket = floor.make()
    token = floor.ask("li.na", "POST", f"/{ticket}/confirmation-link", 201, json={"lasts_s": 60})["token"]
    client = floor.api.client
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token + "=", "x", "é"):
        assert client.get(f"/v1/confirmations/{wrong}").status_code == 404
    floor.house.clock.forward(61)
    assert client.get(f"/v1/confirmations/{token}").status_code == 410


def test_a_signature_is_one_of_the_tickets_own_attachments(proving: Floor) -> None:
    ticket = proving.make(kind="maintenance", labels={"machine": "m"})
    for name in ("1.png", "2.png"):
        proving.attach("wang.wu", ticket, PNG + name.encode(), name=name, label="photo")
    proving.do("li.na", ticket, "resolve", resolution="done")
    assert "no attachment 9" in proving.do("zhao.liu", ticket, "confirm", 422, signature=9)["detail"]
    assert "Whoever resolved" in proving.do("li.na", ticket, "confirm", 403, score=5)["detail"]
    proving.do("zhao.liu", ticket, "confirm", score=4, text="电话确认 told by phone")
    assert lacking(proving, ticket, "close") == ["signature"]
    proving.attach("li.na", ticket, PNG + b"sign", name="sign.png", label="signature")
    proving.do("li.na", ticket, "close")


def test_a_customers_token_stands_for_the_customer(floor: Floor) -> None:
    gateway = floor.house.gateway
    with gateway.transaction() as conn:
        customer = id_registry.mint(conn, "customer", 1, floor.house.clock.now)[0]
        _, token = tokens.create(conn, name="acme", role=Role.agent, now=clock.now(), customer=customer)
    name = id_registry.format_id(customer)
    ticket = floor.make(customer=name)
    floor.do("li.na", ticket, "resolve", resolution="done", cause="wear")
    headers = {"Authorization": f"Bearer {token}"}
    answer = floor.api.client.post(f"/v1/tickets/{ticket}/confirm", json={"score": 5}, headers=headers)
    assert answer.status_code == 200, answer.text
    (entry,) = [e for e in floor.shown(ticket)["timeline"] if e["name"] == "confirm"]
    assert entry["actor"] == f"customer:{name}"


def test_what_the_page_tells_to_write_is_taken(floor: Floor) -> None:
    page = (Path(__file__).parents[3] / "docs" / "working-together.md").read_text("utf-8")
    written = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.S)]
    written += [yaml.safe_load(text) for text in re.findall(r"`(policies: \[.*?\])`", page)]
    assert len(written) == 2
    for document in written:
        floor.house.gateway.apply(documents.validate(document))


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ({"action": "close", "states": ["pending"], "needs": ["cause"]}, "never done in pending"),
        ({"action": "clsoe", "needs": ["cause"]}, "there is no 'clsoe'"),
        ({"action": "close", "kinds": ["incidents"], "needs": ["cause"]}, "there is no 'incidents'"),
        ({"action": "close", "needs": [{"label": "a", "field": "title"}]}, "exactly one"),
    ],
)
def test_a_stage_that_can_never_match_is_refused_when_it_is_saved(
    floor: Floor, stage: dict[str, object], said: str
) -> None:
    with pytest.raises(BadConfiguration, match=re.escape(said)):
        floor.house.gateway.apply(documents.validate({"policies": [{"policy": "stages", "requires": [stage]}]}))


def test_a_policy_that_names_nobody_is_refused_when_it_is_saved(floor: Floor) -> None:
    for policy in (
        {"policy": "stages", "nodes": [{"group": "nowhere", "within": "1h"}]},
        {"policy": "conduct", "tell": ["x.y"]},
        {"policy": "storms", "approvers": ["role:king"]},
        {"policy": "storms", "room": {"connection": "gone"}},
    ):
        with pytest.raises(BadConfiguration, match=r"nobody|there is no"):
            floor.house.gateway.apply(documents.validate({"policies": [policy]}))
