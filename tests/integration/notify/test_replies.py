"""What people do from the link of a message: looking does nothing, a form acts once, as the person, within his rights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import core_tickets
from connectors.wecom.sandbox import Sandbox
from gateway import clock
from gateway.notify import links
from gateway.stuck import asking
from id_registry import format_id
from tests.integration.gateway.in_process import House
from tests.integration.gateway.over_http import Api, open_api
from tests.integration.notify.conftest import Staffed
from tests.integration.notify.staff import STAFF, hire, open_ticket, reachable, told, work


@dataclass
class Told:
    """A house in which li.na was told of a P0 over WeCom."""

    api: Api
    house: House
    ticket: core_tickets.Ticket
    path: str
    sandbox: Sandbox

    def form(self, what: str, **more: str) -> Any:
        """Send one of the page's forms as it is shown now."""
        page = self.api.client.get(self.path).text
        once = re.search(f"name=what value={what}><input type=hidden name=once value=([0-9a-f]+)", page)
        given = {"what": what, "once": once[1] if once else "x", **more}
        return self.api.client.post(self.path, data=given)

    def now(self) -> core_tickets.Ticket:
        with self.house.gateway.reading() as conn:
            return core_tickets.get(conn, self.ticket.id)

    def entries(self) -> list[core_tickets.Entry]:
        with self.house.gateway.reading() as conn:
            return core_tickets.timeline(conn, self.ticket.id, limit=500)


def path_in(text: str) -> str:
    """Where the link of a message leads."""
    found = re.search(r"https://hub\.test(/r/[\w-]+)", text)
    assert found
    return found[1]


@pytest.fixture
def link(staffed: Staffed, wecom: Any) -> Iterator[Told]:
    sandbox, connection = wecom
    house = staffed(connection, start=False)
    with open_api(house) as api:
        hire(house)
        reachable(house)
        ticket = open_ticket(house, 0)
        house.clock.forward(5)
        work(house)
        text = next(m.text for m in sandbox.messages if m.to == ("zhangsan",))
        yield Told(api, house, ticket, path_in(text), sandbox)


def test_looking_at_it_shows_the_ticket_and_does_nothing(link: Told) -> None:
    before = len(link.entries())
    for method in ("GET", "GET"):
        page = link.api.client.request(method, link.path)
        assert page.status_code == 200
        assert "压机过热" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert (len(link.entries()), link.now().assignee) == (before, None)


def test_taking_it_makes_it_the_readers_and_begins_it(link: Told) -> None:
    assert link.form("claim").status_code == 200
    ticket = link.now()
    assert (ticket.assignee, ticket.status) == ("li.na", "in_progress")
    assert [e.actor for e in link.entries() if e.name == "claim"] == ["li.na"]
    (row,) = told(link.house, channel="wecom-app", person="li.na")
    assert (row.answer, row.answered_at is not None) == ("claim", True)


def test_a_comment_is_the_persons_and_sent_twice_it_stands_once(link: Told) -> None:
    page = link.api.client.get(link.path).text
    once = re.findall(r"name=what value=comment><input type=hidden name=once value=([0-9a-f]+)", page)[0]
    for _ in range(2):
        link.api.client.post(link.path, data={"what": "comment", "once": once, "text": "在路上 <b>"})
    said = [e for e in link.entries() if e.name == "comment"]
    assert [(e.actor, e.data["text"]) for e in said] == [("li.na", "在路上 <b>")]
    assert "在路上 &lt;b&gt;" in link.api.client.get(link.path).text


def test_who_is_named_in_a_comment_by_link_is_told_what_was_said_by_whom(link: Told) -> None:
    link.sandbox.messages.clear()
    assert link.form("comment", text="@wang.wei 请带上 6205 轴承").status_code == 200
    (said,) = [e for e in link.entries() if e.name == "comment"]
    assert (said.actor, said.data["mentioned"]) == ("li.na", ["wang.wei"])
    work(link.house)
    (message,) = [m for m in link.sandbox.messages if m.to == ("lisi",)]
    assert "li.na 在工单中提到了您" in message.text
    assert "请带上 6205 轴承" in message.text
    assert "https://hub.test/r/" in message.text
    assert not [m for m in link.sandbox.messages if m.to == ("zhangsan",)]


def test_the_answer_to_a_question_by_its_link_moves_the_ticket_once_however_often_it_is_sent(link: Told) -> None:
    link.form("claim")
    link.house.clock.forward(3700)
    asking.tick(link.house.gateway, link.house.gateway.hub, link.house.clock.now)
    link.sandbox.messages.clear()
    work(link.house)
    link.path = path_in(next(m.text for m in link.sandbox.messages if m.to == ("zhangsan",)))
    chosen = re.search(
        "value=answer><input type=hidden name=once value=([0-9a-f]+)><input type=hidden name=answer value=waiting_for_customer",
        link.api.client.get(link.path).text,
    )
    assert chosen
    given = {"what": "answer", "once": chosen[1], "answer": "waiting_for_customer"}
    for _ in range(2):
        assert link.api.client.post(link.path, data=given).status_code == 200
        link.house.clock.forward(60)
    ticket = link.now()
    assert (ticket.status, ticket.blocked_reason) == ("blocked", "waiting_for_customer")
    assert [e.actor for e in link.entries() if e.name == "block"] == ["li.na"]
    assert [e.data["answer"] for e in link.entries() if e.name == "answered"] == ["waiting_for_customer"]
    assert link.api.client.post(link.path, data={**given, "once": "another"}).status_code == 422
    (row,) = [r for r in told(link.house, channel="wecom-app", person="li.na") if r.answer != "claim" and r.answer]
    assert row.answer == "answer: waiting_for_customer"


