"""What would change: it says what really happens, it leaves no trace, it is quick and ends when it is told to."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, Table, event, inspect, select

from core_tickets import Ticket
from gateway import clock
from gateway.clock import DAY
from gateway.config import documents
from gateway.config.hub import Hub
from gateway.studio.comparing import Limits, compare
from tests.integration.gateway.in_process import START, Build, Clock, House, build_house
from tests.integration.studio.weeks import RULES, tell_weeks, ticket, with_rule

ALERTS = """mapping: mine
from: {connector: robot, stream: alert}
to: Alert
where: rule != 'low'
fields:
  key: key
  episode: text(episode)
  status: status
  severity: severity
  title: concat(upper(title), ' of ', device)
  starts_at: datetime(starts_at, otherwise=None)
  device: device
  rule: rule
tests:
  - {in: {key: a, episode: 1, status: firing, device: d, title: t, rule: high}, out: {title: T of d}}
"""
DRAFTS: dict[str, Mapping[str, Any]] = {
    "another priority": {"rules": ticket("any", priority="'P0' if severity == 'critical' else 'P2'")},
    "one rule hushed": {"rules": with_rule("any", when="severity == 'critical'")},
    "what was hushed is told": {"rules": RULES[1:]},
    "one ticket a device": {"rules": with_rule("any", fingerprint="concat(connection, '/', device)")},
    "no storms": {"rules": with_rule("any", storm=None)},
    "another limit": {"rules": with_rule("hot", threshold={"above": 90, "for": "1m"})},
    "another mapping": {
        "mappings": [{"mapping": "mine", "text": ALERTS}],
        "connections": [{"id": "r", "connector": "robot", "mappings": {"alert": "mine"}}],
    },
}


def _then(house: House, draft: Mapping[str, Any]) -> tuple[Hub, Hub]:
    """The hub as it is, and as it would be with a draft."""
    plan = house.gateway.plan
    return plan(documents.validate({}))[1], plan(documents.validate(draft))[1]


def _report(house: House, draft: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    now, then = _then(house, draft)
    return compare(house.gateway, now, then, since=START - DAY, until=house.clock.now, **more)


def _summary(t: Ticket) -> tuple[Any, ...]:
    return (t.title, t.kind, f"P{t.priority}", t.status, t.occurrences, clock.rfc3339(t.opened_at))


NAMES = ("title", "kind", "priority", "status", "occurrences", "opened_at")


def _of(told: Mapping[str, Any], side: str = "after") -> tuple[Any, ...]:
    values = {name: told[name] for name in NAMES}
    values |= {f["field"]: f[side] for f in told.get("fields", ()) if f["field"] in NAMES}
    return tuple(values.values())


@pytest.mark.parametrize("draft", DRAFTS.values(), ids=DRAFTS.keys())
def test_it_says_what_happens_when_the_draft_is_published_and_the_same_messages_come(
    draft: Mapping[str, Any], tmp_path: Path, migrated_file: Path, a_clock: Clock
) -> None:
    was = _built(tmp_path / "was", migrated_file, a_clock, {"rules": RULES})
    _agrees(was, draft, tmp_path, migrated_file, seed=7)


def test_it_says_so_on_either_database(build: Build, tmp_path: Path, migrated_file: Path) -> None:
    _agrees(build({"rules": RULES}), DRAFTS["another mapping"], tmp_path, migrated_file, seed=11)


def _agrees(was: House, draft: Mapping[str, Any], folder: Path, migrated_file: Path, seed: int) -> None:
    tell_weeks(was, seed, messages=40)
    report = _report(was, draft)
    before = Counter(map(_summary, was.tickets()))
    was.gateway.close()
    expected = before - Counter(map(_of, report["vanish"])) - Counter(_of(c, "before") for c in report["change"])
    expected += Counter(map(_of, report["appear"])) + Counter(map(_of, report["change"]))
    assert report["agreement"]["other"] == 0
    assert any(report["tickets"][n] for n in ("appear", "vanish", "change")), "the example shows nothing"

    was.clock.now = START
    new = _built(folder / "published", migrated_file, was.clock, {"rules": RULES, **draft})
    tell_weeks(new, seed, messages=40)
    assert Counter(map(_summary, new.tickets())) == expected
    new.gateway.close()


def _built(folder: Path, migrated_file: Path, a_clock: Clock, config: Mapping[str, Any]) -> House:
    folder.mkdir()
    return build_house(folder, f"sqlite:///{shutil.copy(migrated_file, folder / 'weft.db')}", a_clock, config)


def test_a_configuration_like_the_one_that_runs_changes_nothing(build: Build) -> None:
    house = build({"rules": RULES})
    tell_weeks(house, seed=1, messages=10)
    report = _report(house, {"rules": RULES})
    assert (report["messages"], report["connections"], report["moves"]) == (0, [], [])


def test_nothing_of_it_reaches_the_database_or_anybody(build: Build) -> None:
    house = build({"rules": RULES})
    tell_weeks(house, seed=3, messages=25)
    now, then = _then(house, DRAFTS["another mapping"])
    before, written = _contents(house.gateway.engine), []
    event.listen(
        house.gateway.engine, "before_cursor_execute", lambda *a: written.append(a[2]) if _writes(a[2]) else None
    )
    report = compare(house.gateway, now, then, since=START - DAY, until=house.clock.now)
    assert report["tickets"]["then"] > 0
    assert written == []
    assert _contents(house.gateway.engine) == before
    assert house.world.effects == Counter()


def _writes(statement: str) -> bool:
    return not statement.lstrip().upper().startswith(("SELECT", "BEGIN", "WITH", "PRAGMA", "SHOW"))


def _contents(engine: Engine) -> dict[str, Counter[str]]:
    """Every row of every table."""
    metadata = MetaData()
    with engine.connect() as conn:
        names = inspect(conn).get_table_names()
        return {n: Counter(map(repr, conn.execute(select(Table(n, metadata, autoload_with=conn))))) for n in names}


def test_it_ends_when_it_is_told_to_and_says_so(build: Build) -> None:
    house = build({"rules": RULES})
    tell_weeks(house, seed=3, messages=25)
    stop, seen = threading.Event(), []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        stop.set()

    report = _report(house, DRAFTS["no storms"], progress=progress, stop=stop)
    assert report["stopped"] == "cancelled"
    assert seen[0][0] == report["messages"] < seen[0][1]


def test_of_too_many_messages_the_newest_are_played(build: Build) -> None:
    house = build({"rules": RULES})
    tell_weeks(house, seed=3, messages=40)
    whole = _report(house, DRAFTS["no storms"])
    part = _report(house, DRAFTS["no storms"], limits=Limits(messages=20))
    assert part["messages"] < whole["messages"]
    assert part["messages"] <= 25
    assert part["window"]["covered_since"] > whole["window"]["covered_since"]
    assert _report(house, DRAFTS["no storms"], limits=Limits(seconds=0))["stopped"] == "time"
