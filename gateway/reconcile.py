"""Reading a system's alerts to find what its messages did not tell: after downtime of either side, or a lost webhook.

Every record goes through the same mapping and rules as a pushed one; only what differs from the hub's signals becomes a
message. In a snapshot stream, a signal that fires here and is absent there has ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

import lineage
from connectors.contract import Delivery, Event, Stream
from connectors.errors import ConnectorError
from gateway import clock, tables
from gateway.automation.signals import Signal, is_over
from gateway.config.hub import Hub, Live
from gateway.errors import NotFound
from gateway.ingest.inbox import Incoming
from gateway.ingest.item import Prepared, prepare
from gateway.ingest.recall import opening_messages, records
from gateway.service import Gateway
from gateway.sync.telling import of_connector
from mappings import EvaluationError

log = structlog.get_logger(__name__)

UNUSABLE_KNOWN = 10_000


@dataclass(slots=True)
class Outcome:
    """What one run found: records read, messages that told something new, signals that ended unnoticed, bad records."""

    read: int = 0
    told: int = 0
    ended: int = 0
    bad: int = 0
    error: str = ""


def stream_of(live: Live, name: str) -> Stream:
    """Raises NotFound."""
    streams = live.runtime.streams() if live.runtime and "reads" in live.can else ()
    for stream in streams:
        if stream.name == name:
            return stream
    known = ", ".join(s.name for s in streams) or "none"
    raise NotFound(f"Connection {live.id!r} has no stream {name!r}; it has: {known}.")


def reconcile(gateway: Gateway, hub: Hub, live: Live, stream: Stream, *, full: bool = False) -> Outcome:
    """One run over a stream of alerts. Never raises for the remote system's sake: `Outcome.error` says what went wrong."""
    outcome, began = Outcome(), clock.now()
    cursor = None if full else _cursor(gateway, live.id, stream.name)
    present: set[str] = set()
    assert live.runtime is not None
    try:
        for batch in live.runtime.read(stream, cursor):
            outcome.read += len(batch.records)
            _take(gateway, hub, live, stream, batch.records, present, outcome)
            for bad in batch.bad:
                outcome.bad += 1
                if _first_told(live, digest := _digest(stream.name, [str(bad), bad.record])):
                    _tell(gateway, live, stream, of_connector(bad), digest)
            if batch.cursor is not None:
                _save(gateway, live.id, stream.name, batch.cursor, outcome, began)
        if stream.mode == "snapshot" and stream.deletes == "absence":
            _end_absent(gateway, hub, live, stream, present, began, outcome)
    except ConnectorError as error:
        outcome.error = str(error)
        log.warning("reconcile.failed", connection=live.id, stream=stream.name, reason=outcome.error)
    _finish(gateway, live.id, stream.name, outcome, began)
    return outcome


def _take(
    gateway: Gateway, hub: Hub, live: Live, stream: Stream, found: Sequence[Any], present: set[str], outcome: Outcome
) -> None:
    """Tell the inbox what the hub does not know yet."""
    candidates: list[tuple[str | None, Any, Prepared]] = []
    for record in found:
        event = Event(id=_digest(stream.name, record), stream=stream.name, record=record, key=_key(stream, record))
        prepared = prepare(Incoming(0, live, Delivery(b""), [event], 0, lambda _: None))[0]
        candidates.append((_signal_key(hub, live, prepared), record, prepared))
    known = _signals(gateway, [key for key, _, _ in candidates if key])
    for key, record, prepared in candidates:
        if key is not None:
            present.add(key)
            if not _is_news(known.get(key), prepared.record or {}):
                continue
        elif prepared.fault is None:
            continue  # no rule makes a ticket of it, or the mapping is not for it
        elif not _first_told(live, prepared.event.id if prepared.event else ""):
            continue
        outcome.told += 1
        _tell(gateway, live, stream, record, prepared.event.id if prepared.event else "")


def _first_told(live: Live, digest: str) -> bool:
    """A record that is unusable is one dead letter, not one more at every reading; told anew once the connection, its
    mapping or the program is another."""
    if digest in live.unusable:
        return False
    if len(live.unusable) >= UNUSABLE_KNOWN:
        live.unusable.clear()
    live.unusable.add(digest)
    return True


def _signal_key(hub: Hub, live: Live, prepared: Prepared) -> str | None:
    """The fingerprint of an alert that makes tickets."""
    if prepared.record is None or prepared.mapping is None or prepared.mapping.target != "Alert":
        return None
    record = prepared.record | {"connection": live.id, "origin": live.origin, "ids": {}}
    rule = hub.rules.first("Alert", record)
    if rule is None or rule.template is None:
        return None
    try:
        key = rule.fingerprint.evaluate(record)
    except EvaluationError as error:
        log.warning("reconcile.no_fingerprint", connection=live.id, rule=rule.spec.id, reason=str(error))
        return None
    return key if isinstance(key, str) else None


