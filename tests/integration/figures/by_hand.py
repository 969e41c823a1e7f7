"""The same figures written a second time, in SQL over the raw entries, without a line of core_tickets.

`figures(conn, as_of)` gives {(metric, day, dimension, key): (numerator, denominator)}. Days are those of Asia/Shanghai, which
has been eight hours ahead of UTC since 1991.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, text

CHANGES = {
    "sqlite": """CREATE TEMP TABLE change AS SELECT e.ticket_id, e.id, e.at, json_extract(c.value, '$[0]') AS field,
        CAST(json_extract(c.value, '$[1]') AS TEXT) AS old, CAST(json_extract(c.value, '$[2]') AS TEXT) AS new
        FROM ticket_entry e, json_each(e.changes) c WHERE e.at < :as_of""",
    "postgresql": """CREATE TEMP TABLE change AS SELECT e.ticket_id, e.id, e.at, c.value ->> 0 AS field,
        c.value ->> 1 AS old, c.value ->> 2 AS new
        FROM ticket_entry e CROSS JOIN LATERAL jsonb_array_elements(e.changes::jsonb) c WHERE e.at < :as_of""",
}
PREPARED = (
    """CREATE TEMP TABLE said AS SELECT e.id, e.ticket_id, e.at, e.name, e.actor_kind, e.data,
        CASE WHEN e.actor_kind <> 'person' THEN NULL WHEN e.actor LIKE 'token:%' THEN substr(e.actor, 7) ELSE e.actor END
        AS person, lead(e.at) OVER (PARTITION BY e.ticket_id ORDER BY e.id) AS next_at
        FROM ticket_entry e WHERE e.at < :as_of""",
    """CREATE TEMP TABLE move AS SELECT ticket_id, id, at, CASE WHEN old IS NULL OR old = '' THEN NULL ELSE old END AS
        old, new, lead(id) OVER w AS next_id, lead(at) OVER w AS next_at
        FROM change WHERE field = 'status' WINDOW w AS (PARTITION BY ticket_id ORDER BY id)""",
    """CREATE TEMP TABLE work AS SELECT b.ticket_id, b.id AS first, b.at AS begun, e.id AS last, e.at AS done
        FROM move b LEFT JOIN move e ON e.ticket_id = b.ticket_id AND e.id = (SELECT min(x.id) FROM move x WHERE
        x.ticket_id = b.ticket_id AND x.id > b.id AND x.new IN ('resolved', 'closed'))
        WHERE b.new NOT IN ('resolved', 'closed') AND (b.old IS NULL OR b.old IN ('resolved', 'closed'))""",
    "CREATE INDEX change_by ON change (ticket_id, field, id)",
    "CREATE INDEX said_by ON said (ticket_id, id)",
)


def _was(field: str, entry: str, before: bool = True) -> str:
    """A field of a ticket before (or after) an entry."""
    sign = "<" if before else "<="
    ticket, at = f"{entry}.ticket_id", f"{entry}.id" if "." not in entry else entry
    if "." in entry:
        ticket = entry.split(".", maxsplit=1)[0] + ".ticket_id"
    mine = f"c.ticket_id = {ticket} AND c.field = '{field}' AND c.id {sign} {at}"
    return f"(SELECT c.new FROM change c WHERE {mine} ORDER BY c.id DESC LIMIT 1)"


def _latest(field: str, ticket: str) -> str:
    return (
        f"(SELECT c.new FROM change c WHERE c.ticket_id = {ticket} AND c.field = '{field}' ORDER BY c.id DESC LIMIT 1)"
    )


def _whose(entry: str, before: bool = True, unless: str = "") -> str:
    """Kind, group and priority of a ticket before (or after) an entry; those after the entry `unless`, where it is there."""
    columns = [_was(field, entry, before) for field in ("kind", "group", "priority")]
    if unless:
        other = [_was(field, unless, False) for field in ("kind", "group", "priority")]
        columns = [f"CASE WHEN {unless}.id IS NULL THEN {a} ELSE {b} END" for a, b in zip(columns, other, strict=True)]
    return ", ".join(columns)


def _n(expression: str) -> str:
    return f"CAST({expression} AS BIGINT)"


def _then(ticket: str, at: str) -> str:
    """The last entry of a ticket at a moment; its first one before that."""
    later = f"SELECT min(y.id) FROM said y WHERE y.ticket_id = {ticket} AND y.at > {at}"
    before = f"SELECT max(x.id) FROM said x WHERE x.ticket_id = {ticket} AND x.id < coalesce(({later}), {NO_DUE})"
    return f"coalesce(({before}), (SELECT min(x.id) FROM said x WHERE x.ticket_id = {ticket}))"


NO_DUE = "9000000000000000"
# every query: at, numerator, denominator, person, kind, group, priority, stage
QUERIES = {
    "opened": f"""SELECT m.at, 1, 1, {_was('assignee', 'm', False)}, {_whose('m', False)}, '' FROM move m
        WHERE m.old IS NULL""",
    "resolved": f"""SELECT w.done, 1, 1, {_was('assignee', 'w.last')}, {_whose('w.last')}, '' FROM work w
        WHERE w.last IS NOT NULL""",
    "resolution_time": f"""SELECT w.done, w.done - w.begun, 1, {_was('assignee', 'w.last')}, {_whose('w.last')}, ''
        FROM work w WHERE w.last IS NOT NULL""",
    "confirmed": f"SELECT s.at, 1, 1, {_was('assignee', 's')}, {_whose('s')}, '' FROM said s WHERE s.name = 'confirm'",
    "time_to_confirm": f"""SELECT s.at, s.at - o.at, 1, {_was('assignee', 's')}, {_whose('s')}, '' FROM said s JOIN said o
        ON o.ticket_id = s.ticket_id AND o.name = 'open' WHERE s.name = 'confirm'""",
    "satisfaction": f"""SELECT s.at, CAST({{score}} AS BIGINT), 1, {_was('assignee', 's')}, {_whose('s')}, '' FROM said s
        WHERE s.name = 'confirm' AND {{score}} IS NOT NULL""",
    "confirmed_share": f"""SELECT w.done, (SELECT count(*) FROM said s WHERE s.ticket_id = w.ticket_id AND s.name = 'confirm'
        AND s.id > w.last AND s.id < coalesce((SELECT min(x.first) FROM work x WHERE x.ticket_id = w.ticket_id AND
        x.first > w.last), {NO_DUE})), 1, {_was('assignee', 'w.last')}, {_whose('w.last')}, '' FROM work w
        WHERE w.last IS NOT NULL""",
    "first_response": f"""SELECT s.at, s.at - o.at, 1, coalesce(s.person, {_was('assignee', 's', False)}),
        {_whose('s', False)}, '' FROM change f JOIN said s ON s.id = f.id JOIN said o ON o.ticket_id = s.ticket_id
        AND o.name = 'open' WHERE f.field = 'first_responded_at'""",
    "first_response_deviation": f"""SELECT s.at, s.at - {_n(_was('first_response_due', 's'))}, 1, coalesce(s.person,
        {_was('assignee', 's', False)}), {_whose('s', False)}, '' FROM change f JOIN said s ON s.id = f.id
        WHERE f.field = 'first_responded_at' AND {_was('first_response_due', 's')} IS NOT NULL""",
    "stay_time": f"""SELECT m.next_at, m.next_at - m.at, 1, {_was('assignee', 'm.next_id')}, {_whose('m.next_id')}, m.new
        FROM move m WHERE m.next_id IS NOT NULL""",
    "return_rate": f"""SELECT m.next_at, CASE WHEN {{rank_old}} > {{rank_new}} OR EXISTS (SELECT 1 FROM said s WHERE
        s.ticket_id = m.ticket_id AND s.id > m.id AND s.id <= m.next_id AND s.name IN ('return', 'return_handoff')) THEN 1
        ELSE 0 END, 1, {_was('assignee', 'm.next_id')}, {_whose('m.next_id')}, m.new FROM move m
        WHERE m.next_id IS NOT NULL""",
    "repeat_repair": f"""SELECT w.done, CASE WHEN EXISTS (SELECT 1 FROM work x WHERE x.ticket_id = w.ticket_id AND
        x.first > w.last AND x.begun < w.done + 30 * 86400000000) OR EXISTS (SELECT 1 FROM about o JOIN about a ON
        a.ticket_id = w.ticket_id AND o.thing = a.thing AND o.kind = a.kind AND o.ticket_id <> a.ticket_id
        WHERE o.at > w.done AND o.at < w.done + 30 * 86400000000 AND (o.cause IS NULL OR {_was('cause', 'w.last', False)}
        IS NULL OR o.cause = {_was('cause', 'w.last', False)})) THEN 1 ELSE 0 END, 1, {_was('assignee', 'w.last')},
        {_whose('w.last')}, '' FROM work w JOIN said s ON s.id = w.last WHERE s.actor_kind = 'person' AND
        coalesce({_was('cause', 'w.last', False)}, '') NOT IN ('recovered', 'false_alarm')""",
    "duplicate_rate": f"""SELECT a.at, CASE WHEN EXISTS (SELECT 1 FROM about o WHERE o.thing = a.thing AND o.kind = a.kind
        AND o.ticket_id <> a.ticket_id AND (o.at < a.at OR (o.at = a.at AND o.id < a.id)) AND
        o.at >= a.at - 7 * 86400000000 AND (SELECT m.new FROM move m WHERE m.ticket_id = o.ticket_id AND m.at <= a.at
        ORDER BY m.id DESC LIMIT 1) NOT IN ('resolved', 'closed')) THEN 1 ELSE 0 END, 1, {_was('assignee', 'a', False)},
        {_whose('a', False)}, '' FROM about a WHERE a.thing IS NOT NULL AND a.storm IS NULL""",
    # an entry after which the promise fell due before the next one; the first such of a round breaks it
    "overdue": f"""SELECT CASE WHEN b.id IS NULL THEN w.done ELSE b.broken END, CASE WHEN b.id IS NULL THEN 0 ELSE 1 END, 1,
        CASE WHEN b.id IS NULL THEN {_was('assignee', 'w.last')} ELSE {_was('assignee', 'b', False)} END,
        {_whose('w.last', unless='b')}, ''
        FROM work w LEFT JOIN late b ON b.ticket_id = w.ticket_id AND b.id = (SELECT min(x.id) FROM late x WHERE
        x.ticket_id = w.ticket_id AND x.id >= w.first AND (w.last IS NULL OR x.id < w.last))
        WHERE b.id IS NOT NULL OR (w.last IS NOT NULL AND {_was('resolution_due', 'w.last')} IS NOT NULL)""",
    "first_response_overdue": f"""SELECT CASE WHEN b.id IS NULL THEN d.at ELSE b.broken END, CASE WHEN b.id IS NULL THEN 0
        ELSE 1 END, 1, CASE WHEN b.id IS NULL THEN coalesce(d.person, {_was('assignee', 'd')}) ELSE
        {_was('assignee', 'b', False)} END, {_whose('d', unless='b')},
        '' FROM said o LEFT JOIN said d ON d.id = (SELECT min(c.id) FROM change c WHERE c.ticket_id = o.ticket_id AND
        c.id > o.id AND (c.field = 'first_responded_at' OR (c.field = 'status' AND c.new IN ('resolved', 'closed'))))
        LEFT JOIN unanswered b ON b.ticket_id = o.ticket_id AND b.id = (SELECT min(x.id) FROM unanswered x WHERE
        x.ticket_id = o.ticket_id AND (d.id IS NULL OR x.id < d.id))
        WHERE o.name = 'open' AND (b.id IS NOT NULL OR (d.id IS NOT NULL AND {_was('first_response_due', 'd')} IS NOT NULL))""",
}  # fmt: skip
# what other rooms of the hub keep of tickets: questions asked of other systems, and alerts a ticket stood for already
SIGNALS = {
    "context_completeness": f"""SELECT q.at, q.answered, 1, {_was('assignee', 'q', False)}, {_whose('q', False)}, '' FROM (
        SELECT c.ticket_id, c.asked_at AS at, CASE WHEN c.status IN ('ok', 'empty') AND c.answered_at < :as_of THEN 1 ELSE 0
        END AS answered, {_then('c.ticket_id', 'c.asked_at')} AS id FROM context_section c WHERE c.asked_at < :as_of) q
        WHERE q.id IS NOT NULL""",
    "repeat_share": f"""SELECT q.at, q.n, q.n + q.opened, {_was('assignee', 'q', False)}, {_whose('q', False)}, '' FROM (
        SELECT o.ticket_id, o.at, 0 AS n, 1 AS opened, o.id FROM said o WHERE o.name = 'open' UNION ALL
        SELECT m.ticket_id, m.at, m.n, 0, {_then('m.ticket_id', 'm.at')} FROM (SELECT ticket_id, max(at) AS at, count(*) AS n
        FROM message WHERE "end" = 'merged' AND at < :as_of GROUP BY ticket_id, (at + 28800000000) / 86400000000) m) q
        WHERE q.id IS NOT NULL""",
}  # fmt: skip
RANK = """CASE {} WHEN 'pending' THEN 0 WHEN 'in_progress' THEN 1 WHEN 'blocked' THEN 1 WHEN 'resolved' THEN 2
    WHEN 'closed' THEN 3 ELSE -1 END"""
LATE = """CREATE TEMP TABLE {table} AS SELECT q.ticket_id, q.id, CASE WHEN q.due > q.at THEN q.due ELSE q.at END AS broken
    FROM (SELECT s.ticket_id, s.id, s.at, coalesce(s.next_at, :as_of) AS until, {due} AS due FROM said s WHERE {where}) q
    WHERE q.due IS NOT NULL AND CASE WHEN q.due > q.at THEN q.due ELSE q.at END < q.until"""
ABOUT = f"""CREATE TEMP TABLE about AS SELECT o.ticket_id, o.id, o.at, coalesce({_latest("device", "o.ticket_id")},
    {_latest("customer", "o.ticket_id")}) AS thing, {_latest("kind", "o.ticket_id")} AS kind,
    {_latest("cause", "o.ticket_id")} AS cause, {_latest("storm_id", "o.ticket_id")} AS storm
    FROM said o WHERE o.name = 'open'"""
SCORE = {"sqlite": "json_extract(s.data, '$.score')", "postgresql": "(s.data::jsonb ->> 'score')"}

Found = dict[tuple[str, str, str, str], tuple[int, int]]


def figures(conn: Connection, as_of: int, queries: Mapping[str, str] = QUERIES) -> Found:
    """All figures that SQL can tell, as known at `as_of`, in a transaction of their own whose tables are dropped. `queries`:
    where there is a whole hub, `SIGNALS` too."""
    dialect = conn.dialect.name
    made = ("change", "said", "move", "work", "late", "unanswered", "about")
    for table in made:
        conn.execute(text(f"DROP TABLE IF EXISTS {table}"))
    conn.execute(text(CHANGES[dialect]), {"as_of": as_of})
    for statement in PREPARED:
        conn.execute(text(statement), {"as_of": as_of} if ":as_of" in statement else {})
    paused, due = _was("paused_since", "s", False), _n(_was("resolution_due", "s", False))
    late = LATE.format(table="late", due=due, where=f"{paused} IS NULL")
    conn.execute(text(late), {"as_of": as_of})
    waiting = LATE.format(table="unanswered", due=_n(_was("first_response_due", "s", False)), where="1 = 1")
    conn.execute(text(waiting), {"as_of": as_of})
    conn.execute(text(ABOUT))
    conn.execute(text("CREATE INDEX about_by ON about (thing)"))
    found: Found = defaultdict(lambda: (0, 0))
    for metric, query in queries.items():
        sql = query
        for name, given in (
            ("score", SCORE[dialect]),
            ("rank_old", RANK.format("m.old")),
            ("rank_new", RANK.format("m.new")),
        ):
            sql = sql.replace("{" + name + "}", given)
        for row in conn.execute(text(sql), {"as_of": as_of} if ":as_of" in sql else {}):
            _add(found, metric, *row)
    for table in made:
        conn.execute(text(f"DROP TABLE {table}"))
    return dict(found)


def _add(
    found: Found, metric: str, at: int, numerator: int, denominator: int, person: Any, kind: str, group: Any, priority: Any,
    stage: str,
) -> None:  # fmt: skip
    groups = [
        ("all", ""),
        ("person", person or ""),
        ("kind", kind),
        ("group", group or ""),
        ("priority", f"P{priority}"),
    ]
    groups += [("stage", stage)] if stage else []
    for dimension, key in groups:
        place = (metric, day(at), dimension, key)
        n, d = found[place]
        found[place] = (n + int(numerator), d + int(denominator))


def day(at: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=(int(at) + 8 * 3_600_000_000) // 86_400_000_000)).isoformat()
