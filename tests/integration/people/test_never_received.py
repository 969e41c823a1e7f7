"""The classic: "in progress, but nobody ever received it". Each of its causes is named, or refused when it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gateway import clock
from gateway.config import documents
from gateway.errors import BadConfiguration, Problem
from gateway.usecases import explaining, rule_report
from tests.integration.gateway.in_process import Build, House
from tests.integration.people.house import PEOPLE, ROUTING, config, routing


def refused(house: House, *policies: Mapping[str, Any], **more: Any) -> list[Problem]:
    with pytest.raises(BadConfiguration) as found:
        house.gateway.apply(documents.validate(config(*policies, **more)))
    return found.value.problems


def problems(house: House, of: str, rule: str) -> list[tuple[str, str]]:
    """What the report says of a rule."""
    with house.gateway.reading() as conn:
        found = rule_report.findings_of(rule_report.report(conn, house.gateway.hub, house.clock.now))
    return [(message, hint) for name, each, message, hint in found if (name, each) == (of, rule)]


def explained(house: House, n: int = -1) -> dict[str, Any]:
    with house.gateway.reading() as conn:
        return explaining.explain(conn, house.gateway.hub, house.tickets()[n].id)


# -- the keyword in the wrong spelling and case ------------------------------------------------------------------------


def test_a_keyword_in_another_case_or_width_matches_all_the_same(build: Build) -> None:
    house = build(config(PEOPLE, routing({"id": "plc", "words": ["Plc Offline"], "group": "line-1"})))
    house.tell(house.alert("a", title="ＰＬＣ  OFFLINE on L1"))
    assert house.tickets()[0].group == "line-1"


def test_a_misspelled_keyword_is_reported_with_the_word_that_tickets_have(build: Build) -> None:
    house = build(config(PEOPLE, routing({"id": "hot", "words": ["overheet"], "group": "line-1"})))
    house.tell(house.alert("a", title="Spindle overheat"))
    assert house.tickets()[0].group == "dispatch"
    (found,) = problems(house, "routing", "hot")
    assert "matched none of the 1 tickets" in found[0]
    assert found[1] == "'overheet': did you mean 'overheat'?"
    assert any("the text has none of the words" in line for line in explained(house)["routing"][0]["told"])


def test_a_misspelled_chinese_keyword_is_reported_too(build: Build) -> None:
    house = build(config(PEOPLE, routing({"id": "hot", "words": ["主轴过燃"], "group": "line-1"})))
    house.tell(house.alert("a", title="一号机 主轴过热 报警"))
    assert "主轴过热" in problems(house, "routing", "hot")[0][1]


def test_a_keyword_of_which_nothing_is_left_is_refused(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    (found,) = refused(house, routing({"id": "x", "words": ["停机", "——"], "group": "line-1"}))
    assert found.path == "policies[0].rules[0].words[1]"
    assert "nothing is left" in found.message


def test_a_rule_that_compares_a_text_in_the_wrong_case_is_reported_and_explained(build: Build) -> None:
    template = {"kind": "'incident'", "priority": "'P1'", "title": "title"}
    rules = [
        {"id": "pump", "on": "Alert", "when": "device == 'PUMP-1'", "ticket": template},
        {"id": "grave", "on": "Alert", "when": "severity == 'Critical'", "ticket": template},
        {"id": "rest", "on": "Alert", "ticket": template},
    ]
    house = build(config(rules=rules))
    house.tell(house.alert("a", device="pump-1"))
    told = explained(house)["decisions"][0]["rules"][0]
    assert not told["matched"]
    assert any("the same but for their spelling" in line for line in told["because"])
    assert problems(house, "rules", "grave") == [
        ("can never match: severity is never 'Critical'", "write 'critical': texts are compared exactly")
    ]


# -- the role without the right to receive -----------------------------------------------------------------------------


def test_a_group_in_which_nobody_may_receive_is_refused(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    only = [p for p in PEOPLE["persons"] if p["id"] == "audit"]
    people = {**PEOPLE, "persons": [{**only[0], "groups": ["electric"]}, *PEOPLE["persons"][:2], PEOPLE["persons"][3]]}
    (found,) = [p for p in refused(house, people, ROUTING) if "receive" in p.message]
    assert found.path == "policies.routing.rules[1].group"
    assert "audit (auditor)" in found.message
    assert "technician" in found.hint


def test_a_holder_whose_role_was_taken_away_is_named_by_explain(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    house.tell(house.alert("a", title="PLC"))
    demoted = [{**p, "roles": ["auditor"]} if p["id"] == "li.na" else p for p in PEOPLE["persons"]]
    house.gateway.apply(
        documents.validate(config({**PEOPLE, "persons": demoted}, routing({"id": "r", "group": "line-1"})))
    )
    (doubt,) = explained(house)["doubts"]
    assert "li.na" in doubt
    assert "no role that lets people receive tickets" in doubt


# -- the id in a format that the rule does not match -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"), [("device", "MTR-2023"), ("customer", "DEV-2026-000001"), ("device", "2023")]
)
def test_an_id_that_can_never_be_a_ticket_s_is_refused(build: Build, field: str, value: str) -> None:
    house = build(config(PEOPLE, ROUTING))
    (found,) = refused(house, routing({"id": "x", field: value, "group": "line-1"}))
    assert found.path == f"policies[0].rules[0].{field}"
    assert "no global id" in found.message
    assert "GET /v1/ids" in found.hint


def test_a_label_in_another_format_is_named_by_explain_and_by_the_report(build: Build) -> None:
    house = build(config(PEOPLE, routing({"id": "motor", "labels": {"machine": "MTR2023"}, "group": "line-1"})))
    house.tell(house.alert("a", labels={"machine": "MTR-2023"}))
    (decision,) = explained(house)["routing"]
    assert any("the same but for its spelling" in line for line in decision["told"])
    assert problems(house, "routing", "motor")[0][1] == (
        "tickets say 'mtr-2023', the rule 'MTR2023': write it as tickets have it"
    )


# -- and what else is refused when it is saved, not at 3 a.m. ----------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "path", "said"),
    [
        ({"group": "line1"}, "group", "there is no group"),
        ({"group": "line-1", "skill": "welding"}, "skill", "nobody in the group 'line-1' has the skill"),
        ({"group": "empty"}, "group", "nobody works in the group"),
        ({"group": "silent"}, "group", "no channel reaches mute"),
        ({"group": "line-1", "channel": "prometeus"}, "channel[0]", "nothing comes by"),
        ({"group": "line-1", "kind": "incidents"}, "kind", "there is no kind of ticket"),
        ({"group": "line-1", "priority": "P7"}, "priority", "no priority"),
    ],
)
def test_what_would_reach_nobody_is_refused_with_its_place_and_remedy(
    build: Build, rule: dict[str, Any], path: str, said: str
) -> None:
    house = build(config(PEOPLE, ROUTING))
    mute = {"id": "mute", "roles": ["technician"], "groups": ["silent"]}
    people = {
        **PEOPLE, "groups": [*PEOPLE["groups"], {"id": "empty"}, {"id": "silent"}], "persons": [*PEOPLE["persons"], mute]
    }  # fmt: skip
    (found,) = refused(house, people, routing({"id": "x", **rule}))
    assert found.path.endswith(f"rules[0].{path}")
    assert said in found.message
    assert found.hint


def test_rules_without_a_pool_are_refused(build: Build) -> None:
    house = build(config(PEOPLE))
    (found,) = refused(house, {"policy": "routing", "rules": [{"id": "x", "group": "line-1"}]})
    assert found.path == "policies[0].pool"


def test_taking_the_people_away_that_routing_needs_is_refused(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    found = refused(house, {**PEOPLE, "persons": PEOPLE["persons"][:2]})
    assert any("nobody works in the group 'dispatch'" in p.message for p in found)


# -- rules that decide nothing -----------------------------------------------------------------------------------------


def test_a_rule_behind_one_that_takes_everything_is_reported(build: Build) -> None:
    rules: list[dict[str, Any]] = [
        {"id": "all", "group": "line-1"},
        {"id": "late", "words": ["PLC"], "group": "electric"},
    ]
    house = build(config(PEOPLE, routing(*rules)))
    assert (
        problems(house, "routing", "late")[0][0]
        == "is never asked: rule 'all' before it takes everything that it would"
    )


def test_a_new_rule_is_told_at_once_what_it_would_have_met(build: Build) -> None:
    house = build(config(PEOPLE, ROUTING))
    house.tell(*(house.alert(f"k{n}", title="Spindle overheat") for n in range(3)))
    new = {"policy": "grading", "rules": [{"id": "hot", "words": ["OVERHEAT"], "points": 90}]}
    _, planned = house.gateway.plan(documents.validate(config(new)))
    with house.gateway.reading() as conn:
        told = rule_report.report(conn, planned, house.clock.now)
    assert told["grading"] == [{"id": "hot", "matched": 3, "problems": []}]
    assert house.gateway.hub.policies.given == {"people", "routing"}


def test_rules_of_automation_are_counted_over_thirty_days(build: Build) -> None:
    house = build()
    house.tell(house.alert("a"))
    with house.gateway.reading() as conn:
        told = {r["id"]: r["matched"] for r in rule_report.report(conn, house.gateway.hub, house.clock.now)["rules"]}
    assert told["alert-incident"] == 1
    house.clock.forward(31 * clock.DAY / clock.SECOND)
    with house.gateway.reading() as conn:
        told = {r["id"]: r["matched"] for r in rule_report.report(conn, house.gateway.hub, house.clock.now)["rules"]}
    assert told["alert-incident"] == 0


def test_a_rule_that_gives_its_tickets_to_a_group_that_is_not_there_is_reported_and_explained(build: Build) -> None:
    template = {"kind": "'incident'", "priority": "'P1'", "title": "title", "group": "'line1'"}
    house = build(config(PEOPLE, ROUTING, rules=[{"id": "own", "on": "Alert", "ticket": template}]))
    house.tell(house.alert("a"))
    assert problems(house, "rules", "own") == [
        ("gives its tickets to the group 'line1', which is not there", "did you mean 'line-1'?")
    ]
    assert explained(house)["doubts"] == ["组 line1 不存在 there is no such group"]
