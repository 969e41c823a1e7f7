"""What must hold at any time of the campaign. Each check reads the tables by itself and names every ticket that fails it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, text

from gateway.usecases import ledger
from tests.campaign import expected
from tests.campaign.expected import Promises, length, line_of
from tests.campaign.trails import DUES, Line, State, stretches, trails
from tests.campaign.working_time import Hours

Problems = list[str]
STEPS = ("escalated", "warned", "breached", "room")
BECAUSE = {"opened", "graded_anew", "waited_for_customer", "reopened", "by_hand"}


def at(moment: int | None) -> str:
    """For people."""
    from gateway.clock import rfc3339

    return rfc3339(moment) or "never"


def nothing_is_unowned(conn: Connection) -> Problems:
    """Every open ticket has a holder or a group, now and after every line of its timeline."""
    query = text(
        "SELECT id FROM ticket WHERE status IN ('pending', 'in_progress', 'blocked') AND assignee IS NULL "
        'AND "group" IS NULL'
    )
    found = [f"ticket {number} is open and belongs to nobody" for number in conn.execute(query).scalars()]
    for trail in trails(conn):
        for state, _, until in stretches(trail, 1 << 62):
            if state.running and not state["assignee"] and not state["group"]:
                found.append(f"{trail.name} belonged to nobody until {at(until)}")
    return found


def time_goes_on(conn: Connection) -> Problems:
    """No line of a timeline is older than the one before it, and what a line says was before it was."""
    found = []
    for trail in trails(conn):
        held: dict[str, Any] = {}
        last = 0
        for line in trail.lines:
            if line.at < last:
                found.append(f"{trail.name}: line {line.id} ({line.name}) is older than the one before it")
            last = line.at
            for name, before, after in line.changes:
                if line.name != "open" and before != held.get(name) and (before or held.get(name)):
                    found.append(f"{trail.name}: line {line.id} says {name} was {before!r}, it was {held.get(name)!r}")
                held[name] = after
    return found


def escalations(conn: Connection, hours: Mapping[str, Hours], now: int, late: int) -> Problems:
    """Every due step ran exactly once, none that was not due, none later than `late`; each is on the timeline once."""
    ran: dict[int, dict[tuple[int, str], tuple[int, int]]] = {}
    for row in conn.execute(text("SELECT ticket_id, episode, step, due_at, fired_at FROM escalation")):
        ran.setdefault(row.ticket_id, {})[row.episode, row.step] = (row.due_at, row.fired_at)
    found = []
    for trail in trails(conn):
        due, mine = expected.steps(trail, hours, now), ran.get(trail.ticket, {})
        for (_, key), (moment, _) in sorted((each, due[each]) for each in due.keys() - mine.keys()):
            found.append(f"{trail.name}: {key} was due at {at(moment)} and never ran")
        for (_, key), (moment, fired) in sorted((each, mine[each]) for each in mine.keys() - due.keys()):
            found.append(f"{trail.name}: {key} ran at {at(fired)} (for {at(moment)}) though it was not due")
        for each in due.keys() & mine.keys():
            (told, known), (moment, fired) = due[each], mine[each]
            if moment != told:
                found.append(f"{trail.name}: {each[1]} was due at {at(told)}, the hub says {at(moment)}")
            if not max(moment, known) <= fired <= max(moment, known) + late:
                found.append(f"{trail.name}: {each[1]} was due at {at(max(moment, known))} and ran at {at(fired)}")
        noted = Counter((line.data["step"], line.data["due_at"]) for line in trail.lines if line.name in STEPS)
        recorded = Counter((key, moment) for (_, key), (moment, _) in mine.items())
        for (key, moment), times in (noted - recorded).items():
            found.append(f"{trail.name}: {key} of {at(moment)} is on the timeline {times} times too often")
        for (key, moment), _ in (recorded - noted).items():
            found.append(f"{trail.name}: {key} of {at(moment)} ran and is not on the timeline")
    return found


def fired(conn: Connection) -> int:
    """How many steps ran."""
    return int(conn.execute(text("SELECT count(*) FROM escalation")).scalar_one())


def pauses_add_up(conn: Connection, hours: Mapping[str, Hours]) -> Problems:
    """The working time of all waits for the customer since the (re)opening is what the ticket counts, and by that much its
    resolution is due later."""
    kept = {
        row.id: row
        for row in conn.execute(text("SELECT id, paused_total, resolution_due, due_fixed FROM ticket WHERE paused_total > 0 "
                                     "OR paused_since IS NOT NULL OR status <> 'pending'"))
    }  # fmt: skip
    found = []
    for trail in trails(conn):
        row = kept.get(trail.ticket)
        if row is None:
            continue
        waited, since, state = 0, None, State()
        graded = trail.lines[0].at
        for line in trail.lines:
            before = state["paused_since"]
            state.enter(line)
            calendar = hours[line_of(state).get("calendar", "always")]
            if before is None and state["paused_since"] is not None:
                since = line.at
            elif since is not None and state["paused_since"] is None:
                waited, since = waited + calendar.between(since, line.at), None
            moved = {name for name, _, _ in line.changes}
            if "reopened_at" in moved:
                waited = 0
            if moved & {"kind", "priority", "reopened_at"}:
                graded = line.at
        if waited != row.paused_total:
            found.append(
                f"{trail.name}: waited {waited / 6e7:.3f} min for its customer, the hub counts {row.paused_total / 6e7:.3f}"
            )
        if not row.due_fixed and (told := _resolution_due(state, hours, waited)) != row.resolution_due:
            found.append(f"{trail.name}: the resolution is due at {at(told)}, the hub says {at(row.resolution_due)} "
                         f"(graded {at(graded)})")  # fmt: skip
    return found


def _resolution_due(state: State, hours: Mapping[str, Hours], waited: int) -> int | None:
    line = line_of(state)
    if "resolution" not in line:
        return None
    calendar = hours[line.get("calendar", "always")]
    return calendar.add(state.episode, length(line["resolution"]) + waited)


def no_promise_moves_silently(conn: Connection) -> Problems:
    """Every change of a due time is a line that says why, the reason fits what happened, and the row holds what the lines
    say."""
    columns = ", ".join(DUES)
    rows = {row.id: row for row in conn.execute(text(f"SELECT id, {columns} FROM ticket"))}
    found = []
    for trail in trails(conn):
        state = State()
        for line in trail.lines:
            state.enter(line)
            moved = [name for name, before, after in line.changes if name in DUES and before != after]
            because = line.data.get("promise", {}).get("because") if moved else ""
            if moved and because not in BECAUSE:
                found.append(
                    f"{trail.name}: {line.name} at {at(line.at)} moves {', '.join(moved)} and does not say why"
                )
            elif moved and not _fits(line, because):
                found.append(
                    f"{trail.name}: {line.name} at {at(line.at)} moves {', '.join(moved)} because {because}: it was not"
                )
        row = rows[trail.ticket]
        for name in DUES:
            if state[name] != getattr(row, name):
                found.append(f"{trail.name}: {name} is {at(getattr(row, name))}, its timeline says {at(state[name])}")
    return found


def _fits(line: Line, because: str) -> bool:
    fields = {name for name, _, _ in line.changes}
    match because:
        case "opened":
            return line.name == "open"
        case "graded_anew":
            return bool(fields & {"kind", "priority"})
        case "waited_for_customer":
            return "paused_since" in fields
        case "reopened":
            return "reopened_at" in fields
    return line.name in ("promise", "set", "open", "answered")


def the_ledger_adds_up(conn: Connection, sent: int) -> Problems:
    """`weft audit` is clean, and what was sent was received."""
    report = ledger.audit(conn)
    found = [f"weft audit: {each.what}: {', '.join(each.rows[:5])}" for each in report.findings]
    received = sum(report.by_connection.get("am", {}).values())
    if received != sent:
        found.append(f"{sent} alerts were sent, {received} are in the ledger")
    return found


def promises_of_the_opening(conn: Connection, hours: Mapping[str, Hours]) -> Problems:
    """What is promised to a new ticket is what the policy's own text says."""
    found = []
    for trail in trails(conn):
        state = State()
        state.enter(trail.lines[0])
        promised = Promises(state, hours)
        for name in ("first_response", "resolution"):
            told = promised.hours.add(state.opened, length(promised.line[name]))
            if state[f"{name}_due"] != told:
                found.append(
                    f"{trail.name}: {name} is due at {at(told)}, it was promised for {at(state[f'{name}_due'])}"
                )
    return found


