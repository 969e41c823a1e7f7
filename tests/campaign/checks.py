"""What must hold at any time of the campaign: read from the tables by hand, and every ticket that fails is named."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Connection, text

from gateway.clock import rfc3339
from gateway.usecases import ledger
from tests.campaign import expected
from tests.campaign.expected import Promises, length, line_of
from tests.campaign.trails import DUES, Line, State, Trail, stretches, trails
from tests.campaign.working_time import Hours

STEPS = ("escalated", "warned", "breached", "room")
BECAUSE = {"opened", "graded_anew", "waited_for_customer", "reopened", "by_hand"}
_TOLD = "SELECT ticket_id, step FROM notice WHERE reason IN ('escalated', 'warned', 'breached', 'room')"


class Checks:
    """All checks over one pass through the timelines. `late`: so much later than due a step may run. `since`: only the
    tickets that are open or of which something was written since."""

    def __init__(self, conn: Connection, hours: Mapping[str, Hours], now: int, late: int, since: int = 0) -> None:
        self._hours, self._now, self._late = hours, now, late
        columns = ", ".join((*DUES, "paused_total", "due_fixed", "status", "assignee", '"group"'))
        self._rows = {row.id: row for row in conn.execute(text(f"SELECT id, {columns} FROM ticket"))}
        self._ran: dict[int, dict[tuple[int, str], tuple[int, int, bool]]] = defaultdict(dict)
        for row in conn.execute(text("SELECT ticket_id, episode, step, due_at, fired_at, outcome FROM escalation")):
            outcome = orjson.loads(row.outcome)
            tells = bool(outcome.get("people") or outcome.get("groups"))
            self._ran[row.ticket_id][row.episode, row.step] = (row.due_at, row.fired_at, tells)
        self._told: dict[int, list[str]] = defaultdict(list)
        for ticket, step in conn.execute(text(_TOLD)):
            self._told[ticket].append(step)
        self.storms = int(conn.execute(text("SELECT count(*) FROM storm_event")).scalar_one())
        self.fired = sum(map(len, self._ran.values()))
        self.tickets = self.due = 0
        self.found: dict[str, list[str]] = {name: [] for name in self._checks()}
        for trail in trails(conn, since):
            self.tickets += 1
            for name, check in self._checks().items():
                self.found[name] += [f"{trail.name}: {problem}" for problem in check(trail)]

    def _checks(self) -> Mapping[str, Callable[[Trail], Iterator[str]]]:
        return {
            "nothing is unowned": self._owned,
            "time goes on": self._in_order,
            "every due escalation fired exactly once": self._escalations,
            "every escalation was told once": self._notices,
            "pauses add up": self._pauses,
            "promises are what the policy says": self._promised,
            "no promise moved silently": self._moved,
        }

    @property
    def problems(self) -> dict[str, list[str]]:
        """What does not hold, by name."""
        return {name: found for name, found in self.found.items() if found}

    def _owned(self, trail: Trail) -> Iterator[str]:
        """An open ticket has a holder or a group: now, and after every line of its timeline."""
        row = self._rows[trail.ticket]
        if row.status in ("pending", "in_progress", "blocked") and not row.assignee and not row.group:
            yield "is open and belongs to nobody"
        for state, since, until, sure in stretches(trail, self._now):
            if sure and state.running and not state["assignee"] and not state["group"]:
                yield f"belonged to nobody from {rfc3339(since)} to {rfc3339(until)}"

    def _in_order(self, trail: Trail) -> Iterator[str]:
        """No line is older than the one before it, and what it says was before it was."""
        held: dict[str, Any] = {}
        last = 0
        for line in trail.lines:
            if line.at < last:
                yield f"line {line.id} ({line.name}) is older than the one before it"
            last = line.at
            for name, before, after in line.changes:
                if line.name != "open" and (before or held.get(name)) and before != held.get(name):
                    yield f"line {line.id} says {name} was {before!r}, it was {held.get(name)!r}"
                held[name] = after

    def _escalations(self, trail: Trail) -> Iterator[str]:
        """Every due step ran once, none that was not due, none late; each is on the timeline once."""
        (due, may), ran = expected.steps(trail, self._hours, self._now), self._ran.get(trail.ticket, {})
        for each in sorted(due.keys() - ran.keys()):
            yield f"{each[1]} was due at {rfc3339(due[each][0])} and never ran"
        self.due += len(due)
        for each in may.keys() & ran.keys():
            fits = [one for one in (due.get(each), may[each]) if one is not None and one[0] == ran[each][0]]
            due[each] = min(fits, key=itemgetter(1), default=due.get(each, may[each]))
        for each in sorted(ran.keys() - due.keys()):
            yield f"{each[1]} ran at {rfc3339(ran[each][1])} (for {rfc3339(ran[each][0])}) though it was not due"
        for each in sorted(due.keys() & ran.keys()):
            (told, known), (moment, fired, _) = due[each], ran[each]
            if moment != told:
                yield f"{each[1]} was due at {rfc3339(told)}, the hub says {rfc3339(moment)}"
            if not max(moment, known) <= fired <= max(moment, known) + self._late:
                yield f"{each[1]} was due at {rfc3339(max(moment, known))} and ran at {rfc3339(fired)}"
        noted = Counter((line.data["step"], line.data["due_at"]) for line in trail.lines if line.name in STEPS)
        recorded = Counter((key, moment) for (_, key), (moment, _, _) in ran.items())
        for (key, moment), n in (noted - recorded).items():
            yield f"{key} of {rfc3339(moment)} is on the timeline {n} times too often"
        for key, moment in recorded - noted:
            yield f"{key} of {rfc3339(moment)} ran and is not on the timeline"

    def _notices(self, trail: Trail) -> Iterator[str]:
        """Each step that tells somebody made one notice, and each notice is of a step that ran."""
        ran = {f"{key}@{episode}": tells for (episode, key), (_, _, tells) in self._ran.get(trail.ticket, {}).items()}
        told = Counter(self._told.get(trail.ticket, ()))
        for step in sorted({step for step, tells in ran.items() if tells} - told.keys()):
            yield f"nobody was told of {step}"
        for step, n in sorted(told.items()):
            if step not in ran:
                yield f"told of {step}, which did not run"
            if n > 1:
                yield f"told {n} times of {step}"

    def _pauses(self, trail: Trail) -> Iterator[str]:
        """The working time of all waits for the customer since the (re)opening is what the ticket counts, and by that much
        the resolution is due later."""
        row, state = self._rows[trail.ticket], State()
        waited, since = 0, None
        for line in trail.lines:
            calendar = self._hours[line_of(state).get("calendar", "always")] if line.name != "open" else None
            before = state["paused_since"]
            state.enter(line)
            if before is None and state["paused_since"] is not None:
                since = line.at
            elif since is not None and state["paused_since"] is None and calendar is not None:
                waited, since = waited + calendar.between(since, line.at), None
            if any(name == "reopened_at" for name, _, _ in line.changes):
                waited = 0
        if waited != row.paused_total:
            yield f"waited {waited / 6e7:.3f} min for its customer, the hub counts {row.paused_total / 6e7:.3f}"
        line_ = line_of(state)
        due = self._hours[line_.get("calendar", "always")].add(state.episode, length(line_["resolution"]) + waited)
        if not row.due_fixed and due != row.resolution_due:
            yield f"the resolution is due at {rfc3339(due)}, the hub says {rfc3339(row.resolution_due)}"

    def _promised(self, trail: Trail) -> Iterator[str]:
        """What is promised to a new ticket is what the policy's own text says."""
        state = State()
        state.enter(trail.lines[0])
        promised = Promises(state, self._hours)
        for name in ("first_response", "resolution"):
            told = promised.hours.add(state.opened, length(promised.line[name]))
            if state[f"{name}_due"] != told:
                yield f"{name} was to be promised for {rfc3339(told)}, it was for {rfc3339(state[f'{name}_due'])}"

    def _moved(self, trail: Trail) -> Iterator[str]:
        """Every change of a due time is a line that says why, the reason fits what happened, and the ticket has the times
        its lines say."""
        state = State()
        for line in trail.lines:
            state.enter(line)
            moved = [name for name, before, after in line.changes if name in DUES and before != after]
            because = line.data.get("promise", {}).get("because") if moved else ""
            if moved and because not in BECAUSE:
                yield f"{line.name} at {rfc3339(line.at)} moves {', '.join(moved)} and does not say why"
            elif moved and not _fits(line, because):
                yield f"{line.name} at {rfc3339(line.at)} moves {', '.join(moved)} because {because}: it was not so"
        for name in DUES:
            if state[name] != getattr(self._rows[trail.ticket], name):
                yield f"{name} is {getattr(self._rows[trail.ticket], name)}, its timeline says {state[name]}"


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
    return line.name in ("promise", "set", "open")


