"""Deliveries that are due become commands: one message each, or one list where a person would get too many.

The command is queued in the transaction that marks its deliveries, so whatever dies, each is sent once. Whether it is
sent, tried again or confirmed first is the outbox's doing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, func, or_, select, update

import core_tickets
import id_registry
from connectors.errors import ConnectorError
from core_tickets.people import Person
from gateway.bridge.outbox import NOTICE
from gateway.bridge.planning import queue_command
from gateway.config.hub import Hub
from gateway.notify import composing, links
from gateway.notify.addressing import way_to
from gateway.notify.tables import notice_delivery
from gateway.notify.telling import Telling
from gateway.policies.notification import HOME
from gateway.service import Gateway
from gateway.tables import notice

MOST = 500
_D, _N = notice_delivery.c, notice.c


@dataclass(frozen=True, slots=True)
class Due:
    """One delivery that is due, with its notice."""

    id: int
    notice_id: int
    ticket_id: int
    person: str
    channel: str
    op: str
    address: str
    held: bool
    reason: str
    tier: int
    title: str
    text: str


def send_due(gateway: Gateway, hub: Hub, now: int) -> int:
    """Queue the messages whose time has come; answers how many deliveries they carry."""
    with gateway.transaction() as conn:
        due = _due(conn, now)
        if not due:
            return 0
        return _Sender(gateway, Telling(conn, hub, now), due).run()


def _due(conn: Connection, now: int) -> list[Due]:
    query = (
        select(_D.id, _D.notice_id, _D.ticket_id, _D.person, _D.channel, _D.op, _D.address,
               (_D.state == "held").label("held"), _N.reason, _N.tier, _N.title, _N.text)
        .join_from(notice_delivery, notice, _N.id == _D.notice_id)
        .where(or_(_D.state == "waiting", _D.state == "held"), _D.due_at <= now)
        .order_by(_N.tier, _D.id).limit(MOST).with_for_update(skip_locked=True, of=notice_delivery)
    )  # fmt: skip
    return [Due(*row) for row in conn.execute(query)]


@dataclass
class _Sender:
    gateway: Gateway
    telling: Telling
    due: Sequence[Due]
    values: dict[int, dict[str, Any]] = field(default_factory=dict)
    fields: dict[tuple[str, str], frozenset[str] | None] = field(default_factory=dict)

    def run(self) -> int:
        conn, policy = self.telling.conn, self.telling.policy
        tickets = core_tickets.get_many(conn, {d.ticket_id for d in self.due})
        self.values = composing.values_of(conn, tickets, policy.snapshot)
        sent = 0
        shared, personal = self._parted()
        for of_notice in shared.values():
            sent += self._say(of_notice, self._message(of_notice))
        recent = self._recent(personal.keys())
        for (person, channel), mine in personal.items():
            sent += self._to_person(mine, *recent.get((person, channel), (0, 0)))
        return sent

    def _parted(self) -> tuple[dict[tuple[int, str], list[Due]], dict[tuple[str, str], list[Due]]]:
        """What a whole group reads, by notice and channel; what one person reads, by person and channel."""
        shared: dict[tuple[int, str], list[Due]] = {}
        personal: dict[tuple[str, str], list[Due]] = {}
        for each in self.due:
            way = way_to(self.telling.steps(each.tier), each.channel)
            if way is not None and way.to == "default":
                shared.setdefault((each.notice_id, each.channel), []).append(each)
            else:
                personal.setdefault((each.person, each.channel), []).append(each)
        return shared, personal

    def _recent(self, whom: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
        """How many messages each had of a channel within the window, and when the first of them."""
        people = sorted({person for person, _ in whom})
        since = self.telling.now - self.telling.policy.merge.within
        counted = (
            select(_D.person, _D.channel, func.count(_D.command_id.distinct()), func.min(_D.sent_at))
            .where(_D.person.in_(people), _D.sent_at > since, _D.command_id.is_not(None))
            .group_by(_D.person, _D.channel)
        )
        return {(p, c): (n, first) for p, c, n, first in self.telling.conn.execute(counted)} if people else {}

    def _to_person(self, mine: list[Due], had: int, first: int) -> int:
        """One message each as long as there is room, else one for all; without any room they wait for the window's end,
        but for what breaks quiet hours."""
        merge = self.telling.policy.merge
        room = merge.more_than - had
        urgent = any(self.telling.tier(d.tier).breaks_quiet_hours for d in mine)
        if room <= 0 and not urgent:
            ids = [d.id for d in mine]
            late = {"due_at": first + merge.within, "reason": "merged: too many at once"}
            self.telling.conn.execute(update(notice_delivery).where(_D.id.in_(ids)).values(late))
            return 0
        after_quiet = len(mine) > 1 and any(d.held for d in mine)
        if len(mine) > 1 and (after_quiet or len(mine) > room):
            return self._say(mine, self._digest(mine))
        return sum(self._say([each], self._message([each])) for each in mine)

    def _message(self, told: Sequence[Due]) -> dict[str, Any]:
        """One notice, for one reader or for several who read the same."""
        one, people = told[0], self._people(told)
        own = {"told.title": one.title, "told.text": one.text}
        known = self.values.get(one.ticket_id, {}) | {name: text for name, text in own.items() if text}
        readers = [person.id for person in people]
        seen = composing.seen_by(self.telling.conn, self.telling.hub, known, readers, one.ticket_id)
        return {
            "title": composing.title_of(one.reason, seen),
            "text": composing.text_of(seen, _zone(people)),
            "link": self._link(told),
        }

    def _digest(self, told: Sequence[Due]) -> dict[str, Any]:
        lines = []
        for each in sorted(told, key=lambda d: (d.tier, d.id)):
            message = self._message([each])
            lines.append((f"P{each.tier}", message["title"], message["link"] or ""))
        title, text = composing.digest_of(lines)
        return {"title": title, "text": text, "link": None}

    def _link(self, told: Sequence[Due]) -> str | None:
        """Where one answers; of what several read, where one looks at the ticket: a group's link must not be anybody's."""
        hub = self.telling.hub
        if not hub.public_url:
            return None
        one = told[0]
        way = way_to(self.telling.steps(one.tier), one.channel)
        if way is None or way.to == "default":
            return f"{hub.public_url}/tickets/{id_registry.format_id(one.ticket_id)}"
        until = self.telling.now + self.telling.policy.links_last
        return f"{hub.public_url}/r/{links.make(self.gateway.vault, one.id, until)}"

    def _people(self, told: Sequence[Due]) -> list[Person]:
        known = self.telling.roster.people
        return [known[d.person] for d in told if d.person in known]

    def _say(self, told: Sequence[Due], message: Mapping[str, Any]) -> int:
        """Queue one command for these deliveries."""
        conn, now, one = self.telling.conn, self.telling.now, told[0]
        way = way_to(self.telling.steps(one.tier), one.channel)
        ids = [d.id for d in told]
        if way is None or way.broken:
            why = way.broken if way is not None else f"channel {one.channel!r} is no longer in the policy"
            gone = {"state": "sending", "reason": why, "sent_at": now}  # to be settled as failed, like a refusal
            conn.execute(update(notice_delivery).where(_D.id.in_(ids)).values(gone))
            return len(told)
        addresses = list(dict.fromkeys(d.address for d in told if d.address))
        key = {"to": "default"} if way.to == "default" else {way.to: addresses}
        strong = way.channel.strong and way.to == "default"
        mention: Any = ("all" if one.tier == 0 else addresses) if strong else None
        tier = min(d.tier for d in told)
        body = {**message, "priority": f"P{tier}", "mention": mention, "thread": id_registry.format_id(one.ticket_id)}
        known = self._fields(one.channel, one.op)
        fitting = {
            name: value for name, value in body.items() if value is not None and (known is None or name in known)
        }
        number = next(iter(self.gateway.serial.take()))
        queue_command(conn, number, one.ticket_id, one.channel, NOTICE, f"notice:{min(ids)}", one.op, key, fitting, now)
        values = {"state": "sending", "command_id": number, "sent_at": now, "reason": ""}
        conn.execute(update(notice_delivery).where(_D.id.in_(ids)).values(values))
        return len(told)

    def _fields(self, channel: str, op: str) -> frozenset[str] | None:
        """What a message of this channel may hold; None: anything."""
        if (channel, op) not in self.fields:
            live = self.telling.hub.connections[channel]
            schema: Mapping[str, Any] = {}
            try:
                offered = live.runtime.operations() if live.runtime is not None else ()
                schema = next((o.body_schema for o in offered if o.name == op), {})
            except ConnectorError:
                schema = {}
            closed = schema.get("additionalProperties") is False
            self.fields[channel, op] = frozenset(schema.get("properties", ())) if closed else None
        return self.fields[channel, op]


def _zone(people: Sequence[Person]) -> ZoneInfo:
    try:
        return ZoneInfo(people[0].zone if people else HOME)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(HOME)
