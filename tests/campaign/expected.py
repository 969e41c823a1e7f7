"""Which steps of the ladders had to run, and when: worked out from the timelines and the policy's own text.

`key` is what the hub calls a step: LADDER/STEP or breach/PROMISE; of a ticket that was given back, a wait to be taken or begun
has `:` and since when behind it, and a promise on a state has the state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.campaign.staff import LADDERS, LINES
from tests.campaign.trails import State, Trail, stretches
from tests.campaign.working_time import HOUR, MINUTE, Hours

UNIT = {"m": MINUTE, "h": HOUR, "d": 24 * HOUR, "s": MINUTE // 60}


def length(text: str) -> int:
    """`15m` in microseconds."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    assert found is not None, text
    return int(found[1]) * UNIT[found[2]]


def line_of(state: State) -> Mapping[str, Any]:
    """The line of the policy that holds for a ticket: its own kind's, else that of all kinds."""
    priority = f"P{state['priority'] or 0}"
    own = [line for line in LINES if line["priority"] == priority and line.get("kind") == state["kind"]]
    return (own or [line for line in LINES if line["priority"] == priority and "kind" not in line])[0]


class Promises:
    """What is promised for a ticket as it stands."""

    def __init__(self, state: State, hours: Mapping[str, Hours]) -> None:
        self.state, self.line = state, line_of(state)
        self.hours = hours[self.line.get("calendar", "always")]

    def due(self) -> dict[str, int]:
        """The promises that run now: by when each must be kept."""
        state, found = self.state, dict[str, int | None]()
        waits = state["paused_since"] is not None
        if state["first_responded_at"] is None:
            found |= {"first_response": state["first_response_due"], "given_response": state["given_response_due"]}
        if not waits:
            found |= {"resolution": state["resolution_due"], "given_resolution": state["given_resolution_due"]}
            found["stage"] = self._stage()
        if "claim" in self.line and not state.taken and state["status"] == "pending":
            found["claim"] = self.hours.add(state.opened, length(self.line["claim"]))
        return {name: at for name, at in found.items() if at is not None}

    def _stage(self) -> int | None:
        within = self.line.get("stages", {}).get(self.state["status"])
        since = self.state.opened if self.state.stage_since is None else self.state.stage_since
        return None if within is None else self.hours.add(since, length(within))

    def whole(self, name: str, at: int) -> int:
        """The working time of a promise from its beginning to its end."""
        within = self.line.get("stages", {}).get(self.state["status"]) if name == "stage" else self.line.get(name)
        if within is None or (self.state["due_fixed"] and name in ("first_response", "resolution")):
            return max(0, self.hours.between(self.state.episode, at))
        return length(within)

    def before(self, name: str, at: int, told: str) -> int:
        """So much, or such a share, before a promise is due; the breach is once its moment is over."""
        early = self.whole(name, at) * int(told[:-1]) // 100 if told.endswith("%") else length(told)
        if not early:
            return at + 1
        since = self.state.episode
        return self.hours.add(since, max(0, self.hours.between(since, at) - early))


def _waits_for(state: State, what: str) -> bool:
    """Does it still lack this?"""
    match what:
        case "answered":
            return state["first_responded_at"] is None
        case "claimed":
            return not state.taken and state["status"] == "pending"
        case "worked":
            return bool(state["status"] == "pending")
    return state.running


def _steps(state: State, hours: Mapping[str, Hours]) -> Iterator[tuple[str, int]]:
    promises = Promises(state, hours)
    due = promises.due()
    for ladder in LADDERS:
        if f"P{state['priority'] or 0}" not in ladder.get("priorities", (f"P{state['priority'] or 0}",)):
            continue
        if state["kind"] not in ladder.get("kinds", (state["kind"],)):
            continue
        for step in ladder["steps"]:
            key = f"{ladder['id']}/{step['id']}"
            if "unless" in step:
                if _waits_for(state, step["unless"]):
                    anew = step["unless"] in ("claimed", "worked") and state.stage_since is not None
                    begin = state.stage_since if anew and state.stage_since is not None else state.episode
                    at = hours[ladder.get("calendar", "always")].add(begin, length(step["after"]))
                    yield f"{key}:{begin}" if anew else key, at
            elif step["promise"] in due:
                name = step["promise"]
                yield _of(key, name, state), promises.before(name, due[name], step["before"])
    for name, at in due.items():
        yield _of(f"breach/{name}", name, state), at + 1


def _of(key: str, promise: str, state: State) -> str:
    return f"{key}:{state['status']}" if promise == "stage" else key


Found = dict[tuple[int, str], tuple[int, int]]
"""(Episode, key) to when a step was due for the first time, and since when the ticket was so that it was due at all."""


def steps(trail: Trail, hours: Mapping[str, Hours], now: int) -> tuple[Found, Found]:
    """All that had to run for a ticket by `now`; and what may have, since nobody can tell whether it ever stood like that."""
    had_to, may = Found(), Found()
    for state, since, until, sure in stretches(trail, now):
        if state.running and state["storm_id"] is None:
            for key, at in _steps(state, hours):
                if at <= min(until, now):
                    (had_to if sure else may).setdefault((state.episode, key), (at, since))
    return had_to, may
