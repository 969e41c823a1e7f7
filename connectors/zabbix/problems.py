"""Reading stream `problem`: first all that is open, then everything that has happened since, in the order of event ids.

Zabbix numbers its events in the order in which its server makes them, so an id is a safe watermark where a clock is
none: values of a proxy that was cut off for hours make events with old clocks and new ids. What is read is the list
of PROBLEM and OK events after the watermark. A PROBLEM event is a record by itself. An OK event does not say which
problem it ends; `event.get` with `problem_time_from` gives the problems of its trigger that were still open at its
clock, and among these are those whose `r_eventid` it is. So neither a PROBLEM nor a RECOVERY that the webhook could
not deliver stays unknown.

Several history syncers write at once, so an id may appear after a higher one, up to `lookback_s` later. Each read
therefore starts again at the watermark of the last read that was `lookback_s` older than the latest; what it sees
twice is the same record.

Problems under maintenance are held back like Zabbix's own messages: their ids stay in the cursor until they are free.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from connectors.contract import Batch, Cursor, Record, Stream
from connectors.errors import BadRecord, ConfigProblem
from connectors.zabbix.client import ZabbixClient
from connectors.zabbix.config import ZabbixConfig
from connectors.zabbix.records import SCHEMA, STREAM, from_api, moment

BATCH_ROWS = 2500
"""More than a page, as one OK event may end several problems."""
MARKS = 20
"""About so many marks are kept for one look back, however often is read."""
_FOR_EVER = 2**31 - 1
_OF_EVENT = (
    "eventid",
    "value",
    "objectid",
    "clock",
    "name",
    "severity",
    "acknowledged",
    "r_eventid",
    "opdata",
    "suppressed",
)


def stream(config: ZabbixConfig) -> Stream:
    return Stream(name=STREAM, key=("event_id",), schema_=SCHEMA, mode="incremental", lookback=config.lookback)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a read goes on. `marks`: (seconds since 1970, the id to go on from at that time), oldest first.
    `open_after`: the first read is still in the list of open problems, after this id. `held`: suppressed problems not
    yet told."""

    marks: tuple[tuple[int, int], ...] = ()
    open_after: int | None = None
    held: frozenset[int] = field(default_factory=frozenset)

    @classmethod
    def load(cls, cursor: Cursor) -> Position | None:
        if cursor is None:
            return None
        try:
            if not isinstance(cursor, dict):
                raise TypeError("no object")
            marks: Any = cursor["marks"]
            held: Any = cursor.get("held", [])
            after: Any = cursor.get("open_after")
            loaded = cls(
                tuple((int(t), int(i)) for t, i in marks), None if after is None else int(after), frozenset(held)
            )
        except (KeyError, TypeError, ValueError) as e:
            raise ConfigProblem(f"The cursor is none of this connector: {e}.", hint="Start the sync anew.") from e
        if not loaded.marks:
            raise ConfigProblem("The cursor is none of this connector: it has no marks.", hint="Start the sync anew.")
        return loaded

    def dump(self) -> Cursor:
        after = {} if self.open_after is None else {"open_after": self.open_after}
        marks: list[JsonValue] = [[t, i] for t, i in self.marks]
        held: list[JsonValue] = [*sorted(self.held)]
        return {"marks": marks, "held": held, **after}

    @property
    def start(self) -> int:
        """The id to go on from: what lies below was old enough when it was read last for nothing to be missing
        there."""
        return self.marks[0][1]

    def reached(self, now: int, lookback: int, next_id: int) -> Position:
        """After a read at `now` that came up to `next_id`: with this mark, unless the last is very new, and without
        those older than the newest one of `lookback` ago. That one is where the next read starts, however late it
        comes: whatever may have been missing at `now` has a higher id."""
        marks = [*self.marks]
        if now - marks[-1][0] >= lookback / MARKS:
            marks.append((now, next_id))
        old = [m for m in marks if m[0] <= now - lookback]
        recent = [m for m in marks if m[0] > now - lookback]
        return replace(self, marks=(*old[-1:], *recent), open_after=None)


