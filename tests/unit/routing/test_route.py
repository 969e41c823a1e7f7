"""Where a ticket goes: by rule, skill, shift and load; never to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core_tickets.calendars import ALWAYS
from core_tickets.matching import Condition, Pattern, Seen, Word, see
from core_tickets.people import Group, Person, Presence, Roster
from core_tickets.routing import Avoid, Decision, Load, Routing, RoutingRule, candidates, route, steps

NOW = 1_000


def person(i: str, *groups: str, **more: Any) -> Person:
    return Person(i, groups=frozenset(groups), roles=more.pop("roles", frozenset({"technician"})), **more)


def roster(*people: Person, groups: tuple[Group, ...] = (), shifts: Mapping[str, Presence] | None = None) -> Roster:
    named = {g for p in people for g in p.groups} | {"pool"}
    made = {g.id: g for g in (*(Group(n) for n in named), *groups)}
    return Roster({p.id: p for p in people}, made, shifts or {})


def policy(*rules: RoutingRule, **more: Any) -> Routing:
    return Routing(rules, "pool", **more)


def seen(title: str = "spindle", **more: Any) -> Seen:
    return see(kind="incident", priority=1, title=title, **more)


def go(routing: Routing, people: Roster, what: Seen | None = None, **more: Any) -> Decision:
    loads, avoid, this = more.pop("loads", {}), more.pop("avoid", Avoid()), what or seen()
    return route(routing, people, this, steps(routing, people, this), loads, NOW, lambda _: ALWAYS, avoid)


EVERYTHING = RoutingRule("all", Condition(), "a")


def test_the_first_rule_that_fits_decides() -> None:
    rules = (RoutingRule("plc", Condition(words=(Word("plc"),)), "b"), EVERYTHING)
    people = roster(person("ann", "a"), person("bob", "b"))
    assert go(policy(*rules), people, seen("PLC down")).group == "b"
    decision = go(policy(*rules), people)
    assert decision.group == "a"
    assert decision.passed == (("plc", ("not_word",)),)


def test_least_open_work_comes_first_then_who_waited_longest_then_the_id() -> None:
    people = roster(person("ann", "a"), person("bob", "a"), person("cid", "a"))
    assert go(policy(EVERYTHING), people).assignee == "ann"
    assert go(policy(EVERYTHING), people, loads={"ann": Load(1, 5)}).assignee == "bob"
    loads = {"ann": Load(1, 9), "bob": Load(1, 3), "cid": Load(1, 6)}
    assert go(policy(EVERYTHING), people, loads=loads).assignee == "bob"


def test_a_skill_is_asked_of_everybody_and_the_ticket_may_ask_for_more() -> None:
    rule = RoutingRule("all", Condition(), "a", frozenset({"plc"}))
    people = roster(person("ann", "a"), person("bob", "a", skills=frozenset({"PLC"})))
    assert go(policy(rule), people).assignee == "bob"
    more = seen(labels={"skill": "plc, welding"})
    assert go(policy(rule), people, more).people[1] == ("bob", ("no_skill", "welding"))


def test_a_rule_without_group_finds_the_group_of_the_module_and_region() -> None:
    groups = (
        Group("n", modules=frozenset({"Spindle"}), regions=frozenset({"North"})),
        Group("s", regions=frozenset({"south"})),
    )
    people = roster(person("ann", "n"), person("bob", "s"), groups=groups)
    rule = RoutingRule("area", Condition())
    assert go(policy(rule), people, seen(labels={"module": "spindle", "region": "NORTH"})).group == "n"
    assert go(policy(rule), people, seen(labels={"module": "spindle", "region": "south"})).group == "s"
    assert go(policy(rule), people, seen(labels={"region": "west"})).group == "pool"


def test_people_who_look_after_other_modules_are_left_out() -> None:
    people = roster(person("ann", "a", modules=frozenset({"axis"})), person("bob", "a"))
    assert go(policy(EVERYTHING), people, seen(labels={"module": "spindle"})).assignee == "bob"


def test_when_all_are_off_shift_the_ticket_waits_for_the_group_or_goes_on() -> None:
    shifts = {"ann": Presence(((2_000, 3_000),))}
    people = roster(person("ann", "a"), person("bob", "b"), shifts=shifts)
    waits = go(policy(EVERYTHING), people)
    assert (waits.group, waits.assignee, waits.people) == ("a", None, (("ann", ("off_shift",)),))
    on = RoutingRule("all", Condition(), "a", nobody_there="pool")
    assert go(policy(on, RoutingRule("rest", Condition(), "b")), people).assignee == "bob"


def test_who_may_not_receive_never_does() -> None:
    people = roster(person("ann", "a", roles=frozenset({"auditor"})))
    decision = go(policy(EVERYTHING), people)
    assert (decision.rule, decision.group, decision.assignee) == ("pool", "pool", None)
    assert decision.people == (("ann", ("no_role", "auditor")),)


def test_roles_are_compared_whatever_their_case() -> None:
    assert go(policy(EVERYTHING), roster(person("ann", "a", roles=frozenset({"Technician"})))).assignee == "ann"


def test_whoever_gave_it_back_does_not_get_it_again_at_once() -> None:
    people = roster(person("ann", "a"), person("bob", "a"))
    assert go(policy(EVERYTHING), people, avoid=Avoid("ann", "a")).assignee == "bob"
    alone = roster(person("ann", "a"))
    assert go(policy(EVERYTHING), alone, avoid=Avoid("ann", "a")).group == "pool"
    assert go(policy(EVERYTHING), alone, avoid=Avoid(None, "a")).group == "pool"


def test_an_id_in_another_format_is_named_as_such() -> None:
    rule = RoutingRule("machine", Condition(labels={"machine": (Pattern("MTR2023"),)}), "a")
    decision = go(policy(rule), roster(person("ann", "a")), seen(labels={"Machine": "mtr-2023"}))
    assert decision.group == "pool"
    assert decision.passed[0][1] == ("near_label", "machine", "MTR2023", "mtr-2023")


_IDS = st.sampled_from(["ann", "bob", "cid", "dan"])
_GROUPS = st.sampled_from(["a", "b", "pool"])
_PEOPLE = st.dictionaries(
    _IDS,
    st.builds(
        lambda groups, roles, skills, active: {"groups": groups, "roles": roles, "skills": skills, "active": active},
        st.frozensets(_GROUPS),
        st.frozensets(st.sampled_from(["technician", "auditor"])),
        st.frozensets(st.sampled_from(["plc", "weld"])),
        st.booleans(),
    ),
)
_SHIFTS = st.dictionaries(_IDS, st.sampled_from([Presence(((0, 2_000),)), Presence(((5_000, 6_000),)), Presence()]))
_RULES = st.lists(
    st.builds(
        RoutingRule,
        st.sampled_from(["r1", "r2", "r3"]),
        st.sampled_from([Condition(), Condition(words=(Word("plc"),)), Condition(priorities=frozenset({0}))]),
        st.sampled_from(["a", "b", "gone", None]),
        st.frozensets(st.sampled_from(["plc"])),
        st.sampled_from(["wait", "pool"]),
    ),
    max_size=4,
)
_AVOID = st.builds(Avoid, st.none() | _IDS, st.none() | _GROUPS)


@given(_PEOPLE, _SHIFTS, _RULES, st.dictionaries(_IDS, st.builds(Load, st.integers(0, 5))), _AVOID, st.none() | _GROUPS)
def test_nothing_is_ever_unowned(
    people: dict[str, dict[str, Any]], shifts: dict[str, Presence], rules: list[RoutingRule], loads: dict[str, Load],
    avoid: Avoid, group: str | None,
) -> None:  # fmt: skip
    everybody = Roster(
        {i: Person(i, **p) for i, p in people.items()}, {g: Group(g) for g in ("a", "b", "pool")}, shifts
    )
    routing, what = policy(*rules, most=4), seen("the PLC")
    asked = steps(routing, everybody, what, group)
    decision = route(routing, everybody, what, asked, loads, NOW, lambda _: ALWAYS, avoid)
    assert decision.group
    if decision.assignee is not None:
        chosen = everybody.people[decision.assignee]
        assert chosen.active
        assert decision.group in chosen.groups
        assert "technician" in chosen.roles
        assert everybody.present(chosen.id, NOW, ALWAYS)
        assert loads.get(chosen.id, Load()).open < 4
        assert chosen.id != avoid.person
        assert chosen.id in candidates(everybody, asked)
    assert set(decision.as_data()) == {"rule", "group", "assignee", "because", "passed", "people"}
