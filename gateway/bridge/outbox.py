"""Carrying out commands: claimed with a lease, one remote effect at a time per ticket and system, each try kept.

The state is written before the call (`sending`) and after it. A worker that dies in between leaves a lease that runs
out; whoever finds the row then asks `confirm` before anything is written again. Commands that go as one (see `merging`)
share the lease and the fate of the eldest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import orjson
import structlog
from sqlalchemy import ColumnElement, Connection, and_, exists, select, update

import core_tickets
import lineage
from connectors.contract import Command, Receipt
from connectors.runtime import Connection as Runtime
from connectors.runtime import Done, MustConfirm, NeedsPerson, NotDone, Refused, RetryAt
from gateway import clock, metrics, rows, tables, traces
from gateway.bridge import computing, merging
from gateway.bridge.early import told_already
from gateway.config.hub import Hub, Live
from gateway.errors import Conflict, NotFound
from gateway.service import Gateway

log = structlog.get_logger(__name__)

LEASE = 2 * clock.MINUTE
ECHO_AWAITED = 15 * clock.MINUTE
_O = tables.outbox.c
_OPEN = ("waiting", "sending")
NOTICE = "notice"
"""The `bridge` of messages to people: they wait for no elder command, and `gateway.notify` says what came of them."""


@dataclass(frozen=True, slots=True)
class Claimed:
    id: int
    ticket_id: int
    connection_id: str
    bridge: str
    op: str
    key: Mapping[str, Any]
    body: Mapping[str, Any]
    attempts: int
    in_doubt: bool
    created_at: int
    draft: str | None = None
    """What key and body are yet to be computed of."""
    trace: str | None = None
    followers: tuple[Claimed, ...] = ()
    """Those that go with this one, as one command."""

    @property
    def command(self) -> Command:
        return Command(str(self.id), self.op, self.key, self.body)

    @property
    def all(self) -> tuple[Claimed, ...]:
        return (self, *self.followers)


def take(gateway: Gateway, hub: Hub, limit: int, leave: Collection[str] = ()) -> list[Claimed]:
    """What is to be carried out now: commands claimed, and merged where a connection can't take them all. `leave`:
    connections whose commands another worker carries out."""
    with gateway.transaction() as conn:
        claimed = claim(conn, clock.now(), limit, leave)
    return merging.merge(gateway, hub, claimed)


def claim(conn: Connection, now: int, limit: int = 20, leave: Collection[str] = ()) -> list[Claimed]:
    """Take up to `limit` commands whose time has come; of one ticket and system only the eldest."""
    elder = tables.outbox.alias("elder")
    waits = exists().where(
        elder.c.ticket_id == _O.ticket_id, elder.c.connection_id == _O.connection_id, elder.c.id < _O.id,
        elder.c.state.in_(_OPEN), _O.bridge != NOTICE, elder.c.bridge != NOTICE,
    )  # fmt: skip
    due = and_(_O.state.in_(_OPEN), _O.next_at <= now, _O.lease_until <= now, _O.merged_into.is_(None), ~waits)
    if leave:
        due &= _O.connection_id.not_in(sorted(leave))
    query = select(tables.outbox).where(due).order_by(_O.id).limit(limit).with_for_update(skip_locked=True)
    found = [_claimed(r) for r in conn.execute(query)]
    for each in found:
        values = {"state": "sending", "lease_until": now + LEASE, "must_confirm": each.in_doubt}
        conn.execute(update(tables.outbox).where(_O.id == each.id).values(attempts=_O.attempts + 1, **values))
    return _with_followers(conn, found)


def _claimed(r: Any) -> Claimed:
    in_doubt = r.draft is None and (bool(r.must_confirm) or r.state == "sending")  # a draft was never sent
    return Claimed(r.id, r.ticket_id, r.connection_id, r.bridge, r.op, _decoded(r.key), _decoded(r.body), r.attempts,
                   in_doubt, r.created_at, r.draft, r.trace)  # fmt: skip


def _with_followers(conn: Connection, found: list[Claimed]) -> list[Claimed]:
    """Those that a worker had merged before it died, or before it knew what came of them, stay together."""
    if not found:
        return found
    query = select(tables.outbox).where(_O.merged_into.in_([each.id for each in found])).order_by(_O.id)
    followers: dict[int, list[Claimed]] = {}
    for row in conn.execute(query):
        followers.setdefault(row.merged_into, []).append(_claimed(row))
    return [replace(each, followers=tuple(followers.get(each.id, ()))) for each in found]


def _decoded(text: str) -> dict[str, Any]:
    decoded: dict[str, Any] = orjson.loads(text)
    return decoded


def carry_out(gateway: Gateway, hub: Hub, claimed: Claimed) -> None:
    """One try, and what came of it is stored. A command that waited here until its lease ran out is left to whoever
    holds it now."""
    live = hub.connections.get(claimed.connection_id)
    with gateway.transaction() as conn:
        if not _begin(conn, claimed, live):
            return
    told = {
        "connection": claimed.connection_id,
        "op": claimed.op,
        "command": str(claimed.id),
        "attempt": claimed.attempts + 1,
    }
    with traces.span("weft.writeback", claimed.trace, **told):
        tried = _try(gateway, hub, live, claimed)
    if tried is None:
        return
    claimed, fate = tried
    together = isinstance(fate, NotDone | MustConfirm)
    if isinstance(fate, NotDone):
        fate = RetryAt(0, "confirmed that it had not happened, or may happen again")
    metrics.COMMANDS.labels(claimed.connection_id, type(fate).__name__).inc()
    log.info("command.tried", command=str(claimed.id), connection=claimed.connection_id, op=claimed.op,
             ticket=claimed.ticket_id, fate=type(fate).__name__, reason=getattr(fate, "reason", ""),
             merged=len(claimed.followers))  # fmt: skip
    with gateway.transaction() as conn:
        if _store(conn, gateway, claimed, live, fate, held(claimed)) and not together:
            for each in claimed.followers:
                _store(conn, gateway, each, live, fate, merging.follows(each, claimed))


def _begin(conn: Connection, claimed: Claimed, live: Live | None) -> bool:
    """Renew the lease for one call at its longest. False: the command is no longer ours."""
    return conn.execute(update(tables.outbox).where(held(claimed)).values(lease_until=lease_of(live))).rowcount == 1


def lease_of(live: Live | None) -> int:
    """Until when who begins a call now holds its command."""
    longest = live.runtime.policy.timeout_s * 2 if live is not None and live.runtime is not None else 0
    return clock.now() + max(LEASE, int(longest * clock.SECOND))


def held(claimed: Claimed) -> ColumnElement[bool]:
    """Is the command still in the hands of this claim?"""
    return and_(_O.id == claimed.id, _O.state == "sending", _O.attempts == claimed.attempts + 1)


Fate = Done | Refused | RetryAt | MustConfirm | NeedsPerson | NotDone


def _try(gateway: Gateway, hub: Hub, live: Live | None, claimed: Claimed) -> tuple[Claimed, Fate] | None:
    """What came of it, and the command as it went out. None: it is no longer in our hands."""
    if live is None or not live.spec.enabled:
        return claimed, _for_a_person(claimed, f"connection {claimed.connection_id!r} is not there or switched off")
    if live.runtime is None:
        return claimed, _for_a_person(claimed, f"connection {claimed.connection_id!r} cannot work: {live.broken}")
    if "writes" not in live.can:
        return claimed, _for_a_person(claimed, f"connector {live.origin!r} does not write")
    if claimed.draft is not None:
        made = computing.compute(gateway, hub, live, live.runtime, claimed, held(claimed), lease_of(live))
        if made is None:
            return None
        if not isinstance(made, Claimed):
            return claimed, made
        claimed = made
    return claimed, _attempt(live.runtime, claimed)


def _attempt(runtime: Runtime, claimed: Claimed) -> Fate:
    command = merging.command_of(runtime, claimed)
    if command is None:
        return _for_a_person(claimed, "the commands it was merged with are no longer understood by its connection")
    if claimed.in_doubt:
        age_s = (clock.now() - min(each.created_at for each in claimed.all)) / clock.SECOND
        return runtime.confirm(command, claimed.attempts + 1, age_s)
    return runtime.write(command, claimed.attempts + 1)


def _for_a_person(claimed: Claimed, reason: str) -> NeedsPerson:
    return NeedsPerson("config", reason, in_doubt=claimed.in_doubt)


def _store(
    conn: Connection, gateway: Gateway, claimed: Claimed, live: Live | None,
    fate: Done | Refused | RetryAt | MustConfirm | NeedsPerson, ours: ColumnElement[bool],
) -> bool:  # fmt: skip
    """Keep what came of one command. False: it was no longer ours to say."""
    now = clock.now()
    values: dict[str, Any] = {"lease_until": 0, "merged_into": None}
    match fate:
        case Done(receipt) | Refused(receipt):
            state = "done" if isinstance(fate, Done) else "refused"
            values |= {"state": state, "done_at": now, "receipt": _receipt(receipt), "reason": receipt.reason}
        case RetryAt(seconds, reason):
            again = now + int(seconds * clock.SECOND)
            values |= {"state": "waiting", "next_at": again, "reason": reason, "must_confirm": False}
        case MustConfirm(seconds, reason):
            again = now + int(seconds * clock.SECOND)
            values |= {"state": "waiting", "next_at": again, "reason": reason, "must_confirm": True}
        case NeedsPerson():
            values |= {"state": "person", "reason": f"{fate.reason} {fate.hint}".strip(), "must_confirm": fate.in_doubt}
    # who comes back after another took over (the lease had run out) knows nothing newer, unless that it is done
    mine = and_(_O.id == claimed.id, _O.done_at.is_(None)) if isinstance(fate, Done) else ours
    if not conn.execute(update(tables.outbox).where(mine).values(values)).rowcount:
        return False
    if isinstance(fate, RetryAt | MustConfirm):
        return True
    if claimed.bridge == NOTICE:
        return True
    if isinstance(fate, Done):
        _await_echoes(conn, gateway, claimed, fate.receipt, now)
    told = {"command": str(claimed.id), "connection": claimed.connection_id, "op": claimed.op, "bridge": claimed.bridge,
            "state": values["state"], "reason": values["reason"]}  # fmt: skip
    if isinstance(fate, Done | Refused):
        told |= {"outcome": fate.receipt.outcome.value, "external_id": fate.receipt.external_id}
    actor = f"bridge:{claimed.bridge}"
    core_tickets.note(conn, [core_tickets.Note(claimed.ticket_id, "command", told, actor, now)])
    dataset = live.dataset(claimed.op) if live else f"{claimed.connection_id}/{claimed.op}"
    key = ",".join(f"{k}={v}" for k, v in sorted(claimed.key.items()) if isinstance(v, str | int | Decimal))[:500]
    effect = lineage.Effect(claimed.ticket_id, claimed.bridge, dataset, key or str(claimed.id), values["state"], now)
    lineage.note_effects(conn, [effect])
    return True


def _receipt(receipt: Receipt) -> str:
    told = {"outcome": receipt.outcome.value, "external_id": receipt.external_id, "reason": receipt.reason,
            "values": dict(receipt.values)}  # fmt: skip
    return orjson.dumps(told, default=str).decode()


def _await_echoes(conn: Connection, gateway: Gateway, claimed: Claimed, receipt: Receipt, now: int) -> None:
    """Those that came before the receipt are taken as such now; for the others the inbox waits."""
    numbers = gateway.serial.take(len(receipt.echoes)) if receipt.echoes else ()
    asked_at = conn.execute(select(_O.created_at).where(_O.id == claimed.id)).scalar_one()
    early = told_already(conn, gateway.hub, claimed.connection_id, claimed.ticket_id, receipt.echoes, asked_at)
    awaited = [
        (number, claimed.id, claimed.ticket_id, claimed.connection_id, e.stream, e.key,
         orjson.dumps(dict(e.match), default=str).decode(), now + ECHO_AWAITED, now if place in early else None,
         early.get(place))
        for place, (number, e) in enumerate(zip(numbers, receipt.echoes, strict=True))
    ]  # fmt: skip
    columns = ("id", "outbox_id", "ticket_id", "connection_id", "stream", "key", "match", "expires_at", "seen_at",
               "message_id")  # fmt: skip
    rows.insert(conn, tables.echo, columns, awaited)
    if early:
        conn.execute(update(tables.outbox).where(_O.id == claimed.id).values(echoed_at=now))
        told = {"command": str(claimed.id), "connection": claimed.connection_id, "message": str(min(early.values()))}
        note = core_tickets.Note(
            claimed.ticket_id, "echo", told, f"connection:{claimed.connection_id}", now, "connector"
        )
        core_tickets.note(conn, [note])


def resend(conn: Connection, ticket_id: int, command_id: int, actor: str, now: int, *, sure: bool = False) -> None:
    """Give a command that waits for a person, or was refused, another try; one in doubt is confirmed first, unless the
    person has looked and is `sure` that it did not happen.

    Raises NotFound for a command that this ticket does not have, Conflict for one that is neither."""
    mine = (_O.id == command_id) & (_O.ticket_id == ticket_id)
    state = conn.execute(select(_O.state).where(mine).with_for_update()).scalar()
    if state is None:
        raise NotFound(f"This ticket has no command {command_id}.")
    if state not in ("person", "refused"):
        raise Conflict(
            f"Command {command_id} is {state}; only one that was refused or waits for a person can be sent again."
        )
    values = {"state": "waiting", "next_at": now, "reason": "", "attempts": 0, "done_at": None, "merged_into": None}
    if sure:
        values["must_confirm"] = False
    conn.execute(update(tables.outbox).where(mine).values(values))
    told = {"command": str(command_id), "before": state} | ({"sure": True} if sure else {})
    core_tickets.note(conn, [core_tickets.Note(ticket_id, "command_resent", told, actor, now, "person")])
