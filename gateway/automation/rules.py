"""Rules compiled: what runs for every record, and what `weft explain` tells about it afterwards.

A rule's `ticket:` is a mapping to the canonical record Ticket. It reads the canonical record's fields by name, plus
`connection`, `origin` (the connector's name), `ids.device`, `ids.customer` (global ids as people read them), and for
thresholds `limit.value`, `limit.since` and `limit.for_s`. Rules on records of business also read `record` (its type),
`stream`, `key`, `ids.item`, `ids.supplier`, `previous.*` (the record before it changed), `held.since`, `held.for_s`, and
`total.*`: the record's quantities, of a batch those of all batches of the article in the warehouse.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from core_tickets import KINDS
from gateway.automation.because import because
from gateway.automation.specs import STANDING, Bridge, Check, ContextQuestion, Rule
from gateway.config import yaml12
from gateway.errors import BadConfiguration, Problem
from mappings import RECORDS, EvaluationError, Expression, Mapping, MappingError, compile_expression, load_mapping
from mappings.suggestions import among

DEFAULT_FINGERPRINT = {
    "Alert": "concat(connection, '/', key)",
    "Reading": "concat(connection, '/', device, '/', metric)",
    "VehicleSignal": "concat(connection, '/', vehicle)",
    **dict.fromkeys(sorted(STANDING), "concat(connection, '/', stream, '/', key)"),
}
BESIDES = ("connection", "origin", "record", "stream", "key", "ids", "previous", "held", "total")
"""What a rule on a record of business reads beside the record's own fields."""


@dataclass(frozen=True, slots=True)
class CompiledBatch:
    of: Expression
    member: Expression