def the_ledger_adds_up(conn: Connection, sent: int) -> list[str]:
    """`weft audit` is clean, and what was sent was received."""
    report = ledger.audit(conn)
    found = [f"weft audit: {each.what}: {', '.join(each.rows[:5])}" for each in report.findings]
    received = sum(report.by_connection.get("am", {}).values())
    if received != sent:
        found.append(f"{sent} alerts were sent, {received} are in the ledger")
    return found


def end_state(conn: Connection) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """What became of every ticket, named by what it was opened for and when, without the numbers of this run. Where two were
    opened for the same at one moment they are told apart by which came first."""
    steps: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in conn.execute(text("SELECT ticket_id, episode, step, due_at FROM escalation ORDER BY due_at, step")):
        steps[row.ticket_id].append(tuple(row[1:]))
    query = text(
        'SELECT id, opened_at, title, source_key, kind, status, priority, assignee, "group", first_responded_at, '
        "resolution_due, given_resolution_due, paused_total, resolved_at, reopened_at, cause FROM ticket ORDER BY id"
    )
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    alike: Counter[tuple[Any, ...]] = Counter()
    for row in conn.execute(query):
        name = tuple(row[1:4])
        alike[name] += 1
        found[*name, alike[name]] = (*row[4:], *steps[row.id])
    return found
