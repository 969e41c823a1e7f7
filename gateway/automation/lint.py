"""Which automation rules can never decide: what they ask contradicts itself or what there is, or an earlier rule takes all
of it. Only what is certain is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core_tickets.matching import near
from gateway.automation.rules import CompiledRule, RuleSet
from mappings import RECORDS, EvaluationError, compile_expression
from mappings.suggestions import among
from mappings.tree import Compare, Junction, ListOf, Literal, Node, Path, Read, format_path, reads_of

HUB = "hub"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one rule of a policy (`of`: rules, grading or routing), and what to write instead."""

    of: str
    rule: str
    message: str
    hint: str = ""


def lint_rules(rules: RuleSet, connections: Mapping[str, str]) -> list[Finding]:
    """`connections`: connector by id, of those that are there."""
    found: list[Finding] = []
    for kind, ordered in rules.by_kind.items():
        known = _known(kind, connections)
        earlier: list[tuple[CompiledRule, _Asked]] = []
        for rule in ordered:
            asked = _Asked.of(rule)
            problem = asked.impossible(known)
            if problem is None and kind == "Alert":
                problem = next((_shadowed(other) for other, before in earlier if before.covers(asked)), None)
                earlier.append((rule, asked))
            if problem is not None:
                found.append(Finding("rules", rule.spec.id, *problem))
    return found


def _shadowed(other: CompiledRule) -> tuple[str, str]:
    return (
        f"is never asked: rule {other.spec.id!r} before it takes everything that it would",
        f"move it before {other.spec.id!r}, or ask for less there",
    )


def _known(kind: str, connections: Mapping[str, str]) -> Mapping[Path, Collection[str]]:
    """The only values these can have."""
    found: dict[Path, Collection[str]] = {
        ("origin",): {HUB, *connections.values()},
        ("connection",): {HUB, *connections},
        ("record",): {kind},
    }
    return found | {(name,): field.choices for name, field in RECORDS[kind].fields.items() if field.choices}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A condition taken apart: the values that a path must have, and everything else as it is written."""

    one_of: Mapping[Path, frozenset[Any]]
    none_of: Mapping[Path, frozenset[Any]]
    others: frozenset[str]
    false: str = ""
    """A part that is never true."""

    @classmethod
    def of(cls, rule: CompiledRule) -> _Asked:
        one_of: dict[Path, frozenset[Any]] = {}
        none_of: dict[Path, frozenset[Any]] = {}
        others: set[str] = set()
        false = ""
        for node in () if rule.when is None else _parts(rule.when.tree):
            if not reads_of(node):
                if not _constant(node):
                    false = node.text
                continue
            values = _values(node)
            if values is None:
                others.add(" ".join(node.text.split()))
            elif values[1]:
                one_of[values[0]] = one_of.get(values[0], values[2]) & values[2]
            else:
                none_of[values[0]] = none_of.get(values[0], frozenset()) | values[2]
        return cls(one_of, none_of, frozenset(others), false)

    def impossible(self, known: Mapping[Path, Collection[str]]) -> tuple[str, str] | None:
        if self.false:
            return f"can never match: {self.false!r} is never true", "take that part away, or the rule"
        for path, values in self.one_of.items():
            name = format_path(path)
            if not values:
                return f"can never match: it asks two different values of {name}", "write `in [...]`, or two rules"
            if values <= self.none_of.get(path, frozenset()):
                return f"can never match: {name} is asked to be and not to be the same", "take one of both away"
            if path in known and not values & set(known[path]):
                value = str(min(values, key=str))
                spelled = next((k for k in known[path] if near(k, value)), None)
                hint = f"write {spelled!r}: texts are compared exactly" if spelled else among(value, known[path])
                return f"can never match: {name} is never {value!r}", hint
        return None

    def covers(self, later: _Asked) -> bool:
        """Does everything that fits the later one fit this, too?"""
        if self.false:
            return False
        return (
            self.others <= later.others
            and all(path in later.one_of and later.one_of[path] <= values for path, values in self.one_of.items())
            and all(
                values <= later.none_of.get(path, frozenset())
                or (path in later.one_of and not values & later.one_of[path])
                for path, values in self.none_of.items()
            )
        )


def _parts(node: Node) -> Sequence[Node]:
    """What must all hold."""
    if isinstance(node, Junction) and node.operator == "and":
        return [part for operand in node.operands for part in _parts(operand)]
    return [node]


def _constant(node: Node) -> bool:
    try:
        return compile_expression(node.text).evaluate({}) is True
    except EvaluationError:
        return False


def _values(node: Node) -> tuple[Path, bool, frozenset[Any]] | None:
    """A comparison of a field with constants: the field, whether it must be one of them, and they."""
    if not isinstance(node, Compare):
        return None
    left, right = node.left, node.right
    if isinstance(left, Literal) and isinstance(right, Read) and node.operator in ("==", "!="):
        left, right = right, left
    if not isinstance(left, Read):
        return None
    if node.operator in ("==", "!=") and isinstance(right, Literal):
        return left.path, node.operator == "==", frozenset({right.value})
    constants = [item.value for item in right.items if isinstance(item, Literal)] if isinstance(right, ListOf) else []
    if node.operator == "in" and isinstance(right, ListOf) and len(constants) == len(right.items):
        return left.path, True, frozenset(constants)
    return None