@dataclass(frozen=True, slots=True)
class CompiledRule:
    spec: Rule
    when: Expression | None
    fingerprint: Expression
    template: Mapping | None
    storm_kind: Expression | None
    since: Expression | None = None
    until: Expression | None = None
    batch: CompiledBatch | None = None

    def holds(self, record: MappingABC[str, Any]) -> bool:
        """Does the condition hold? One that cannot be computed for this record does not; `explain` tells why."""
        if self.when is None:
            return True
        try:
            return self.when.evaluate(record) is True
        except EvaluationError:
            return False


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of the hub, in order. `version` is the hash of their text: stored once, kept for ever."""

    version: str
    text: str
    by_kind: MappingABC[str, tuple[CompiledRule, ...]]

    def first(self, kind: str, record: MappingABC[str, Any]) -> CompiledRule | None:
        """The rule that decides an Alert: the first whose condition holds."""
        for rule in self.by_kind.get(kind, ()):
            if rule.holds(record):
                return rule
        return None

    def named(self, rule_id: str) -> CompiledRule | None:
        return next((r for rules in self.by_kind.values() for r in rules if r.spec.id == rule_id), None)

    def hash_of(self, kind: str) -> str:
        """Changes when a rule of this kind does."""
        texts = [r.spec.model_dump(mode="json", by_alias=True) for r in self.by_kind.get(kind, ())]
        return hashlib.sha256(orjson.dumps(texts, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def explain(self, kind: str, record: MappingABC[str, Any]) -> list[dict[str, Any]]:
        """Each rule of the kind: did it match, and which part of its condition said so. Stops behind the first match
        for alerts, since later rules were never asked."""
        told: list[dict[str, Any]] = []
        for rule in self.by_kind.get(kind, ()):
            matched = rule.holds(record)
            parts = [] if rule.when is None else because(rule.when, record)
            if matched and rule.spec.threshold is not None:
                parts.append(rule.spec.threshold.describe())
            told.append(
                {"rule": rule.spec.id, "matched": matched, "when": rule.spec.when or "always", "because": parts}
            )
            if matched and kind != "Reading":
                break
        return told


def local_names(expressions: Iterable[Expression | None]) -> frozenset[str]:
    """The names below `local` that these read."""
    reads = [read for e in expressions if e is not None for read in e.reads]
    return frozenset(str(read[1]) if len(read) > 1 else "*" for read in reads if read[:1] == ("local",))


@dataclass(frozen=True)
class CompiledBridge:
    spec: Bridge
    origin: str | None
    when: Expression | None
    key: MappingABC[str, Expression]
    body: MappingABC[str, Expression]
    ask: MappingABC[str, MappingABC[str, Expression]] = field(default_factory=dict)
    """The inputs of each of its questions."""
    formula: Formula | None = None
    """Makes `result`, right before the command goes out; None: key and body are known when it happens."""

    @cached_property
    def _all(self) -> tuple[Expression | None, ...]:
        asked = (e for inputs in self.ask.values() for e in inputs.values())
        return (self.when, *self.key.values(), *self.body.values(), *asked)

    @cached_property
    def asks_local(self) -> bool:
        """Does it read `local.*`, which costs a look at the crosswalk?"""
        return bool(local_names(self._all))

    @cached_property
    def asks_names(self) -> bool:
        """Does it read `names.*`, which costs a look at the golden record?"""
        return "names" in self.roots

    @cached_property
    def roots(self) -> frozenset[str]:
        """The names that it reads, and that a command which is computed later must keep."""
        return frozenset(str(path[0]) for e in self._all if e is not None for path in e.reads if path)

    @cached_property
    def results(self) -> frozenset[str]:
        """The fields of `result` that it reads."""
        return frozenset(str(path[1]) for e in self._all if e is not None for path in e.reads if path[:1] == ("result",)
                         and len(path) > 1)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Formula:
    """A bridge's mapping. `of_library`: it is one of the connector's, so a connection may have put another in its place."""

    mapping: Mapping
    of_library: bool

    def on(self, streams: MappingABC[str, Mapping]) -> Mapping:
        """The one that counts for a connection with these mappings."""
        return streams.get(self.mapping.stream, self.mapping) if self.of_library else self.mapping


FormulasOf = Callable[[Bridge, str | None], MappingABC[str, Formula]]
"""The mappings a bridge (of this connector, or of nobody's) may name."""


@dataclass(frozen=True)
class CompiledQuestion:
    spec: ContextQuestion
    connection: str
    when: Expression | None
    inputs: MappingABC[str, Expression]

    @cached_property
    def asks_local(self) -> frozenset[str]:
        """The things by whose local id it asks."""
        return local_names([self.when, *self.inputs.values()])

    @property
    def section(self) -> str:
        return self.spec.section or f"{self.connection}.{self.spec.question}"


@dataclass(frozen=True)
class CompiledCheck:
    """A check with the connection that is asked."""

    spec: Check
    connection: str
    when: Expression | None
    inputs: MappingABC[str, Expression]
    finds: Expression


class _Collector:
    """Compiles and gathers what is wrong, so that a refusal names every problem at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def expression(self, text: str | None, path: str, names: Sequence[str] | None = None) -> Expression | None:
        if text is None:
            return None
        try:
            return compile_expression(text, names)
        except MappingError as error:
            self.problems += _problems(error, path)
            return None

    def condition(self, text: str | None, path: str, kind: str) -> Expression | None:
        """An expression that decides which signal a record belongs to: of alerts and readings it is also asked when
        nothing is resolved."""
        if kind in STANDING:
            return self.expression(text, path, _names(kind))
        made = self.expression(text, path)
        if made is not None and any(read[:1] == ("ids",) for read in made.reads):
            hint = "use the source's own id (device, customer); ids.* is for the ticket's fields"
            self.problems.append(Problem(path, "global ids are not known here", hint))
        return made

    def expressions(self, texts: MappingABC[str, str], path: str) -> dict[str, Expression]:
        compiled = {name: self.expression(text, f"{path}.{name}") for name, text in texts.items()}
        return {name: e for name, e in compiled.items() if e is not None}

    def formula(self, bridge: Bridge, path: str, known: MappingABC[str, Formula]) -> Formula | None:
        if bridge.mapping is None:
            return None
        found = known.get(bridge.mapping)
        if found is None:
            hint = among(bridge.mapping, sorted(known)) if known else "define it under `mappings:`"
            self.problems.append(Problem(f"{path}.mapping", f"there is no mapping {bridge.mapping!r}", hint))
        return found

    def results(self, bridge: CompiledBridge, path: str) -> None:
        """`result` is there only for key and body, and has only the mapping's fields."""
        early = [bridge.when, *(e for inputs in bridge.ask.values() for e in inputs.values())]
        if any(read[:1] == ("result",) for e in early if e is not None for read in e.reads):
            hint = "only key and body read `result`, which is computed last"
            self.problems.append(Problem(path, "`result` is not known in `when` and in the inputs of `ask`", hint))
        elif "result" in bridge.roots and bridge.spec.mapping is None:
            self.problems.append(
                Problem(path, "there is no `result`", "name the mapping that makes it: `mapping: NAME`")
            )
        elif bridge.formula is not None:
            fields = bridge.formula.mapping.fields
            for name in sorted(bridge.results - set(fields)):
                self.problems.append(
                    Problem(path, f"mapping {bridge.spec.mapping!r} has no field {name!r}", among(name, fields))
                )

    def batch(self, rule: Rule, path: str) -> CompiledBatch | None:
        if rule.batch is None:
            return None
        of = self.condition(rule.batch.of, f"{path}.of", rule.on)
        member = self.condition(rule.batch.member, f"{path}.member", rule.on)
        return CompiledBatch(of, member) if of is not None and member is not None else None

    def template(self, rule: Rule, path: str) -> Mapping | None:
        if rule.ticket is None:
            return None
        document = {
            "mapping": "rule_" + re.sub(r"\W", "_", rule.id),
            "from": {"connector": "hub", "stream": rule.on},
            "to": "Ticket",
            "tables": rule.tables,
            "fields": rule.ticket,
        }
        try:
            made = load_mapping(yaml12.dump(document), origin=path)
        except MappingError as error:
            self.problems += _problems(error, path)
            return None
        if rule.on in STANDING:
            known = _names(rule.on)
            unknown = sorted({str(read[0]) for read in made.reads if read and read[0] not in known})
            self.problems += [Problem(path, f"{rule.on} has no {name!r}", among(name, known)) for name in unknown]
        self.problems += _wrong_constants(made, path)
        return made


def _wrong_constants(made: Mapping, path: str) -> list[Problem]:
    """What a template says whatever the record, and no ticket can hold: told now, not by a dead letter at night."""
    found: list[Problem] = []
    for name in set(made.fields) - {edge.target_field for edge in made.edges}:
        told = made.trace(name, {})
        if told.error is not None:
            found.append(Problem(f"{path}.{name}", told.error.message, f"mend {told.error.expression!r}"))
        elif name == "kind" and told.value not in KINDS:
            found.append(
                Problem(f"{path}.kind", f"there is no kind {told.value!r}", among(str(told.value), sorted(KINDS)))
            )
    return found


def _names(kind: str) -> list[str]:
    return [*RECORDS[kind].fields, *BESIDES]


def _problems(error: MappingError, path: str) -> list[Problem]:
    """A rule's template is written without the word `fields`."""
    return [Problem(f"{path}.{p.path.removeprefix('fields.')}".rstrip("."), p.message, p.hint) for p in error.problems]


def compile_rules(rules: Sequence[Rule]) -> RuleSet:
    """Raises BadConfiguration with every problem of every rule."""
    collector = _Collector()
    by_kind: dict[str, list[CompiledRule]] = {}
    seen: set[str] = set()
    for n, rule in enumerate(rules):
        path = f"rules[{n}]"
        if rule.id in seen:
            collector.problems.append(Problem(f"{path}.id", f"there are two rules {rule.id!r}", "rename one of them"))
        seen.add(rule.id)
        own = rule.fingerprint or DEFAULT_FINGERPRINT[rule.on]
        fingerprint = collector.condition(own, f"{path}.fingerprint", rule.on)
        compiled = CompiledRule(
            rule,
            collector.condition(rule.when, f"{path}.when", rule.on),
            fingerprint,  # type: ignore[arg-type]  # None only when a problem was noted, and then nothing is returned
            collector.template(rule, f"{path}.ticket"),
            collector.condition(rule.storm.kind, f"{path}.storm.kind", rule.on) if rule.storm else None,
            collector.condition(rule.since, f"{path}.since", rule.on),
            collector.condition(rule.until, f"{path}.until", rule.on),
            collector.batch(rule, f"{path}.batch"),
        )
        by_kind.setdefault(rule.on, []).append(compiled)
    if collector.problems:
        raise BadConfiguration("The rules have problems; nothing was changed.", collector.problems)
    text = orjson.dumps([r.model_dump(mode="json", by_alias=True) for r in rules], option=orjson.OPT_SORT_KEYS).decode()
    version = hashlib.sha256(text.encode()).hexdigest()
    return RuleSet(version, text, {kind: tuple(found) for kind, found in by_kind.items()})


def compile_bridges(
    bridges: Sequence[tuple[Bridge, str | None]], formulas: FormulasOf = lambda bridge, origin: {}
) -> tuple[CompiledBridge, ...]:
    """Bridges with the connector they belong to (None: a person's own). Switched off ones are checked and left out.
    Raises BadConfiguration with every problem; paths count a person's own."""
    collector = _Collector()
    compiled = []
    own = itertools.count()
    for bridge, origin in bridges:
        path = f"bridges[{next(own)}]" if origin is None else f"{origin}/defaults.yaml: bridges[{bridge.id}]"
        when = collector.expression(bridge.when, f"{path}.when")
        key = collector.expressions(bridge.key, f"{path}.key")
        body = collector.expressions(bridge.body, f"{path}.body")
        ask = {name: collector.expressions(q.inputs, f"{path}.ask.{name}.inputs") for name, q in bridge.ask.items()}
        known = formulas(bridge, origin) if bridge.mapping is not None else {}
        made = CompiledBridge(bridge, origin, when, key, body, ask, collector.formula(bridge, path, known))
        collector.results(made, path)
        if bridge.enabled:
            compiled.append(made)
    if collector.problems:
        raise BadConfiguration("The bridges have problems; nothing was changed.", collector.problems)
    return tuple(compiled)


def compile_questions(questions: Sequence[tuple[ContextQuestion, str]]) -> tuple[CompiledQuestion, ...]:
    """Questions with the connection that answers them. Raises BadConfiguration with every problem."""
    collector = _Collector()
    compiled = []
    for n, (question, connection) in enumerate(questions):
        path = f"context[{n}]"
        when = collector.expression(question.when, f"{path}.when")
        inputs = collector.expressions(question.inputs, f"{path}.inputs")
        compiled.append(CompiledQuestion(question, connection, when, inputs))
    if collector.problems:
        raise BadConfiguration("The context questions have problems; nothing was changed.", collector.problems)
    return tuple(compiled)


def compile_checks(checks: Sequence[tuple[Check, str]]) -> tuple[CompiledCheck, ...]:
    """Checks with the connection that is asked. Raises BadConfiguration with every problem."""
    collector = _Collector()
    compiled = []
    for check, connection in checks:
        path = f"{connection}: checks[{check.id}]"
        when = collector.expression(check.when, f"{path}.when")
        inputs = collector.expressions(check.inputs, f"{path}.inputs")
        finds = collector.expression(check.finds, f"{path}.finds")
        if finds is not None:
            compiled.append(CompiledCheck(check, connection, when, inputs, finds))
    if collector.problems:
        raise BadConfiguration("The checks have problems; nothing was changed.", collector.problems)
    return tuple(compiled)