def told_once(conn: Connection) -> Problems:
    """Each step that tells somebody made one notice, and each notice of a step is of a step that ran."""
    ran = {(r.ticket_id, f"{r.step}@{r.episode}"): orjson.loads(r.outcome)
           for r in conn.execute(text("SELECT ticket_id, episode, step, outcome FROM escalation"))}  # fmt: skip
    notices = Counter(
        (r.ticket_id, r.step)
        for r in conn.execute(
            text("SELECT ticket_id, step FROM notice WHERE reason IN ('escalated', 'warned', 'breached', 'room')")
        )
    )
    told = {place for place, outcome in ran.items() if outcome.get("people") or outcome.get("groups")}
    found = [f"ticket {number}: nobody was told of {step}" for number, step in sorted(told - notices.keys())]
    found += [
        f"ticket {number}: told of {step}, which did not run" for number, step in sorted(notices.keys() - ran.keys())
    ]
    return found + [f"ticket {t}: told {n} times of {step}" for (t, step), n in sorted(notices.items()) if n > 1]


def every(
    conn: Connection, hours: Mapping[str, Hours], now: int, late: int, sent: int
) -> Iterator[tuple[str, Problems]]:
    """All of these, by name."""
    yield "nothing is unowned", nothing_is_unowned(conn)
    yield "time goes on", time_goes_on(conn)
    yield "every due step ran exactly once", escalations(conn, hours, now, late)
    yield "every step was told once", told_once(conn)
    yield "pauses add up", pauses_add_up(conn, hours)
    yield "no promise moves silently", no_promise_moves_silently(conn)
    yield "promises are what the policy says", promises_of_the_opening(conn, hours)
    yield "the ledger adds up", the_ledger_adds_up(conn, sent)
