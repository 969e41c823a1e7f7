"""Things are found by id, key and name; a thing is taken apart by its records."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import Connection

from id_registry import (
    BadInput,
    Key,
    MergeForbidden,
    Observation,
    crosswalk,
    find,
    format_id,
    live,
    merge,
    observe,
    resolve,
    split,
    undo,
)
from tests.integration.id_registry.things import NOW, born, components_by_the_events


def called(conn: Connection, *names: str) -> list[int]:
    gids = born(conn, len(names))
    observe(conn, [Observation(g, "crm", "name", n, NOW) for g, n in zip(gids, names, strict=True)], NOW)
    return gids


def found(conn: Connection, text: str, **more: object) -> list[tuple[int, str]]:
    return [(m.gid, m.by) for m in find(conn, text, **more)]  # type: ignore[arg-type]


def test_a_thing_is_found_by_id_by_key_and_by_part_of_its_name(conn: Connection) -> None:
    a, b = called(conn, "上海华联超市有限公司", "Acme 50% Ltd")
    assert found(conn, format_id(a).lower()) == [(a, "id")]
    assert found(conn, "C-00001") == [(b, "key")]
    assert {gid for gid, _ in found(conn, "C-0000")} == {a, b}
    assert found(conn, "华联") == [(a, "name")]
    assert found(conn, "ACME") == [(b, "name")]
    assert found(conn, "50%") == [(b, "name")]
    assert found(conn, "5_%") == []
    assert found(conn, "  ") == []


def test_the_nearest_comes_first_and_a_merged_thing_once(conn: Connection) -> None:
    a, b, c = called(conn, "Big Acme", "Acme", "Acme Holding")
    assert [gid for gid, _ in found(conn, "acme")] == [b, c, a]
    merge(conn, a, b, actor="t", reason="", now=NOW)
    assert [gid for gid, _ in found(conn, "acme")] == [a, c]
    assert found(conn, format_id(b)) == [(a, "id")]


def test_search_keeps_to_the_kinds_asked_for(conn: Connection) -> None:
    (a,) = called(conn, "Press 7")
    key = Key("device", "mes", "Press 7")
    device = resolve(conn, [key], NOW)[key]
    assert {gid for gid, _ in found(conn, "press")} == {a}
    assert {gid for gid, _ in found(conn, "Press 7")} == {a, device}
    assert found(conn, "Press 7", kinds={"device"}) == [(device, "key")]


@pytest.mark.parametrize("out", [out for n in (1, 2, 3) for out in itertools.combinations(range(4), n)])
def test_a_split_makes_exactly_two_things_of_one(conn: Connection, out: tuple[int, ...]) -> None:
    gids = born(conn, 4)
    for x, y in ((0, 1), (1, 2), (1, 3)):  # a star: the middle leaves three pieces behind
        merge(conn, gids[x], gids[y], actor="t", reason="", now=NOW)
    leaving = {gids[n] for n in out}
    done = split(conn, gids[0], leaving, actor="ann", reason="two firms", now=NOW + 1)
    components = components_by_the_events(conn, gids)
    assert {frozenset(g for g in gids if components[g] == c) for c in set(components.values())} == {
        frozenset(leaving),
        frozenset(set(gids) - leaving),
    }
    assert live(conn, gids) == {g: min(leaving if g in leaving else set(gids) - leaving) for g in gids}
    assert {done.left, done.stayed} == set(live(conn, gids).values())
    with pytest.raises(MergeForbidden):
        merge(conn, done.stayed, done.left, actor="matcher", reason="", now=NOW + 2)


def test_a_split_may_leave_the_way_back_open(conn: Connection) -> None:
    a, b = born(conn, 2)
    merge(conn, a, b, actor="t", reason="", now=NOW)
    split(conn, a, [b], actor="ann", reason="", now=NOW, apart=False)
    event = merge(conn, a, b, actor="t", reason="", now=NOW)
    undo(conn, event.id, actor="t", now=NOW)
    assert len(crosswalk(conn, a)) == 1


def test_a_split_of_all_none_or_strangers_is_refused(conn: Connection) -> None:
    a, b, c = born(conn, 3)
    merge(conn, a, b, actor="t", reason="", now=NOW)
    for out in ([], [a, b], [c]):
        with pytest.raises(BadInput):
            split(conn, a, out, actor="ann", reason="", now=NOW)
