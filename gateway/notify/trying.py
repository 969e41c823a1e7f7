"""Trying a channel before people rely on it: a real login, and on request a real message; what came of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.contract import Command
from connectors.errors import ConnectorError
from connectors.runtime import Done
from gateway import clock
from gateway.config.hub import Live
from gateway.errors import Conflict, NotFound
from gateway.notify.addressing import offered
from gateway.notify.tried import remember_test
from gateway.policies.notification import Channel, address_of, way_of
from gateway.service import Gateway


@dataclass(frozen=True, slots=True)
class Tried:
    """`reason` empty: it worked. `sent_to`: whom a message went to; empty: only its login was tried."""

    connection: str
    reason: str
    message: str = ""
    sent_to: str = ""

    @property
    def ok(self) -> bool:
        return not self.reason


def try_channel(gateway: Gateway, connection_id: str, actor: str, *, to: str = "", operation: str = "") -> Tried:
    """Check a connection, and send a message `to` a person's id, an address, or `default`. Raises NotFound for a connection
    or a person's address that is not there, Conflict for one that takes no messages."""
    live = gateway.hub.connection(connection_id)
    op = operation or _operation(live)
    tried = _look(live)
    if tried.ok and to:
        tried = _send(gateway, live, op, to)
    with gateway.transaction() as conn:
        remember_test(conn, connection_id, tried.reason, actor, clock.now())
    return tried


def _operation(live: Live) -> str:
    """What messages to people go by: an app's message where there is one."""
    known = offered(live)
    found = next((op for op in ("send_app", "send") if op in known), "")
    if not found and live.runtime is not None:
        raise Conflict(
            f"Connection {live.id!r} sends no messages; its operations: {', '.join(sorted(known)) or 'none'}."
        )
    return found


def _look(live: Live) -> Tried:
    if not live.spec.enabled:
        return Tried(live.id, "it is switched off")
    if live.runtime is None:
        return Tried(live.id, live.broken or "it cannot be made")
    health = live.runtime.check()
    return Tried(live.id, "" if health.ok else health.message or "its check says no, and not why", health.message)


def _send(gateway: Gateway, live: Live, op: str, to: str) -> Tried:
    assert live.runtime is not None
    key = _key(gateway, live, op, to)
    number = str(next(iter(gateway.serial.take())))
    body = {"title": "Weft 测试消息 test message", "text": "收到即说明此渠道可用。If you read this, the channel works."}
    try:
        fate = live.runtime.write(Command(number, op, key, body))
    except ConnectorError as error:
        return Tried(live.id, f"{error} {error.hint}".strip(), sent_to=to)
    if isinstance(fate, Done):
        missed = fate.receipt.reason
        return Tried(live.id, missed, "sent", to)
    reason = fate.receipt.reason if hasattr(fate, "receipt") else f"{fate.reason} {getattr(fate, 'hint', '')}".strip()
    return Tried(live.id, reason or type(fate).__name__, sent_to=to)


def _key(gateway: Gateway, live: Live, op: str, to: str) -> Mapping[str, Any]:
    if to == "default":
        return {"to": "default"}
    channel = Channel(connection=live.id, operation=op)
    way = way_of(channel, live.origin)
    way = "users" if way == "default" else way
    person = gateway.hub.roster.people.get(to)
    if person is None:
        return {way: [to]}
    address = person.channels.get(address_of(channel, live.origin))
    if not address:
        raise NotFound(f"{to!r} has no address {address_of(channel, live.origin)!r}.")
    return {way: [address]}
