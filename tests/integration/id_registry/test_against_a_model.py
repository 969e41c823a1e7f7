"""Any sequence of resolve, merge, undo, forbid and allow, against components computed from scratch after every step.

The model keeps only facts: which keys were seen when, which merges were made and not undone, which pairs are forbidden.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine

from id_registry import (
    AlreadyMerged,
    Key,
    MergeForbidden,
    SameId,
    allow,
    crosswalk,
    forbid,
    forbidden,
    history,
    live,
    lookup,
    merge,
    preview,
    resolve,
    undo,
)
from tests.integration.id_registry.things import NOW, redirects

keys = st.builds(Key, st.just("customer"), st.sampled_from(["crm", "erp"]), st.sampled_from("abcdefgh"))


class Registry(RuleBasedStateMachine):
    """The registry beside its model, in a transaction that is rolled back at the end."""

    engine: Engine
    gids: Bundle[int] = Bundle("gids")
    events: Bundle[int] = Bundle("events")

    def __init__(self) -> None:
        super().__init__()
        self.conn: Connection = self.engine.connect()
        self.clock = NOW
        self.born: dict[Key, tuple[int, int]] = {}
        self.edges: dict[int, tuple[int, int]] = {}
        self.undone: set[int] = set()
        self.pairs: set[tuple[int, int]] = set()

    def teardown(self) -> None:
        self.conn.close()

    def component(self, gid: int) -> set[int]:
        found, grew = {gid}, True
        while grew:
            touched = {end for edge in self.edges.values() if found & set(edge) for end in edge}
            grew = not touched <= found
            found |= touched
        return found

    def root(self, gid: int) -> int:
        birth = {gid: (at, gid) for gid, at in self.born.values()}
        return min(self.component(gid), key=birth.__getitem__)

    def blocked(self, a: int, b: int) -> set[tuple[int, int]]:
        ours, theirs = self.component(a), self.component(b)
        return {(x, y) for x, y in self.pairs if (x in ours and y in theirs) or (x in theirs and y in ours)}

    @rule(target=gids, batch=st.lists(keys, min_size=1, max_size=4), passed=st.integers(-3, 3))
    def resolve(self, batch: list[Key], passed: int) -> Any:
        self.clock += passed
        known = {key: self.root(self.born[key][0]) for key in batch if key in self.born}
        found = resolve(self.conn, batch, self.clock)
        new = {key: gid for key, gid in found.items() if key not in known}
        assert {key: found[key] for key in known} == known
        assert set(found) == set(batch)
        assert set(new.values()).isdisjoint(gid for gid, _ in self.born.values())
        assert len(set(new.values())) == len(new)
        self.born |= {key: (gid, self.clock) for key, gid in new.items()}
        return multiple(*new.values())

    @rule(target=events, a=gids, b=gids)
    def merge(self, a: int, b: int) -> Any:
        if a == b:
            with pytest.raises(SameId):
                merge(self.conn, a, b, actor="ann", reason="", now=self.clock)
            return multiple()
        expected = preview(self.conn, a, b)
        if b not in self.component(a) and (blocked := self.blocked(a, b)):
            assert {(pair.a, pair.b) for pair in expected.forbidden} == blocked
            with pytest.raises(MergeForbidden) as refused:
                merge(self.conn, a, b, actor="ann", reason="", now=self.clock)
            assert set(refused.value.pairs) == blocked
            return multiple()
        event = merge(self.conn, a, b, actor="ann", reason="", now=self.clock)
        assert (event.winner if not event.already else self.root(a)) == expected.winner
        if event.already:
            assert b in self.component(a)
            assert event.id in self.edges
            return multiple()
        assert b not in self.component(a)
        assert {event.winner, event.loser} == {self.root(a), self.root(b)}
        assert set(expected.moves) == self.component(event.loser)
        self.edges[event.id] = (a, b)
        assert event.winner == self.root(a)
        return event.id

    @rule(event_id=events)
    def undo(self, event_id: int) -> None:
        undone = undo(self.conn, event_id, actor="bob", now=self.clock)
        assert undone.already == (event_id in self.undone)
        self.edges.pop(event_id, None)
        self.undone.add(event_id)

    @rule(event_id=consumes(events))
    def undo_for_good(self, event_id: int) -> None:
        self.undo(event_id)

    @rule(a=gids, b=gids)
    def forbid(self, a: int, b: int) -> None:
        pair = min(a, b), max(a, b)
        if a == b:
            with pytest.raises(SameId):
                forbid(self.conn, a, b, actor="eve", now=self.clock)
        elif b in self.component(a):
            with pytest.raises(AlreadyMerged) as refused:
                forbid(self.conn, a, b, actor="eve", now=self.clock)
            named = self.edges.pop(refused.value.event_id)
            assert b not in self.component(a)
            self.edges[refused.value.event_id] = named
        else:
            assert forbid(self.conn, a, b, actor="eve", now=self.clock) == (pair not in self.pairs)
            self.pairs.add(pair)

    @rule(a=gids, b=gids)
    def allow(self, a: int, b: int) -> None:
        if a != b:
            pair = min(a, b), max(a, b)
            assert allow(self.conn, a, b) == (pair in self.pairs)
            self.pairs.discard(pair)

    @rule(gid=gids)
    def ask_for_one(self, gid: int) -> None:
        members = self.component(gid)
        assert {x.birth for x in crosswalk(self.conn, gid)} == members
        assert {(p.a, p.b) for p in forbidden(self.conn, gid)} == {p for p in self.pairs if members & set(p)}
        told = {event.id for event in history(self.conn, gid) if event.undone_at is None}
        assert told == {event_id for event_id, edge in self.edges.items() if members & set(edge)}

    @invariant()
    def every_id_answers_with_the_first_born_of_its_component(self) -> None:
        roots = {gid: self.root(gid) for gid, _ in self.born.values()}
        assert live(self.conn, roots) == roots
        assert redirects(self.conn) == {gid: root for gid, root in roots.items() if gid != root}
        assert lookup(self.conn, self.born) == {key: roots[gid] for key, (gid, _) in self.born.items()}


def test_the_registry_agrees_with_a_union_find_from_scratch(shared_registry: Engine) -> None:
    machine = type("Registry", (Registry,), {"engine": shared_registry})
    examples, steps = (50, 30) if shared_registry.dialect.name == "sqlite" else (12, 20)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
