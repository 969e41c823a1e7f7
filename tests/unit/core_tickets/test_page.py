"""docs/tickets.md says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core_tickets import ACTIONS, CAUSES, KINDS, OPEN, REASONS, STANDARD, STATUSES

PAGE = (Path(__file__).parents[3] / "docs" / "tickets.md").read_text(encoding="utf-8")
SOURCES = {"all": set(STATUSES), "all but closed": set(STATUSES) - {"closed"}}


def cells(first: str) -> list[str]:
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("name", ACTIONS)
def test_the_page_lists_each_action_as_it_is(name: str) -> None:
    _, sources, target, args, event = cells(f"`{name}`")
    action = ACTIONS[name]
    assert SOURCES.get(sources, set(sources.split(", "))) == set(action.sources)
    assert target == (action.target or "")
    assert tuple(re.findall(r"`(\w+)`", args)) == action.args
    assert event == f"`{action.event}`"


@pytest.mark.parametrize("term", [*STATUSES, *REASONS, *CAUSES, *KINDS])
def test_the_page_names_each_term(term: str) -> None:
    assert f"`{term}`" in PAGE


@pytest.mark.parametrize("status", STATUSES)
def test_the_page_reads_states_as_people_do(status: str) -> None:
    _, _, zh, seen = cells(f"`{status}`")
    assert zh == STATUSES[status].zh
    assert ("Done" in seen) == (status not in OPEN)


@pytest.mark.parametrize("priority", range(4))
def test_the_page_tells_the_standard_promises(priority: int) -> None:
    _, first, last = cells(f"P{priority}")
    promise = STANDARD["*", priority]
    assert (minutes(first), minutes(last)) == promise[:2]
    for kind, word in (("complaint", "complaint"), ("spare_part_purchase", "purchase")):
        own = STANDARD.get((kind, priority), promise)
        assert (special(first, word) or promise[0], special(last, word) or promise[1]) == own[:2]


def minutes(cell: str) -> int:
    number, unit = cell.split(" (", maxsplit=1)[0].split()
    return int(number) * {"min": 1, "h": 60, "days": 1440}[unit]


def special(cell: str, word: str) -> int | None:
    found = re.search(rf"{word} (\d+)(?: (\w+))?", cell)
    if found is None:
        return None
    unit = found[2] or cell.split(" (", maxsplit=1)[0].split()[1]
    return int(found[1]) * {"min": 1, "h": 60, "days": 1440}[unit]
