"""What the hub proposes, and what comes of a decision: clean-up and promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy import insert

import core_tickets
from core_tickets import Ticket
from core_tickets.tables import ticket as ticket_table
from gateway import clock
from gateway.errors import Conflict, Forbidden, NotFound, Refused
from gateway.learning import deciding, proposals, rounds
from gateway.learning.proposals import Proposal
from gateway.policies import promises
from gateway.tokens import Right
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.over_http import Api, open_api

DAY_S = 86_400


def look(house: House) -> list[Proposal]:
    """One round; what stands up for decision, the eldest first."""
    rounds.run(house.gateway, house.gateway.hub, house.clock.now)
    return standing(house)


def standing(house: House, state: str = "proposed") -> list[Proposal]:
    with house.gateway.reading() as conn:
        return sorted(proposals.listed(conn, None, [state]).items, key=lambda p: p.id)


def accept(house: House, proposal: Proposal, **given: Any) -> Proposal:
    return deciding.accept(house.gateway, proposal.id, "ann", lambda _: True, given)


def reject(house: House, proposal: Proposal) -> Proposal:
    return deciding.reject(house.gateway, proposal.id, "ann", lambda _: True, "not so")


def idle_ticket(house: House, days: int = 50) -> Ticket:
    """A ticket whose source said that it is over; somebody opened it again, and nobody came back to it."""
    house.tell(house.alert("a", severity="warning"))
    house.tell(house.alert("a", "resolved", severity="warning"))
    house.act(house.tickets()[0], "reopen")
    house.clock.forward(days * DAY_S)
    return house.tickets()[0]


def test_a_ticket_nobody_will_finish_is_proposed_to_be_closed_with_its_reasons(house: House) -> None:
    idle_ticket(house)
    (found,) = look(house)
    assert found.kind == "zombie"
    assert {r["name"] for r in found.evidence["reasons"]} == {"idle", "ended"}


def test_an_idle_ticket_of_a_source_that_is_gone_is_closed_when_accepted(house: House) -> None:
    ticket = orphan(house)
    (found,) = look(house)
    assert [r["name"] for r in found.evidence["reasons"]] == ["idle", "source_gone"]
    done = accept(house, found)
    after = house.tickets()[0]
    assert (done.state, done.effect is not None and done.effect["status"]) == ("accepted", after.status)
    assert after.status in ("resolved", "closed")
    assert after.resolution == found.evidence["would"]["resolution"]
    with house.gateway.reading() as conn:
        whys = [e.why for e in core_tickets.timeline(conn, ticket.id)]
    assert f"proposal {found.id} accepted" in whys


def orphan(house: House) -> Ticket:
    """An idle ticket whose connection is switched off."""
    from gateway.config import documents

    off = {"id": "old", "connector": "robot", "config": {}}
    house.gateway.apply(documents.validate({"connections": [off]}))
    house.tell(house.alert("z", severity="warning"), connection="old")
    house.gateway.apply(documents.validate({"connections": [off | {"enabled": False}]}))
    house.clock.forward(50 * DAY_S)
    return house.tickets()[-1]


def test_accepting_twice_is_accepting_once(house: House) -> None:
    orphan(house)
    (found,) = look(house)
    first, version = accept(house, found), house.tickets()[0].version
    assert accept(house, found) == first
    assert house.tickets()[0].version == version


def test_what_was_rejected_is_not_proposed_again(house: House) -> None:
    orphan(house)
    (found,) = look(house)
    assert reject(house, found).state == "rejected"
    house.clock.forward(40 * DAY_S)
    assert look(house) == []
    with pytest.raises(Conflict, match="rejected by ann"):
        accept(house, found)


def test_what_was_accepted_can_not_be_rejected_any_more(house: House) -> None:
    orphan(house)
    (found,) = look(house)
    accept(house, found)
    with pytest.raises(Conflict, match="accepted"):
        reject(house, found)


def test_a_ticket_that_moved_is_not_closed_by_an_old_proposal(house: House) -> None:
    ticket = orphan(house)
    (found,) = look(house)
    house.act(ticket, "comment", text="ich bin dran")
    with pytest.raises(Conflict, match="stale"):
        accept(house, found)
    assert house.tickets()[0].status == "pending"
    assert standing(house, "stale")[0].id == found.id


def test_a_round_takes_down_what_holds_no_more_and_puts_it_up_again_when_it_does(house: House) -> None:
    ticket = orphan(house)
    (found,) = look(house)
    house.act(ticket, "comment", text="wait")
    assert look(house) == []
    house.clock.forward(60 * DAY_S)
    assert [p.id for p in look(house)] == [found.id]


def test_a_fresh_ticket_is_no_zombie(house: House) -> None:
    house.tell(house.alert("a", severity="warning"))
    house.clock.forward(DAY_S)
    assert look(house) == []


def two_alike(house: House) -> tuple[Ticket, Ticket]:
    for key, title in (("a", "泵轴承过热报警"), ("b", "Pump bearing overheating alarm")):
        house.tell(house.alert(key, title=title, device="pump-1", rule=f"rule-{key}"))
        house.clock.forward(600)
    first, second = house.tickets()
    assert first.device is not None
    assert first.device == second.device
    return first, second


def test_two_tickets_about_one_thing_are_proposed_to_become_one(house: House) -> None:
    first, second = two_alike(house)
    (found,) = look(house)
    assert (found.kind, len(found.evidence["tickets"])) == ("duplicate", 2)
    accept(house, found)
    kept, dropped = house.tickets()
    assert (kept.id, kept.status) == (first.id, "pending")
    assert dropped.status in ("resolved", "closed")
    with house.gateway.reading() as conn:
        assert core_tickets.links(conn, [second.id]) == {second.id: [first.id]}
    assert look(house) == []


def test_a_rejected_pair_stays_two(house: House) -> None:
    two_alike(house)
    (found,) = look(house)
    reject(house, found)
    assert look(house) == []
    assert {t.status for t in house.tickets()} == {"pending"}


def slow_year(house: House, n: int = 120) -> None:
    """Tickets that were answered after 40 to 60 minutes, where 30 are promised."""
    rows = []
    for i in range(n):
        at = house.clock.now - (20 + 2 * i) * clock.DAY
        rows.append({
            "id": 22_025_000_000_000 + i + 1, "kind": "incident", "priority": 1, "status": "closed", "title": f"t{i}",
            "opened_at": at, "updated_at": at, "first_seen": at, "last_seen": at, "description": "", "labels": "{}",
            "occurrences": 1, "due_fixed": False, "paused_total": 0, "cause": "wear", "resolution": "ok",
            "first_responded_at": at + (40 + i % 21) * clock.MINUTE, "resolved_at": at + (7 * 60 + i % 50) * clock.MINUTE,
            "closed_at": at + 9 * clock.HOUR,
        })  # fmt: skip
    with house.gateway.transaction() as conn:
        conn.execute(insert(ticket_table), rows)


def test_a_promise_that_history_does_not_bear_out_is_proposed_with_its_error_bars(house: House) -> None:
    slow_year(house)
    (found,) = look(house)
    assert found.kind == "promise"
    assert found.subject.startswith("incident/P1/first_response/")
    told = found.evidence["estimate"]
    assert told["low"] <= told["value"] <= told["high"]
    assert (told["count"], found.evidence["now"], found.evidence["would"]["minutes"]) == (120, "30m", 60)


def test_only_accepting_changes_the_promise_and_no_open_ticket_is_touched(house: House) -> None:
    slow_year(house)
    house.tell(house.alert("a", severity="major"))
    open_ticket = house.tickets()[-1]
    (found,) = [p for p in look(house) if p.kind == "promise"]
    assert house.gateway.hub.promises.line("incident", 1)[1].first_response == 30
    done = accept(house, found)
    assert done.effect == {"line": "incident/P1", "promise": "first_response", "before": "30m", "after": "60m"}
    written, promise = house.gateway.hub.promises.line("incident", 1)
    assert (written, promise.first_response, promise.resolution) == ("incident", 60, 480)
    assert house.gateway.hub.promises.line("maintenance", 1)[1].first_response == 30
    assert promises.KIND.name in house.gateway.hub.policies.given
    assert house.tickets()[-1] == open_ticket
    assert [p for p in look(house) if p.kind == "promise"] == []


def test_who_accepts_may_promise_other_minutes(house: House) -> None:
    slow_year(house)
    (found,) = look(house)
    accept(house, found, minutes=45)
    assert house.gateway.hub.promises.line("incident", 1)[1].first_response == 45


def test_a_promise_takes_nothing_but_minutes(house: House) -> None:
    slow_year(house)
    (found,) = look(house)
    with pytest.raises(Refused) as refused:
        accept(house, found, title="x")
    assert refused.value.problems[0].path == "title"
    with pytest.raises(Refused):
        accept(house, found, minutes=0)
    assert standing(house) == [found]


def test_a_promise_changed_by_hand_in_the_meantime_is_not_overwritten(house: House) -> None:
    from gateway.config import documents

    slow_year(house)
    (found,) = look(house)
    lines = [{"priority": "P1", "first_response": "20m"}]
    house.gateway.apply(documents.validate({"policies": [{"policy": "promises", "lines": lines}]}))
    with pytest.raises(Conflict, match="stale"):
        accept(house, found)
    assert house.gateway.hub.promises.line("incident", 1)[1].first_response == 20


def test_deciding_takes_the_right_for_what_it_changes(house: House) -> None:
    slow_year(house)
    (found,) = look(house)
    with pytest.raises(Forbidden):
        deciding.accept(house.gateway, found.id, "ann", lambda right: right is not Right.configure)
    with pytest.raises(NotFound):
        deciding.accept(house.gateway, 999_999, "ann", lambda _: True)


def test_a_round_changes_no_ticket_and_a_second_one_finds_the_same(house: House) -> None:
    orphan(house)
    slow_year(house)
    before = house.tickets()
    first = look(house)
    assert look(house) == first
    assert house.tickets() == before


def test_rounds_come_by_the_hour_and_not_on_the_first_look(house: House) -> None:
    orphan(house)
    hub = house.gateway.hub
    assert rounds.run_due(house.gateway, hub, house.clock.now) == 0
    assert rounds.run_due(house.gateway, hub, house.clock.now) == 0
    house.clock.forward(3601)
    assert rounds.run_due(house.gateway, hub, house.clock.now) == 1


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build(start=False)) as opened:
        yield opened


def test_over_http_a_proposal_is_listed_read_and_accepted(api: Api) -> None:
    orphan(api.house)
    look(api.house)
    (shown,) = api.ask("GET", "/v1/proposals?kind=zombie&state=proposed", "viewer").json()["items"]
    assert api.ask("GET", f"/v1/proposals/{shown['id']}", "viewer").json() == shown
    assert api.ask("POST", f"/v1/proposals/{shown['id']}/accept", "viewer").status_code == 403
    done = api.ask("POST", f"/v1/proposals/{shown['id']}/accept", "agent")
    assert (done.status_code, done.json()["state"]) == (200, "accepted")
    assert api.ask("POST", f"/v1/proposals/{shown['id']}/accept", "agent").json() == done.json()
    assert api.ask("POST", f"/v1/proposals/{shown['id']}/reject", "agent").status_code == 409


def test_over_http_a_promise_is_decided_by_who_may_configure(api: Api) -> None:
    slow_year(api.house)
    look(api.house)
    (shown,) = api.ask("GET", "/v1/proposals?kind=promise").json()["items"]
    path = f"/v1/proposals/{shown['id']}/accept"
    assert api.ask("POST", path, "agent").status_code == 403
    assert api.ask("POST", path, "integrator", json={"minutes": 50}).json()["effect"]["after"] == "50m"


def test_lists_of_proposals_are_read_page_by_page(api: Api) -> None:
    with api.house.gateway.transaction() as conn:
        found = [proposals.Found(f"TKT-2026-{n:06}", {"reasons": []}) for n in range(7)]
        proposals.propose(conn, "zombie", found, api.house.clock.now)
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = api.ask("GET", f"/v1/proposals?limit=3{cursor and f'&cursor={cursor}'}").json()
        seen += [p["subject"] for p in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 7


def test_evidence_is_kept_as_it_was_found(house: House) -> None:
    orphan(house)
    (found,) = look(house)
    assert orjson.loads(orjson.dumps(found.evidence)) == found.evidence
