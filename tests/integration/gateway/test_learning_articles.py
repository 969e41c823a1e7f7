"""Articles learned from solved tickets: drafted, reviewed, found, and ranked by their effect; solutions by what worked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy import select

import core_tickets
import id_registry
from core_tickets import Ticket
from gateway import tables
from gateway.context import snapshot
from gateway.errors import NotFound, Refused
from gateway.learning import articles, deciding, effects, proposals, rounds, similar
from gateway.learning.proposals import Proposal
from gateway.search.feeding import Feeder
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.over_http import Api, open_api

DAY_S = 86_400
FIX = "更换 6205 轴承并重新加注润滑脂，联系明远机械王先生 13812345678"


def solved(
    house: House, key: str, title: str, resolution: str = FIX, after_s: int = 3600, cause: str = "wear"
) -> Ticket:
    """A ticket a person solved."""
    house.tell(house.alert(key, title=title, rule=f"rule-{key}"))
    ticket = house.tickets()[-1]
    house.act(ticket, "comment", text="先断电挂牌，再拆联轴器")
    house.clock.forward(after_s)
    house.act(ticket, "resolve", resolution=resolution, cause=cause)
    house.clock.forward(60)
    return ticket


def drafts(house: House) -> list[Proposal]:
    rounds.run(house.gateway, house.gateway.hub, house.clock.now)
    with house.gateway.reading() as conn:
        return sorted(proposals.listed(conn, ["article"], ["proposed"]).items, key=lambda p: p.id)


def accept(house: House, proposal: Proposal, **given: Any) -> Proposal:
    return deciding.accept(house.gateway, proposal.id, "ann", lambda _: True, given)


def feed(house: House) -> None:
    Feeder(house.gateway.search, house.gateway.settings.home).feed(house.gateway)


def ask(house: House) -> dict[str, Any]:
    """Ask every question that is due; the sections of the newest ticket."""
    with house.gateway.transaction() as conn:
        snapshot.expand(conn, house.gateway.hub, house.clock.now)
        claimed = snapshot.claim(conn, house.clock.now)
    for section in claimed:
        snapshot.ask(house.gateway, house.gateway.hub, section)
    newest, c = house.tickets()[-1].id, tables.context_section.c
    with house.gateway.reading() as conn:
        rows = conn.execute(select(c.name, c["values"]).where(c.ticket_id == newest, c.status == "ok"))
        return {name: orjson.loads(values) for name, values in rows}


def test_a_solved_ticket_becomes_a_draft_without_names_and_numbers(house: House) -> None:
    solved(house, "a", "3 号泵轴承过热")
    (found,) = drafts(house)
    told = found.evidence["body"]
    assert "更换 6205 轴承" in told
    assert "1. 先断电挂牌，再拆联轴器" in told
    assert "13812345678" not in told
    assert "王先生" not in told
    assert found.evidence["removed"] == {"person": 1, "phone": 1}


def test_nothing_is_found_by_search_before_a_person_accepted_it(house: House) -> None:
    solved(house, "a", "3 号泵轴承过热")
    (found,) = drafts(house)
    feed(house)
    assert similar.articles(house.gateway, "泵轴承过热", 5) == ([], 0)
    accept(house, found, title="泵轴承过热的处理")
    feed(house)
    (shown,), _ = similar.articles(house.gateway, "泵轴承过热", 5)
    assert (shown["connection"], shown["id"], shown["title"]) == ("hub", found.subject, "泵轴承过热的处理")


def test_an_accepted_article_comes_with_the_next_ticket_like_it(house: House) -> None:
    solved(house, "a", "3 号泵轴承过热")
    accept(house, drafts(house)[0])
    feed(house)
    house.tell(house.alert("b", title="9 号泵轴承过热", rule="b"))
    (shown,) = ask(house)["similar_articles"]["articles"]
    assert shown["url"].endswith(f"/v1/learning/articles/{shown['id']}")


def test_a_withdrawn_article_is_found_no_more_and_may_come_back(house: House) -> None:
    solved(house, "a", "3 号泵轴承过热")
    (found,) = drafts(house)
    accept(house, found)
    for active, n in ((False, 0), (True, 1)):
        house.clock.forward(1)
        with house.gateway.transaction() as conn:
            articles.withdraw(conn, found.subject, house.clock.now, active=active)
        feed(house)
        assert len(similar.articles(house.gateway, "泵轴承过热", 5)[0]) == n


def test_what_an_article_tells_already_is_not_proposed_again(house: House) -> None:
    solved(house, "a", "3 号泵轴承过热")
    solved(house, "b", "4 号泵轴承过热")
    assert len(drafts(house)) == 1
    accept(house, drafts(house)[0])
    feed(house)
    solved(house, "c", "5 号泵轴承过热")
    assert drafts(house) == []


def test_a_ticket_that_recovered_by_itself_or_says_nothing_teaches_nothing(house: House) -> None:
    solved(house, "a", "网络抖动", cause="recovered")
    solved(house, "b", "磁盘已满", resolution="已处理")
    assert drafts(house) == []


def test_a_draft_of_a_ticket_that_was_opened_again_is_taken_down(house: House) -> None:
    ticket = solved(house, "a", "3 号泵轴承过热")
    assert len(drafts(house)) == 1
    house.act(ticket, "reopen")
    assert drafts(house) == []


def test_an_article_without_text_is_refused_and_stays_proposed(house: House) -> None:
    solved(house, "a", "3 号泵轴承过热")
    (found,) = drafts(house)
    with pytest.raises(Refused) as refused:
        accept(house, found, body="  ")
    assert refused.value.problems[0].path == "body"
    assert drafts(house) == [found]


def test_what_held_stands_before_what_did_not(house: House) -> None:
    bad = solved(house, "bad", "泵轴承过热报警", "重启设备，观察运行情况")
    house.clock.forward(2 * DAY_S)
    house.tell(house.alert("bad", "resolved"))
    house.act(house.tickets()[-1], "close")
    house.clock.forward(2 * DAY_S)
    house.tell(house.alert("bad", title="泵轴承过热报警", episode="2", rule="rule-bad"))
    again = house.tickets()[-1]
    assert again.id != bad.id
    house.act(again, "resolve", resolution="更换轴承", cause="wear")
    house.clock.forward(60 * DAY_S)
    feed(house)
    found = similar.solved(house.gateway, "泵轴承过热报警", "", 5)
    assert found is not None
    first, second = found["tickets"]
    assert (first["id"], second["id"]) == (id_registry.format_id(again.id), id_registry.format_id(bad.id))
    assert "held" in {why["name"] for why in first["why"]}
    assert "reopened" in {why["name"] for why in second["why"]}
    (cause,) = found["causes"]
    assert (cause["cause"], cause["tickets"], cause["held"]) == ("wear", 2, 1)


def test_nothing_similar_is_told_as_nothing(house: House) -> None:
    feed(house)
    assert similar.solved(house.gateway, "泵轴承过热报警", "", 5) is None


def test_an_articles_effect_is_learned_from_the_tickets_it_was_shown_to(house: House) -> None:
    solved(house, "a", "3 号泵轴承过热", after_s=7200)
    (found,) = drafts(house)
    accept(house, found)
    feed(house)
    house.tell(house.alert("b", title="9 号泵轴承过热", rule="b"))
    ask(house)
    house.clock.forward(600)
    helped = house.tickets()[-1]
    house.act(helped, "resolve", resolution="照文章更换了轴承，恢复正常", cause="wear")
    name = f"hub/{found.subject}"
    house.gateway.transact(lambda c: effects.mark_used(c, name, helped.id, house.clock.now))
    house.clock.forward(2 * DAY_S)
    drafts(house)
    with house.gateway.reading() as conn:
        learned = effects.known(conn)[name]
    assert (learned.shown, learned.used, learned.worked) == (1, 1, 1)
    (shown,), _ = similar.articles(house.gateway, "泵轴承过热", 5)
    assert shown["effect"]["used"] == 1


def test_of_two_articles_alike_the_one_that_helped_stands_before_the_one_that_did_not(house: House) -> None:
    """Both tell the same of as long; which is the better one only the tickets say."""
    names = {}
    for key, title, fix in (("a", "泵轴承过热润滑脂干涸结块", "更换 6205 轴承并重新加注润滑脂"),
                            ("b", "泵轴承过热联轴器对中偏差", "调整联轴器对中并紧固地脚螺栓，复测振动合格")):  # fmt: skip
        solved(house, key, title, fix, after_s=7200)
        found = drafts(house)[-1]
        accept(house, found)
        names[key] = f"hub/{found.subject}"
    feed(house)

    def order() -> list[str]:
        shown, _ = similar.articles(house.gateway, "泵轴承过热", 5)
        return [f"hub/{one['id']}" for one in shown]

    first, second = order()
    for n in range(4):  # what stood behind helps, what stood before does not
        for article, hours in ((second, 1), (first, 30)):
            house.tell(house.alert(f"{article}{n}", title=f"风机皮带断裂 {article} {n}", rule=f"{article}{n}"))
            ticket = house.tickets()[-1]
            house.clock.forward(hours * 3600)
            house.act(ticket, "resolve", resolution="照文章处理，恢复正常", cause="wear")
            with house.gateway.transaction() as conn:
                effects.mark_used(conn, article, ticket.id, house.clock.now)
    house.clock.forward(31 * DAY_S)
    drafts(house)
    with house.gateway.reading() as conn:
        learned = effects.known(conn)
    assert learned[second].score > 0.5 > learned[first].score
    assert order() == [second, first]


def test_an_article_nobody_knows_cannot_be_used(house: House) -> None:
    ticket = solved(house, "a", "3 号泵轴承过热")
    with pytest.raises(NotFound), house.gateway.transaction() as conn:
        effects.mark_used(conn, "hub/TKT-2020-000001", ticket.id, house.clock.now)
    with pytest.raises(core_tickets.UnknownTicket), house.gateway.transaction() as conn:
        effects.mark_used(conn, "hub/TKT-2020-000001", 22_020_000_000_001, house.clock.now)


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(start=False)) as opened:
        yield opened


def test_over_http_a_reviewer_edits_accepts_reads_and_withdraws(api: Api) -> None:
    solved(api.house, "a", "3 号泵轴承过热")
    (found,) = drafts(api.house)
    edited = {"title": "泵轴承过热", "body": "## 处理\n\n更换轴承\n"}
    done = api.ask("POST", f"/v1/proposals/{found.id}/accept", "agent", json=edited).json()
    assert done["effect"] == {"article": f"hub/{found.subject}", "edited": ["body", "title"]}
    path = f"/v1/learning/articles/{found.subject}"
    shown = api.ask("GET", path, "viewer").json()
    assert (shown["title"], shown["body"], shown["active"]) == ("泵轴承过热", "## 处理\n\n更换轴承\n", True)
    used = {"ticket": found.subject, "article": f"hub/{found.subject}"}
    assert api.ask("POST", "/v1/learning/articles/used", "agent", json=used).status_code == 200
    assert api.ask("POST", path, "admin", json={"active": False}).json()["active"] is False
    assert [a["id"] for a in api.ask("GET", "/v1/learning/articles").json()["items"]] == [found.subject]
    assert api.ask("GET", "/v1/learning/articles/TKT-2020-000009").status_code == 404
    assert api.ask("GET", "/v1/learning/articles?cursor=what").status_code == 404


def test_medians_make_a_slow_solution_known_as_slow(house: House) -> None:
    for n in range(4):
        solved(house, f"n{n}", f"{'甲乙丙丁'[n]}线扫码枪掉线", "更换扫码枪数据线并重新配对设备", after_s=3600)
    slow = solved(house, "s", "戊线扫码枪掉线", "更换整个扫码枪并重新配对设备", after_s=DAY_S)
    house.clock.forward(31 * DAY_S)
    drafts(house)
    feed(house)
    found = similar.solved(house.gateway, "己线扫码枪掉线", "", 5)
    assert found is not None
    last = found["tickets"][-1]
    assert last["id"] == id_registry.format_id(slow.id)
    assert "slow" in {why["name"] for why in last["why"]}
