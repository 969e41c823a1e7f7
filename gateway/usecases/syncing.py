"""Reading streams on demand and on schedule, and trying a record without consequences."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, select

from connectors.contract import Delivery, Event
from connectors.runtime import Connection as Runtime
from gateway import clock, tables
from gateway.automation.records import previewed
from gateway.automation.specs import STANDING
from gateway.config.hub import Live
from gateway.errors import Conflict, NotFound
from gateway.ingest.inbox import Incoming
from gateway.ingest.item import prepare
from gateway.reconcile import reconcile, stream_of
from gateway.service import Gateway
from gateway.sync import engine, parts, rounds, state, store
from gateway.sync.planned import Sync, sync_of
from gateway.sync.writing import Progress


def run(
    gateway: Gateway, live: Live, stream_name: str, *, full: bool = False, progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One run over a stream: alerts are reconciled with the hub's signals, records of business with its replica.

    Answers the counts, and `error`: what went wrong at the source. Raises NotFound for an unknown stream; Conflict for one
    without a mapping, or while another run reads it.
    """
    stream = stream_of(live, stream_name)
    mapping = live.mappings.get(stream.name)
    if mapping is None:
        raise Conflict(f"Stream {stream_name!r} has no mapping, so nothing can be made of what it gives.")
    if mapping.target == "Alert":
        return asdict(reconcile(gateway, gateway.hub, live, stream, full=full))
    sync = sync_of(gateway.hub, live, stream)
    if sync is not None and sync.partitions is not None:
        return parts.run(gateway, gateway.hub, sync, parts.Wanted(full), progress=progress, stop=stop).as_dict()
    return engine.run(gateway, gateway.hub, live, stream, full=full, progress=progress, stop=stop).as_dict()


def one_of_several(live: Live) -> Live:
    """The same connection for one of the `reads_at_once` processes that read it: each has its share of the rate, so that
    together they keep within it."""
    share, runtime = live.spec.reads_at_once, live.runtime
    if share == 1 or runtime is None or live.config is None:
        return live
    told = runtime.policy
    own = replace(
        told, rate_per_s=told.rate_per_s / share, window_calls=told.window_calls and max(1, told.window_calls // share)
    )
    return replace(live, runtime=Runtime(live.id, runtime.connector, live.config, own))


def sync_named(gateway: Gateway, live: Live, stream_name: str) -> Sync:
    """How a stream of business records is read. Raises NotFound, Conflict."""
    found = sync_of(gateway.hub, live, stream_of(live, stream_name))
    if found is None:
        raise Conflict(f"Stream {stream_name!r} of {live.id!r} becomes no record that the hub keeps.")
    return found


def plan(
    gateway: Gateway, live: Live, stream_name: str, wanted: parts.Wanted, *, asked_by: str | None = None
) -> dict[str, Any]:
    """Begin to read a stream in parts: the number of the reading, and the names of the parts. Of a stream that is read as a
    whole nothing is begun, and there is one part without a name. Raises what `parts.plan` raises."""
    sync = sync_named(gateway, live, stream_name)
    if sync.partitions is None:
        if wanted.backfill:
            raise Conflict(f"{sync.name} is read as a whole; ask for it in full.")
        return {"reading": None, "parts": [""]}
    of = parts.plan(gateway, sync, wanted, asked_by=asked_by)
    with gateway.reading() as conn:
        return {"reading": of.id, "parts": list(rounds.parts_of(conn, of))}


def run_part(
    gateway: Gateway, live: Live, stream_name: str, reading: int | None, part: str, *, full: bool = False,
    progress: Progress | None = None, stop: threading.Event | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Read one part of a planned reading, or the whole stream where nothing was planned; answers as `run` does."""
    sync = sync_named(gateway, live, stream_name)
    if reading is None:
        full = full or sync.full
        return engine.run(gateway, gateway.hub, live, sync.stream, full=full, progress=progress, stop=stop).as_dict()
    return parts.run_part(gateway, gateway.hub, sync, reading, part, progress=progress, stop=stop).as_dict()


def finish(gateway: Gateway, live: Live, stream_name: str, reading: int | None) -> dict[str, Any]:
    """End a reading all of whose parts are read; of a stream that was read as a whole there is nothing to end."""
    sync = sync_named(gateway, live, stream_name)
    if reading is None:
        return {"error": "", "vetoes": []}
    return parts.finish(gateway, gateway.hub, sync, reading).as_dict()


def held(conn: Connection, live: Live, stream_name: str) -> int:
    """How many live records the hub holds of a stream."""
    shelf = store.shelf(conn, live.id, stream_name)
    return 0 if shelf is None else shelf.live


def status(conn: Connection) -> list[dict[str, Any]]:
    """Every stream that was read: when, how much, what went wrong; of records of business also what the last run did and
    how many are held."""
    c = tables.sync_state.c
    runs, shelves = state.last_runs(conn), store.shelves(conn)
    told = []
    for r in conn.execute(select(tables.sync_state).order_by(c.connection_id, c.stream)):
        place = (r.connection_id, r.stream)
        run, shelf = runs.get(place), shelves.get(place)
        told.append(
            {"connection": r.connection_id, "stream": r.stream, "started_at": clock.rfc3339(r.started_at),
             "finished_at": clock.rfc3339(r.finished_at), "records": r.records, "bad": r.bad, "error": r.error,
             "state": run.state if run is not None else "", "becomes": shelf.record if shelf is not None else "Alert",
             "held": shelf.live if shelf is not None else None,
             "counts": {n: getattr(run, n) for n in state.COUNTED} if run is not None else None}
        )  # fmt: skip
    return told


def preview(gateway: Gateway, live: Live, stream: str, record: dict[str, Any]) -> dict[str, Any]:
    """One raw record through mapping and rules. Raises NotFound when the stream has no mapping."""
    if stream not in live.mappings:
        raise NotFound(f"There is no mapping for stream {stream!r}; there are: " + (", ".join(live.mappings) or "none"))
    event = Event(id="preview", stream=stream, record=record)
    made = prepare(Incoming(0, live, Delivery(b""), [event], 0, lambda _: None))[0]
    mapping = live.mappings[stream]
    told: dict[str, Any] = {
        "mapping": mapping.name,
        "version": mapping.version,
        "record": mapping.target,
        "values": made.record,
    }
    if made.fault is not None:
        return told | {
            "end": "dead",
            "fault": {"path": made.fault.path, "reason": made.fault.reason, "hint": made.fault.hint},
        }
    if made.record is None:
        return told | {"end": "suppressed", "rule": made.reason}
    seen = made.record | {"connection": live.id, "origin": live.origin, "ids": {"device": "DEV-0000-000000"}}
    if mapping.target in STANDING:
        seen |= previewed(live, stream, mapping.target, made.record)
    rules = gateway.hub.rules
    told["rules"] = rules.explain(mapping.target, seen)
    rule = rules.first(mapping.target, seen) if mapping.target != "Reading" else None
    if rule is None or rule.template is None:
        return told | {"end": "suppressed", "rule": rule.spec.id if rule else "no-rule"}
    return told | {"end": "ticketed", "rule": rule.spec.id, "ticket": rule.template.run(seen).values}
