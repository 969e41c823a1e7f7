"""Commands that are computed right before they go out: the target is asked, the bridge's mapping makes `result` of the
answers and of the ticket, and key and body are made of that.

What was computed is committed before anything is written, so that a try after a crash writes, or confirms, the very
same. In that transaction the answers are landed too, and `result` is recorded with its lineage, as fields
`bridge.<connection>.<bridge>.<field>` of the ticket.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, select, update

import lineage
from connectors.contract import Ask, Outcome, Receipt
from connectors.errors import AuthProblem, BadRecord, ConfigProblem, ConnectorError, Transient
from connectors.runtime import Connection as Runtime
from connectors.runtime import NeedsPerson, Refused, RetryAt
from connectors.runtime.pace import backoff_s
from gateway import clock, tables
from gateway.automation.rules import CompiledBridge
from gateway.bridge.planning import as_text, values_of
from gateway.config.hub import Hub, Live
from gateway.service import Gateway
from mappings import EvaluationError
from mappings import Mapping as Formula

if TYPE_CHECKING:
    from gateway.bridge.outbox import Claimed

Fate = Refused | RetryAt | NeedsPerson


class Answered(NamedTuple):
    """An answer, as it is landed and computed with."""

    dataset: str
    key: str
    values: dict[str, Any]
    as_of: int


_O = tables.outbox.c
_DICE = random.Random()


def compute(
    gateway: Gateway, hub: Hub, live: Live, runtime: Runtime, claimed: Claimed, ours: ColumnElement[bool],
    lease_until: int,
) -> Claimed | Fate | None:  # fmt: skip
    """The command with its key and body, committed under a lease until then; or what becomes of it without. None: it is
    no longer `ours`."""
    bridge = next((b for b in hub.bridges if (b.spec.id, b.spec.op) == (claimed.bridge, claimed.op)), None)
    if bridge is None or bridge.formula is None:
        return NeedsPerson("config", f"there is no bridge {claimed.bridge!r} any more that computes {claimed.op!r}")
    formula = bridge.formula.on(live.mappings)
    if missing := sorted(bridge.results - set(formula.fields)):
        return NeedsPerson(
            "config", f"mapping {formula.name!r} has no field {', '.join(missing)}, which the bridge reads"
        )
    told = lineage.decode(claimed.draft or "{}")
    answers = _ask_all(bridge, live, runtime, claimed, told)
    if not isinstance(answers, list):
        return answers
    with gateway.transaction() as conn:
        return _keep(conn, bridge, formula, claimed, told, answers, ours, lease_until)


def _ask_all(
    bridge: CompiledBridge, live: Live, runtime: Runtime, claimed: Claimed, told: Mapping[str, Any]
) -> list[Answered] | Fate:
    """The answers to all of its questions, within the time that a call may take."""
    if bridge.ask and "answers" not in live.can:
        return NeedsPerson("config", f"connector {live.origin!r} answers no questions, and the bridge asks one")
    until = monotonic() + runtime.policy.timeout_s
    found: list[Answered] = []
    for name, inputs in bridge.ask.items():
        question = bridge.spec.ask[name].question
        try:
            given = values_of(inputs, told)
            answer = runtime.lookup(Ask(question, given, max(0.001, until - monotonic())))
        except Transient as error:
            wait_s = backoff_s(runtime.policy, claimed.attempts + 1, _DICE)
            return RetryAt(wait_s if error.retry_after is None else error.retry_after, f"question {question}: {error}")
        except (EvaluationError, BadRecord) as error:
            return _refused(claimed, f"question {question}: {error}")
        except ConnectorError as error:
            why = "auth" if isinstance(error, AuthProblem) else "config" if isinstance(error, ConfigProblem) else "bug"
            return NeedsPerson(why, f"question {question}: {error}", error.hint)  # type: ignore[arg-type]
        asked = ", ".join(f"{k}={v}" for k, v in sorted(given.items()))
        if answer is None:
            return _refused(claimed, f"{live.id} knows nothing of what question {question} asks for ({asked})")
        values = lineage.decode(lineage.encode(dict(answer.values)))  # what is computed with is what is kept
        as_of = clock.from_datetime(answer.as_of)
        found.append(Answered(live.dataset(question), answer.key or asked, values, as_of))
    return found


def _keep(
    conn: Connection, bridge: CompiledBridge, formula: Formula, claimed: Claimed, told: Mapping[str, Any],
    answers: Sequence[Answered], ours: ColumnElement[bool], lease_until: int,
) -> Claimed | Fate | None:  # fmt: skip
    prefix = f"bridge.{claimed.connection_id}.{claimed.bridge}."
    plan = lineage.plan(conn, (formula,), prefix=prefix)
    landed = lineage.land(conn, [lineage.SourceRead(*each, shared=True) for each in answers])
    facts = _facts(formula, claimed, told, dict(zip(bridge.ask, zip(landed, answers, strict=True), strict=True)))
    record = answers[0].values if answers else None
    made = lineage.run_plan(plan, record, {name: fact.value for name, fact in facts.items()})
    if not made:
        return _refused(claimed, _why_not(formula, record, told))
    result = {name.removeprefix(prefix): value for name, value in made.items()}
    try:
        key, body = (as_text(values_of(part, {**told, "result": result})) for part in (bridge.key, bridge.body))
    except EvaluationError as error:
        return _refused(claimed, f"bridge {claimed.bridge}: {error}")
    now = clock.now()
    values = {"key": key, "body": body, "draft": None, "result": lineage.encode(result).decode(), "computed_at": now,
              "lease_until": lease_until}  # fmt: skip
    if not conn.execute(update(tables.outbox).where(ours).values(values)).rowcount:
        return None
    actor = f"bridge:{claimed.bridge}"
    lineage.record(conn, [lineage.Write(claimed.ticket_id, plan, tuple(made), landed, facts, actor, now)])
    return replace(claimed, key=orjson.loads(key), body=orjson.loads(body), draft=None)


def _facts(
    formula: Formula, claimed: Claimed, told: Mapping[str, Any],
    answers: Mapping[str, tuple[int, Answered]],
) -> dict[str, lineage.Fact]:  # fmt: skip
    """What the mapping reads beside its record, the first answer: the others' fields, and the ticket's as it was."""
    facts = {
        f"{name}.{part}": lineage.Fact(value, answer.dataset, landing=landing, path=part)
        for name, (landing, answer) in [*answers.items()][1:]
        for part, value in answer.values.items()
    }
    wanted = {str(path[1]) if len(path) > 1 else "" for path in formula.reads if path[:1] == ("ticket",)}
    for name, value in told["ticket"].items():
        if name in wanted or "" in wanted:
            facts[f"ticket.{name}"] = lineage.Fact(value, "ticket", rec=claimed.ticket_id, field=name)
    return facts


def _why_not(formula: Formula, record: Any, told: Mapping[str, Any]) -> str:
    dead = formula.run({"ticket": told["ticket"], **(record or {})}).dead
    return f"mapping {formula.name}: " + (f"{dead.field}: {dead.message}" if dead else "its `where` says no")


def _refused(claimed: Claimed, reason: str) -> Refused:
    return Refused(Receipt(str(claimed.id), Outcome.rejected, reason=reason))


def results(conn: Connection, ticket_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Of tickets the fields `bridge.<connection>.<bridge>.<field>` as the outbox holds them: the latest of each."""
    query = (
        select(_O.ticket_id, _O.connection_id, _O.bridge, _O.result)
        .where(_O.ticket_id.in_(sorted(ticket_ids)), _O.result.is_not(None))
        .order_by(_O.computed_at, _O.id)
    )
    found: dict[int, dict[str, Any]] = {}
    for ticket_id, connection, bridge, text in conn.execute(query):
        fields = {f"bridge.{connection}.{bridge}.{name}": value for name, value in lineage.decode(text).items()}
        found.setdefault(ticket_id, {}).update(fields)
    return found