class ProblemReader:
    """One read of the stream; `clock` is the hub's."""

    def __init__(self, client: ZabbixClient, config: ZabbixConfig, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._config = config
        self._clock = clock
        self._page = config.page_size
        self._groups: list[str] | None = None

    def read(self, cursor: Cursor) -> Iterator[Batch]:
        """The batches from a cursor on. Each batch's cursor is safe to resume from."""
        position = Position.load(cursor)
        if position is None:
            now = self._now()
            position = Position(marks=((now, self._newest_before(now - self._config.lookback_s) + 1),), open_after=0)
        if self._config.host_groups:
            self._groups = group_ids(self._client, self._config.host_groups)
        if position.open_after is not None:
            position = yield from self._open(position)
        yield from self._changes(position)

    # -- the two parts of a read -------------------------------------------------------------------------------------

    def _open(self, position: Position) -> Generator[Batch, None, Position]:
        """All open problems, page by page; what happens meanwhile has ids after the mark and is read afterwards."""
        after, until = position.open_after or 0, position.marks[0][1] - 1
        while True:
            query: dict[str, Any] = {"output": ["eventid"], "sortfield": ["eventid"], "sortorder": "ASC"}
            query |= {"eventid_from": str(after + 1), "eventid_till": str(until), "limit": self._page}
            ids = [str(p["eventid"]) for p in self._get("problem.get", query | self._scope())]
            events = self._events({"eventids": ids}) if ids else []
            records, bad, held = self._records(events, {})
            full = len(ids) == self._page
            after = int(ids[-1]) if ids else after
            position = replace(position, open_after=after if full else None, held=position.held | held)
            yield from self._batches(records, bad, position)
            if not full:
                return position

    def _changes(self, position: Position) -> Iterator[Batch]:
        """Everything that happened since the mark, then what is no longer held back."""
        lookback = self._config.lookback_s
        next_id = position.start
        held = position.held
        while True:
            asked_at = self._now()
            query = {"value": [0, 1], "eventid_from": str(next_id), "limit": self._page} | self._scope()
            found = self._events(query)
            problems = {str(e["eventid"]): e for e in found if str(e["value"]) == "1"}
            ended_at = {str(e["eventid"]): moment(e["clock"]) for e in found if str(e["value"]) == "0"}
            ended = self._ended_by([e for e in found if str(e["value"]) == "0"])
            problems |= {str(e["eventid"]): e for e in ended}
            records, bad, suppressed = self._records(list(problems.values()), ended_at)
            held = (held - {int(i) for i in problems}) | suppressed
            last = len(found) < self._page
            if found:
                next_id = max(next_id, int(found[-1]["eventid"]) + 1)
            if last:
                freed, freed_bad, held = self._freed(held, known=set(problems))
                records, bad = [*records, *freed], [*bad, *freed_bad]
            position = replace(position.reached(asked_at, lookback, next_id), held=held)
            yield from self._batches(records, bad, position)
            if last:
                return

    def _batches(self, records: Sequence[Record], bad: Sequence[BadRecord], position: Position) -> Iterator[Batch]:
        """One batch, or several when one OK event ended very many problems; the cursor comes with the last."""
        rest = list(records)
        while len(rest) + len(bad) > BATCH_ROWS:
            yield Batch(rest[: BATCH_ROWS - len(bad)], None)
            rest = rest[BATCH_ROWS - len(bad) :]
        yield Batch(rest, position.dump(), bad)

    def _ended_by(self, oks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The problems that these OK events ended."""
        if not oks:
            return []
        ids = {str(e["eventid"]) for e in oks}
        query = {
            "objectids": sorted({str(e["objectid"]) for e in oks}),
            "value": [1],
            "problem_time_from": min(int(e["clock"]) for e in oks),
            "problem_time_till": _FOR_EVER,
        }
        return [e for e in self._events(query) if str(e.get("r_eventid")) in ids]

    def _freed(self, held: frozenset[int], known: set[str]) -> tuple[list[Record], list[BadRecord], frozenset[int]]:
        """The records of problems held back until now that no maintenance covers any more, and what stays held."""
        ids = sorted(i for i in held if str(i) not in known)
        if not ids:
            return [], [], held
        events = self._events({"eventids": [str(i) for i in ids], "value": [1]})
        records, bad, still = self._records([e for e in events if str(e.get("r_eventid") or "0") == "0"], {})
        return records, bad, still | frozenset(i for i in held if str(i) in known)

    # -- what the API is asked ----------------------------------------------------------------------------------------

    def _get(self, method: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = self._client.call(method, params)
        if not isinstance(found, list):
            raise ConfigProblem(f"Zabbix's answer to {method} is no list; is `url` a Zabbix front end?")
        return found

    def _scope(self) -> dict[str, Any]:
        return {} if self._groups is None else {"groupids": self._groups}

    def _now(self) -> int:
        return int(self._clock().timestamp())

    def _newest_before(self, clock: int) -> int:
        """The newest event that is old enough for no lower id to appear any more."""
        query = {"output": ["eventid"], "time_till": clock, "sortfield": ["eventid"], "sortorder": "DESC", "limit": 1}
        found = self._get("event.get", query)
        return int(found[0]["eventid"]) if found else 0

    def _events(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        shape = {
            "output": list(_OF_EVENT),
            "selectHosts": ["hostid", "host", "name"],
            "selectTags": ["tag", "value"],
            "sortfield": ["eventid"],
            "sortorder": "ASC",
        }
        return self._get("event.get", shape | dict(query))

    def _triggers(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        query = {
            "triggerids": sorted(set(ids)),
            "output": ["triggerid", "expression", "comments", "url"],
            "expandComment": True,
            "selectFunctions": ["functionid", "itemid"],
            "selectItems": ["itemid", "hostid", "key_", "name"],
            "selectHosts": ["hostid", "host", "name"],
        }
        return {str(t["triggerid"]): t for t in self._get("trigger.get", query)}

    def _recovery_times(
        self, events: Sequence[Mapping[str, Any]], known: Mapping[str, datetime | None]
    ) -> dict[str, Any]:
        """The clock of every OK event that these problems name."""
        times = dict(known)
        missing = sorted({str(e["r_eventid"]) for e in events if str(e.get("r_eventid") or "0") not in {"0", *times}})
        if missing:
            query = {"output": ["eventid", "clock"], "eventids": missing, "value": [0]}
            times |= {str(e["eventid"]): moment(e["clock"]) for e in self._get("event.get", query)}
        return times

    def _records(
        self, events: Sequence[Mapping[str, Any]], ended_at: Mapping[str, datetime | None]
    ) -> tuple[list[Record], list[BadRecord], frozenset[int]]:
        """The records of PROBLEM events, what of them is unusable, and the ids of those held back."""
        bad: list[BadRecord] = []
        wanted: dict[int, Mapping[str, Any]] = {}
        held: set[int] = set()
        for event in events:
            try:
                if int(event["severity"]) < self._config.lowest:
                    continue
                number = int(event["eventid"])
            except (KeyError, ValueError, TypeError) as e:
                bad.append(_unusable(event, e))
                continue
            if self._is_held(event):
                held.add(number)
            else:
                wanted[number] = event
        if not wanted:
            return [], bad, frozenset(held)
        triggers = self._triggers(str(e["objectid"]) for e in wanted.values())
        times = self._recovery_times(list(wanted.values()), ended_at)
        records: list[Record] = []
        for _, event in sorted(wanted.items()):
            trigger = triggers.get(str(event["objectid"]), {})
            try:
                end = times.get(str(event.get("r_eventid") or "0"))
                records.append(from_api(event, trigger, end, self._config.url))
            except (KeyError, ValueError, TypeError, IndexError) as e:
                bad.append(_unusable(event, e))
        return records, bad, frozenset(held)

    def _is_held(self, event: Mapping[str, Any]) -> bool:
        suppressed = str(event.get("suppressed")) == "1" and str(event.get("r_eventid") or "0") == "0"
        return suppressed and not self._config.include_suppressed


def _unusable(event: Mapping[str, Any], error: Exception) -> BadRecord:
    return BadRecord(f"Event {event.get('eventid')} of Zabbix's answer is unusable: {error!r}.", record=dict(event))


def group_ids(client: ZabbixClient, names: Sequence[str]) -> list[str]:
    """The ids of the named host groups and all their subgroups. Raises ConfigProblem for a name without a group."""
    found = client.call("hostgroup.get", {"output": ["groupid", "name"]})

    def within(group: Mapping[str, Any], name: str) -> bool:
        return bool(group["name"] == name or group["name"].startswith(f"{name}/"))

    missing = [n for n in names if not any(within(g, n) for g in found)]
    if missing:
        raise ConfigProblem(
            f"`host_groups`: no group {', '.join(map(repr, missing))} that the hub's account may see.",
            hint="Check the spelling, or give the account's user group read permission to it.",
        )
    return sorted(str(g["groupid"]) for g in found if any(within(g, n) for n in names))