def _is_news(signal: Signal | None, record: Mapping[str, Any]) -> bool:
    """Would the record move the signal? A stream that looks back gives older episodes again and again, and a first read
    all that ended before the hub was there, which concerns nobody."""
    if signal is None:
        return bool(record["status"] != "resolved")
    status, episode, starts_at = record["status"], record["episode"], record.get("starts_at")
    if (status, episode) == (signal.status, signal.episode):
        return False
    return not is_over(signal, episode, clock.from_datetime(starts_at) if starts_at else clock.now())


def _signals(gateway: Gateway, keys: Sequence[str]) -> dict[str, Signal]:
    """As far as `_is_news` asks; not locked, as the inbox looks again."""
    s = tables.signal.c
    found: dict[str, Signal] = {}
    with gateway.reading() as conn:
        for start in range(0, len(keys), 500):
            query = select(tables.signal).where(s.key.in_(keys[start : start + 500]))
            found |= {
                r.key: Signal(r.key, r.connection_id, r.rule, r.status, r.episode, r.started_at, r.ended_at, r.seen_at)
                for r in conn.execute(query)
            }
    return found


def _end_absent(
    gateway: Gateway, hub: Hub, live: Live, stream: Stream, present: set[str], began: int, outcome: Outcome
) -> None:
    """Signals that fire here but are not in the source's snapshot, and were not heard of since it was taken."""
    for key, ticket_id in list(_firing(gateway, live.id, began)):
        if key in present or ticket_id is None:
            continue
        with gateway.reading() as conn:
            told = [r for r in records(conn, hub, opening_messages(conn, ticket_id)) if r[1].id == live.id]
        for _, _, event, _ in told:
            if event.stream != stream.name or _signal_key(hub, live, _prepared(live, event)) != key:
                continue
            record = dict(event.record) | {"absent": True, "absent_at": clock.rfc3339(began)}
            _tell(gateway, live, stream, record, f"absent:{key}:{began}")
            outcome.ended += 1
            break


def _prepared(live: Live, event: Event) -> Prepared:
    return prepare(Incoming(0, live, Delivery(b""), [event], 0, lambda _: None))[0]


def _firing(gateway: Gateway, connection_id: str, before: int) -> Iterator[tuple[str, int | None]]:
    s = tables.signal.c
    with gateway.reading() as conn:
        firing = select(s.key, s.ticket_id).where(s.connection_id == connection_id, s.status == "firing")
        yield from ((r.key, r.ticket_id) for r in conn.execute(firing.where(s.seen_at < before)))


def _tell(gateway: Gateway, live: Live, stream: Stream, record: Any, event_id: str) -> None:
    """Through the inbox, as a delivery that holds the one record."""
    body = lineage.encode({"stream": stream.name, "id": event_id, "key": _key(stream, record), "record": record})
    delivery = Delivery(body=body, headers={"content-type": "application/json", "weft-read": stream.name},
                        received_at=clock.to_datetime(clock.now()), verified=True)  # fmt: skip
    gateway.run_in_inbox(live, delivery)


def _key(stream: Stream, record: Any) -> str:
    return "/".join(str(record.get(name, "")) for name in stream.key)


def _digest(stream: str, record: Any) -> str:
    body = orjson.dumps([stream, record], option=orjson.OPT_SORT_KEYS, default=str)
    return "read:" + hashlib.sha256(body).hexdigest()[:32]


def _cursor(gateway: Gateway, connection_id: str, stream: str) -> Any:
    c = tables.sync_state.c
    with gateway.reading() as conn:
        text = conn.execute(select(c.cursor).where(c.connection_id == connection_id, c.stream == stream)).scalar()
    return None if text is None else orjson.loads(text)


def _save(gateway: Gateway, connection_id: str, stream: str, cursor: Any, outcome: Outcome, began: int) -> None:
    """After the messages of the batch are committed: a crash in between reads the batch again, and finds it known."""
    values = {"cursor": orjson.dumps(cursor).decode(), "started_at": began}
    _upsert(gateway, connection_id, stream, values)


def _finish(gateway: Gateway, connection_id: str, stream: str, outcome: Outcome, began: int) -> None:
    values = {"started_at": began, "finished_at": clock.now(), "records": outcome.read, "bad": outcome.bad,
              "error": outcome.error}  # fmt: skip
    _upsert(gateway, connection_id, stream, values)


def _upsert(gateway: Gateway, connection_id: str, stream: str, values: dict[str, Any]) -> None:
    with gateway.transaction() as conn:
        insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
        statement = insert(tables.sync_state).values(connection_id=connection_id, stream=stream, **values)
        conn.execute(statement.on_conflict_do_update(index_elements=["connection_id", "stream"], set_=values))