def test_after_a_breach_the_attribution_sheet_has_the_message_that_was_sent_and_how_late_it_was_answered(
    link: Told,
) -> None:
    link.house.clock.forward(20 * 60)
    assert link.form("claim").status_code == 200
    sheet = link.api.ask("GET", f"/v1/tickets/{format_id(link.ticket.id)}/attribution").json()
    (late,) = [x for x in sheet["late"] if x["promise"] == "first_response"]
    assert (late["late_s"], late["holder"]) == (5 * 60 + 5, "group:field")
    (opened,) = [m for m in sheet["messages"] if m["reason"] == "opened"]
    of = {d["person"]: d for d in opened["deliveries"] if d["channel"] == "wecom-app"}
    assert (of["li.na"]["state"], of["li.na"]["answer"], of["li.na"]["answered_after_s"]) == (
        "delivered",
        "claim",
        1200,
    )
    assert of["li.na"]["sent_at"] < late["due"] < of["li.na"]["answered_at"]
    assert (of["wang.wei"]["state"], of["wang.wei"]["answer"]) == ("delivered", None)


@pytest.mark.parametrize("spoilt", ["x", "A" * 38, "", "é", "%00"])
def test_what_is_no_link_of_ours_shows_nothing(link: Told, spoilt: str) -> None:
    assert link.api.client.get(f"/r/{spoilt}").status_code == 404
    token = link.path.removeprefix("/r/")
    changed = token[:5] + ("A" if token[5] != "A" else "B") + token[6:]
    assert link.api.client.get(f"/r/{changed}").status_code == 404
    assert link.api.client.post(f"/r/{changed}", data={"what": "claim"}).status_code == 404
    assert link.now().assignee is None


def test_after_its_time_it_shows_nothing_and_does_nothing(link: Told) -> None:
    link.house.clock.forward(7 * 86_400 + 1)
    assert link.api.client.get(link.path).status_code == 410
    assert link.form("claim").status_code == 410
    assert link.now().assignee is None


def test_who_works_here_no_more_has_no_link_either(link: Told) -> None:
    hire(link.house, [{**STAFF[0], "active": False}, *STAFF[1:]])
    assert link.api.client.get(link.path).status_code == 403
    assert link.api.client.post(link.path, data={"what": "claim", "once": "1"}).status_code == 403
    assert link.now().assignee is None


def test_what_the_ticket_no_longer_allows_is_not_done(link: Told) -> None:
    link.form("claim")
    assert "I take it" not in link.api.client.get(link.path).text
    before = link.now()
    assert link.api.client.post(link.path, data={"what": "claim", "once": "again"}).status_code == 422
    assert link.now() == before


def test_what_its_reader_may_not_see_any_more_the_link_does_not_show(link: Told) -> None:
    link.house.act(link.ticket, "resolve", resolution="电话里解决")
    assert link.api.client.get(link.path).status_code == 404


def test_an_endless_or_odd_form_is_refused(link: Told) -> None:
    assert link.api.client.post(link.path, content=b"a=" + b"x" * 100_000).status_code == 413
    assert link.api.client.post(link.path, content=b"\xff\xfe=%00&&&").status_code == 422
    assert link.api.client.post(link.path, content=b"&".join(b"a=b" for _ in range(50))).status_code in (413, 422)


def test_a_links_signature_is_for_links_alone_and_survives_a_new_key(link: Told) -> None:
    vault = link.house.gateway.vault
    token = links.make(vault, 7, clock.now() + clock.DAY)
    assert links.read(vault, token, clock.now()) == 7
    assert not vault.signed(b"x", "other", vault.sign(b"x", "reply"))


def test_ones_own_inbox_over_http(link: Told) -> None:
    api = link.api
    mine = api.ask("GET", "/v1/notices?person=li.na").json()
    assert (mine["unread"], mine["items"][0]["reason"]) == (1, "opened")
    assert "压机过热" in mine["items"][0]["title"]
    assert api.ask("POST", f"/v1/notices/{mine['items'][0]['id']}/read").json()["read"]
    assert api.ask("GET", "/v1/notices?person=li.na&unread=true").json()["items"] == []
    assert api.ask("GET", "/v1/notices?person=nobody").status_code == 404
    assert api.ask("GET", "/v1/notices?person=li.na", "viewer").status_code == 403
