"""Pairs that must never be one thing."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from id_registry import (
    AlreadyMerged,
    ForbiddenPair,
    KindsDiffer,
    MergeForbidden,
    SameId,
    UnknownGlobalId,
    allow,
    forbid,
    forbidden,
    merge,
    mint,
    preview,
    undo,
)
from id_registry.global_ids import make_gid
from id_registry.merging import MergeEvent
from tests.integration.id_registry.things import NOW, born, redirects


def join(conn: Connection, a: int, b: int) -> MergeEvent:
    return merge(conn, a, b, actor="ann", reason="", now=NOW)


def test_a_forbidden_pair_is_not_merged_whichever_is_named_first(conn: Connection) -> None:
    a, b = born(conn, 2)
    assert forbid(conn, b, a, actor="eve", now=NOW)
    for x, y in ((a, b), (b, a)):
        with pytest.raises(MergeForbidden) as refused:
            join(conn, x, y)
        assert refused.value.pairs == ((a, b),)
    assert redirects(conn) == {}


def test_things_merged_with_a_forbidden_pair_are_kept_apart_too(conn: Connection) -> None:
    a, b, c, d = born(conn, 4)
    forbid(conn, a, d, actor="eve", now=NOW)
    join(conn, b, a)
    join(conn, c, d)
    with pytest.raises(
        MergeForbidden, match="CUST-2026-000001 and CUST-2026-000004 must never be one thing"
    ) as refused:
        join(conn, b, c)
    assert (refused.value.a, refused.value.b, refused.value.pairs) == (b, c, ((a, d),))


def test_a_pair_stays_forbidden_when_a_merge_around_it_is_undone(conn: Connection) -> None:
    a, b, c = born(conn, 3)
    event = join(conn, a, b)
    forbid(conn, b, c, actor="eve", now=NOW)
    undo(conn, event.id, actor="bob", now=NOW)
    join(conn, a, c)
    with pytest.raises(MergeForbidden):
        join(conn, a, b)


def test_a_preview_shows_the_pairs_that_stand_against_a_merge(conn: Connection) -> None:
    a, b = born(conn, 2)
    forbid(conn, a, b, actor="eve", now=NOW)
    assert preview(conn, a, b).forbidden == (ForbiddenPair(a, b, NOW, "eve"),)


def test_what_is_allowed_again_can_be_merged(conn: Connection) -> None:
    a, b = born(conn, 2)
    forbid(conn, a, b, actor="eve", now=NOW)
    assert allow(conn, b, a)
    assert join(conn, a, b).winner == a


def test_forbidding_and_allowing_twice_say_so(conn: Connection) -> None:
    a, b = born(conn, 2)
    assert [forbid(conn, a, b, actor="eve", now=NOW), forbid(conn, b, a, actor="bob", now=NOW)] == [True, False]
    assert forbidden(conn, a) == [ForbiddenPair(a, b, NOW, "eve")]
    assert [allow(conn, a, b), allow(conn, a, b)] == [True, False]
    assert forbidden(conn, a) == []


def test_the_forbidden_pairs_of_a_thing_are_those_of_all_its_members(conn: Connection) -> None:
    a, b, c = born(conn, 3)
    join(conn, a, b)
    forbid(conn, c, b, actor="eve", now=NOW)
    assert forbidden(conn, a) == forbidden(conn, c) == [ForbiddenPair(b, c, NOW, "eve")]


def test_what_is_one_thing_cannot_be_forbidden_before_that_merge_is_undone(conn: Connection) -> None:
    a, b, c = born(conn, 3)
    event = join(conn, a, b)
    join(conn, a, c)
    with pytest.raises(AlreadyMerged) as refused:
        forbid(conn, b, c, actor="eve", now=NOW)
    assert refused.value.hint == f"undo merge {refused.value.event_id} first"
    undo(conn, refused.value.event_id, actor="eve", now=NOW)
    assert forbid(conn, b, c, actor="eve", now=NOW)
    assert event.id


def test_only_two_ids_of_one_kind_that_exist_can_be_forbidden(conn: Connection) -> None:
    a = born(conn, 1)[0]
    with pytest.raises(SameId):
        forbid(conn, a, a, actor="eve", now=NOW)
    with pytest.raises(KindsDiffer):
        forbid(conn, a, mint(conn, "device", 1, NOW)[0], actor="eve", now=NOW)
    with pytest.raises(UnknownGlobalId):
        forbid(conn, a, make_gid("customer", 2026, 999), actor="eve", now=NOW)
