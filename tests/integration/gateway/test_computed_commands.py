"""Commands computed right before they go out: the target is asked, a mapping makes the values, and lineage tells how."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

import core_tickets
import lineage
from gateway.bridge import outbox
from gateway.config import documents
from gateway.errors import BadConfiguration
from gateway.usecases import tracing
from lineage import Verdict
from tests.integration.gateway.in_process import Build, House
from tests.integration.gateway.robot.connector import Killed

WEAR = {
    "mapping": "wear",
    "from": {"connector": "robot", "stream": "load"},
    "to": {"dataset": "wear", "key": ["device"]},
    "let": {"urgent": "ticket.priority == 'P1'"},
    "fields": {
        "device": "device",
        "score": {
            "expr": "first(100 - 10 * stops - (5 if urgent else 0), fail('stops is missing'))",
            "type": "number",
            "on_error": "dead_letter",
        },
    },
    "tests": [
        {"in": {"device": "p", "stops": 2, "ticket": {"priority": "P1"}}, "out": {"score": "75"}},
        {"in": {"device": "p"}, "dead": "stops is missing"},
    ],
}
BRIDGE = {
    "id": "wear", "on": "ticket.resolved", "mapping": "wear", "op": "say",
    "ask": {"load": {"question": "load", "inputs": {"device": "alert.device"}}},
    "key": {"object": "alert.key"}, "body": {"score": "result.score", "of": "result.device"},
}  # fmt: skip
NO_OTHER = {"id": "robot-close", "on": "ticket.resolved", "op": "close", "enabled": False}
FIELD = "bridge.r.wear.score"


def with_bridge(**changes: Any) -> dict[str, Any]:
    robot = {"id": "r", "connector": "robot", "config": {"password": "a long password"}, "context": []}
    return {"connections": [robot], "mappings": [WEAR], "bridges": [BRIDGE | changes, NO_OTHER]}


@pytest.fixture
def working(build: Build) -> House:
    house = build(with_bridge())
    house.world.figures = {"device": "pump-1", "stops": 3}
    return house


def resolve_one(house: House) -> core_tickets.Ticket:
    house.tell(house.alert("a", device="pump-1"))
    house.act(house.tickets()[0], "resolve", resolution="cooled")
    return house.tickets()[0]


def told(house: House) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(house.commands()[-1].body)
    return body


def origin(house: House, ticket: core_tickets.Ticket, field: str = FIELD) -> lineage.Origin:
    with house.gateway.reading() as conn:
        return tracing.drill(conn, ticket.id, field)


def test_key_and_body_are_made_of_the_answer_when_the_command_goes_out(working: House) -> None:
    resolve_one(working)
    assert [r.key for r in working.commands()] == ["{}"]
    working.world.figures = {"device": "pump-1", "stops": 4}
    working.work()
    assert working.world.written == [({"object": "a"}, {"score": "55", "of": "pump-1"})]
    assert [(r.state, r.draft) for r in working.commands()] == [("done", None)]


def test_the_result_drills_down_through_the_formula_to_the_answer(working: House) -> None:
    ticket = resolve_one(working)
    working.work()
    found = origin(working, ticket)
    assert (found.value, found.verdict) == (Decimal(65), Verdict.EQUAL)
    (stops,) = [s for s in found.sources if s.field == "stops"]
    assert (stops.dataset, stops.key, stops.raw) == ("r/load", "pump-1", 3)
    (trace,) = found.traces
    assert trace.mapping == "wear"
    assert any("10 * stops" in step.text for step in trace.steps)
    (priority,) = [f for f in found.facts if f.name == "ticket.priority"]
    assert priority.value == "P1"
    assert priority.derived is not None
    assert priority.derived.sources[0].field == "severity"
    working.verify()
    working.ends()


def test_a_result_changed_behind_the_hubs_back_is_found(working: House) -> None:
    ticket = resolve_one(working)
    working.work()
    with working.gateway.transaction() as conn:
        conn.exec_driver_sql("UPDATE outbox SET result = replace(result, '65', '99')")
    assert origin(working, ticket).verdict is Verdict.CHANGED
    with working.gateway.reading() as conn:
        (difference,) = tracing.verify(conn, 0).differences
    assert (difference.field, difference.stored) == (FIELD, Decimal(99))


def test_of_a_ticket_resolved_twice_the_latest_result_counts(working: House) -> None:
    ticket = resolve_one(working)
    working.work()
    working.clock.forward(60)
    working.act(ticket, "reopen")
    working.world.figures = {"device": "pump-1", "stops": 1}
    working.act(ticket, "resolve", resolution="cooled again")
    working.work()
    assert origin(working, ticket).value == Decimal(85)
    with working.gateway.reading() as conn:
        assert [o.value for o in lineage.history(conn, ticket.id, FIELD)] == [Decimal(85), Decimal(65)]
    working.verify()


def test_a_worker_killed_between_computing_and_writing_writes_the_same_values(working: House) -> None:
    resolve_one(working)
    working.world.script.append("killed_before")
    with pytest.raises(Killed):
        working.work()
    assert told(working)["score"] == "65"
    working.world.figures = {"device": "pump-1", "stops": 9}
    working.clock.forward(150)
    working.work()
    (first, second) = working.world.written
    assert first == second
    assert [r.state for r in working.commands()] == ["done"]
    assert list(working.world.effects.values()) == [1]
    working.verify()


def test_a_worker_killed_behind_the_write_writes_no_second_time(working: House) -> None:
    resolve_one(working)
    working.world.script.append("killed_after")
    with pytest.raises(Killed):
        working.work()
    working.world.figures = None
    working.clock.forward(150)
    working.work()
    assert [r.state for r in working.commands()] == ["done"]
    assert list(working.world.effects.values()) == [1]


def test_a_worker_killed_while_it_asks_leaves_a_command_that_is_asked_for_anew(working: House) -> None:
    resolve_one(working)
    with working.gateway.transaction() as conn:
        (lost,) = outbox.claim(conn, working.clock.now)  # and never heard of again
    working.clock.forward(150)
    working.work()
    assert working.world.written == [({"object": "a"}, {"score": "65", "of": "pump-1"})]
    outbox.carry_out(working.gateway, working.gateway.hub, lost)
    assert len(working.world.written) == 1


def test_a_target_that_cannot_answer_now_is_asked_again(working: House) -> None:
    resolve_one(working)
    working.world.state = "silent"
    working.work()
    (waiting,) = working.commands()
    assert (waiting.state, waiting.reason) == ("waiting", "question load: not now")
    assert waiting.next_at > working.clock.now
    working.world.state = "warm"
    working.clock.forward(20)
    working.work()
    assert [r.state for r in working.commands()] == ["done"]


def test_a_target_that_knows_nothing_of_it_refuses_the_command(working: House) -> None:
    resolve_one(working)
    working.world.figures = None
    working.work()
    (refused,) = working.commands()
    assert refused.state == "refused"
    assert refused.reason == "r knows nothing of what question load asks for (device=pump-1)"
    assert working.world.written == []


def test_a_formula_without_its_inputs_refuses_the_command(working: House) -> None:
    resolve_one(working)
    working.world.figures = {"device": "pump-1"}
    working.work()
    (refused,) = working.commands()
    assert (refused.state, refused.reason) == ("refused", "mapping wear: score: stops is missing")


def test_a_person_sends_a_refused_computation_again(working: House) -> None:
    ticket = resolve_one(working)
    figures, working.world.figures = working.world.figures, None
    working.work()
    working.world.figures = figures
    with working.gateway.transaction() as conn:
        outbox.resend(conn, ticket.id, working.commands()[0].id, "token:ann", working.clock.now)
    working.work()
    assert told(working)["score"] == "65"


def test_the_answers_to_further_questions_are_read_by_their_names(build: Build) -> None:
    ask = BRIDGE["ask"] | {"share": {"question": "recent", "inputs": {"device": "alert.device"}}}  # type: ignore[operator]
    score = {"expr": "concat(text(stops), share.state)", "type": "text"}
    tests = [{"in": {"device": "p", "stops": 3, "share": {"state": "warm"}}, "out": {"score": "3warm"}}]
    wear = WEAR | {"tests": tests, "fields": {"device": "device", "score": score}}
    house = build(with_bridge(ask=ask) | {"mappings": [wear]})
    house.world.figures = {"device": "pump-1", "stops": 3}
    ticket = resolve_one(house)
    house.work()
    assert told(house)["score"] == "3warm"
    (state,) = [f for f in origin(house, ticket).facts if f.name == "share.state"]
    assert state.source is not None
    assert (state.source.dataset, state.source.raw) == ("r/recent", "warm")
    house.verify()


def test_a_bridge_that_is_gone_leaves_its_command_to_a_person(working: House) -> None:
    resolve_one(working)
    working.gateway.apply(documents.validate({"bridges": [BRIDGE | {"enabled": False}]}))
    working.work()
    (left,) = working.commands()
    assert left.state == "person"
    assert "no bridge 'wear' any more" in left.reason


@pytest.mark.parametrize(
    ("changes", "path", "hint"),
    [
        ({"mapping": "waer"}, "bridges[0].mapping", "wear"),
        ({"body": {"score": "result.scor"}}, "bridges[0]", "score"),
        ({"when": "result.score > 3"}, "bridges[0]", "only key and body read `result`"),
        ({"mapping": None, "ask": {}}, "bridges[0]", "mapping: NAME"),
        (
            {"ask": {"load": {"question": "load", "inputs": {"device": "alert."}}}},
            "bridges[0].ask.load.inputs.device",
            "",
        ),
    ],
)
def test_what_cannot_be_computed_is_refused_when_it_is_applied(
    build: Build, changes: dict[str, Any], path: str, hint: str
) -> None:
    with pytest.raises(BadConfiguration) as refused:
        build(with_bridge(**changes))
    (problem,) = refused.value.problems
    assert problem.path == path
    assert hint in problem.hint


def test_a_question_without_a_mapping_is_refused(build: Build) -> None:
    with pytest.raises(BadConfiguration, match="problems") as refused:
        build(with_bridge(mapping=None))
    assert "needs a `mapping`" in refused.value.problems[0].message


def test_the_schema_shows_the_way_from_the_answer_to_what_is_written(working: House) -> None:
    graph = tracing.graph_of(working.gateway.hub)
    below = graph.downstream(lineage.Node.of("r/load", "stops"), depth=3).nodes
    assert lineage.Node.of("bridge wear", "score") in below
    assert lineage.Node.of("bridge/say", "body.score") in below
