"""Automation rules that can never decide are found, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from core_tickets.matching import Condition, Pattern, Seen, Word, see
from core_tickets.matching.doubts import contradiction, covers
from gateway.automation.lint import Finding, lint_rules
from gateway.automation.rules import compile_rules
from gateway.automation.specs import Rule
from gateway.config.provided import builtin_rules

TICKET = {"kind": "'incident'", "priority": "'P2'", "title": "title"}
CONNECTIONS = {"zbx": "zabbix", "am": "prometheus"}


def found(*rules: dict[str, Any]) -> list[Finding]:
    made = [Rule.model_validate({"on": "Alert", "ticket": TICKET, **rule}) for rule in rules]
    return lint_rules(compile_rules(made), CONNECTIONS)


@pytest.mark.parametrize(
    ("when", "said", "hint"),
    [
        ("severity == 'Critical'", "severity is never 'Critical'", "'critical'"),
        ("origin == 'Zabbix'", "origin is never 'Zabbix'", "'zabbix'"),
        ("connection == 'zbx2'", "connection is never 'zbx2'", "zbx"),
        ("rule == 'a' and rule == 'b'", "two different values of rule", "in [...]"),
        ("rule in ['a', 'b'] and 'c' == rule", "two different values of rule", "in [...]"),
        ("rule == 'a' and rule != 'a'", "to be and not to be", "take one"),
        ("1 == 2 and device == 'x'", "is never true", "take that part away"),
        ("status in ['fire', 'fired']", "status is never", "firing"),
    ],
)
def test_what_cannot_hold_is_found_with_what_to_write(when: str, said: str, hint: str) -> None:
    (finding,) = found({"id": "x", "when": when})
    assert finding.message.startswith("can never match")
    assert said in finding.message
    assert hint in finding.hint


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (None, "device == 'x'"),
        ("device == 'x'", "device == 'x' and severity == 'major'"),
        ("severity in ['major', 'minor']", "severity == 'major'"),
        ("contains(title, 'a')", "severity == 'major' and contains(title, 'a')"),
        ("device != 'x'", "device == 'y'"),
        ("device == 'x'", "device == 'x'"),
    ],
)
def test_a_rule_behind_one_that_takes_all_of_it_is_found(first: str | None, later: str) -> None:
    (finding,) = found({"id": "first", "when": first}, {"id": "later", "when": later})
    assert (finding.rule, "'first'" in finding.message) == ("later", True)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("device == 'x'", None),
        ("device == 'x' and severity == 'major'", "device == 'x'"),
        ("severity == 'major'", "severity in ['major', 'minor']"),
        ("device == 'x' or device == 'y'", "device == 'x' and severity == 'major'"),
        ("device != 'x'", "device != 'y'"),
        ("severity == 'Major'", "severity == 'major'"),
    ],
)
def test_a_rule_that_may_still_be_asked_is_not_called_unreachable(first: str, later: str | None) -> None:
    assert not [f for f in found({"id": "first", "when": first}, {"id": "later", "when": later}) if f.rule == "later"]


def test_the_built_in_rules_are_clean() -> None:
    assert lint_rules(compile_rules(builtin_rules()), CONNECTIONS) == []


def test_a_condition_whose_words_are_all_ruled_out_contradicts_itself() -> None:
    assert contradiction(Condition(words=(Word("PLC 故障"),), without=(Word("plc"),)))
    assert not contradiction(Condition(words=(Word("PLC"), Word("pump")), without=(Word("plc"),)))


def test_what_is_covered_fits_the_first_condition_whenever_it_fits() -> None:
    wide = Condition(words=(Word("泵"), Word("pump")), labels={"line": (Pattern("l*"),)}, priorities=frozenset({0, 1}))
    narrow = Condition(
        words=(Word("水泵"),), labels={"line": (Pattern("L1"),)}, priorities=frozenset({0}), time="working"
    )
    assert covers(wide, narrow)
    assert not covers(narrow, wide)
    seen: Seen = see(kind="incident", priority=0, title="水泵停机", labels={"Line": "L1"})
    assert narrow.judge(seen).fits
    assert wide.judge(seen).fits
