"""Two ids that are one thing: merged behind the older one, and taken back exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.exc import OperationalError

from id_registry import (
    BadInput,
    BadTransaction,
    KindsDiffer,
    SameId,
    UnknownGlobalId,
    UnknownMerge,
    crosswalk,
    history,
    live,
    merge,
    metadata,
    mint,
    preview,
    resolve,
    undo,
)
from id_registry import Key as K
from id_registry.global_ids import make_gid
from id_registry.merging import MergeEvent
from id_registry.tables import merge_event, xref
from tests.integration.id_registry.things import NOW, born, customers, redirects


def join(conn: Connection, a: int, b: int, now: int = NOW) -> MergeEvent:
    return merge(conn, a, b, actor="ann", reason="same VAT number", now=now)


def roots(conn: Connection, gids: list[int]) -> list[int]:
    """Position, among the gids, of what each of them answers with."""
    return [gids.index(live(conn, [gid])[gid]) for gid in gids]


def test_the_one_born_first_stands_for_both_whichever_is_named_first(conn: Connection) -> None:
    a, b, c = born(conn, 3)
    assert join(conn, b, a).winner == a
    assert join(conn, b, c).winner == a
    assert redirects(conn) == {b: a, c: a}


def test_birth_counts_and_not_the_number(conn: Connection) -> None:
    """A key that was first seen earlier may have got its number later, as when an old message is replayed."""
    late, early = K("customer", "crm", "late"), K("customer", "crm", "early")
    a = resolve(conn, [late], NOW)[late]
    b = resolve(conn, [early], NOW - 1)[early]
    assert a < b
    assert join(conn, a, b).winner == b


def test_of_two_born_at_once_the_lower_number_stands_for_both(conn: Connection) -> None:
    gids = sorted(resolve(conn, customers(2), NOW).values())
    assert join(conn, gids[1], gids[0]).winner == gids[0]


def test_an_id_that_no_system_uses_yields_to_one_that_is_used(conn: Connection) -> None:
    unused = mint(conn, "customer", 1, NOW)[0]
    used = born(conn, 1)[0]
    assert unused < used
    assert join(conn, unused, used).winner == used


def test_merging_components_brings_every_member_to_one_hop(conn: Connection) -> None:
    gids = born(conn, 6)
    join(conn, gids[5], gids[4])
    join(conn, gids[3], gids[2])
    join(conn, gids[5], gids[3])
    join(conn, gids[1], gids[4])
    assert roots(conn, gids) == [0, 1, 1, 1, 1, 1]


def test_merging_again_changes_nothing_and_says_so(conn: Connection) -> None:
    a, b, _ = born(conn, 3)
    first = join(conn, a, b)
    again = join(conn, b, a, now=NOW + 5)
    assert not first.already
    assert again.already
    assert (again.id, again.at) == (first.id, NOW)
    assert conn.execute(select(func.count()).select_from(merge_event)).scalar_one() == 1


def test_merging_what_others_have_joined_names_the_merge_that_joined_them(conn: Connection) -> None:
    a, b, c, d = born(conn, 4)
    join(conn, c, d)
    joining = join(conn, b, c)
    join(conn, a, b)
    again = join(conn, b, d)
    assert (again.already, again.id) == (True, joining.id)


def test_keys_are_never_rewritten(conn: Connection) -> None:
    gids = born(conn, 3)
    before = conn.execute(select(xref)).all()
    event = join(conn, gids[0], gids[1])
    join(conn, gids[1], gids[2])
    undo(conn, event.id, actor="ann", now=NOW)
    assert conn.execute(select(xref)).all() == before


def test_undoing_the_last_merge_gives_what_was_before(conn: Connection) -> None:
    gids = born(conn, 5)
    for a, b in ((1, 2), (3, 4)):
        join(conn, gids[a], gids[b])
    before = redirects(conn)
    event = join(conn, gids[4], gids[2])
    assert redirects(conn) != before
    undo(conn, event.id, actor="bob", now=NOW + 1)
    assert redirects(conn) == before


def test_undoing_an_early_merge_leaves_the_later_ones(conn: Connection) -> None:
    gids = born(conn, 5)
    first = join(conn, gids[0], gids[1])
    join(conn, gids[1], gids[2])
    join(conn, gids[0], gids[3])
    join(conn, gids[4], gids[2])
    undo(conn, first.id, actor="bob", now=NOW)
    assert roots(conn, gids) == [0, 1, 1, 0, 1]


def test_an_undone_merge_says_who_undid_it_and_when(conn: Connection) -> None:
    a, b = born(conn, 2)
    event = join(conn, a, b)
    undone = undo(conn, event.id, actor="bob", now=NOW + 7)
    assert (undone.undone_by, undone.undone_at, undone.already) == ("bob", NOW + 7, False)


def test_undoing_twice_changes_nothing_and_says_so(conn: Connection) -> None:
    a, b = born(conn, 2)
    event = join(conn, a, b)
    undo(conn, event.id, actor="bob", now=NOW + 7)
    again = undo(conn, event.id, actor="eve", now=NOW + 9)
    assert again.already
    assert (again.undone_by, again.undone_at) == ("bob", NOW + 7)


def test_what_was_undone_can_be_merged_anew(conn: Connection) -> None:
    a, b = born(conn, 2)
    first = join(conn, a, b)
    undo(conn, first.id, actor="bob", now=NOW)
    second = join(conn, a, b)
    assert second.id != first.id
    assert not second.already
    assert redirects(conn) == {b: a}


def test_the_history_of_an_id_tells_all_merges_of_what_it_is_now(conn: Connection) -> None:
    a, b, c, d = born(conn, 4)
    first, second = join(conn, a, b), join(conn, b, c)
    undo(conn, first.id, actor="bob", now=NOW)
    join(conn, a, d)
    assert [(event.id, event.undone_by) for event in history(conn, c)] == [(first.id, "bob"), (second.id, None)]
    assert history(conn, c)[1].reason == "same VAT number"


def test_the_score_of_a_merge_is_kept(conn: Connection) -> None:
    a, b = born(conn, 2)
    merge(conn, a, b, actor="matcher", reason="", now=NOW, score=7.25)
    assert history(conn, a)[0].score == 7.25


def test_a_preview_tells_what_would_move_and_moves_nothing(conn: Connection) -> None:
    gids = born(conn, 4)
    join(conn, gids[2], gids[3])
    before = redirects(conn)
    seen = preview(conn, gids[3], gids[1])
    assert (seen.winner, seen.loser, seen.already) == (gids[1], gids[2], None)
    assert seen.moves == (gids[2], gids[3])
    assert [key.local for key in seen.keys] == ["C-00002", "C-00003"]
    assert redirects(conn) == before
    event = join(conn, gids[3], gids[1])
    assert (event.winner, event.loser) == (seen.winner, seen.loser)
    assert set(redirects(conn).items()) - set(before.items()) == {(gid, seen.winner) for gid in seen.moves}


def test_a_preview_of_what_is_one_thing_names_the_merge(conn: Connection) -> None:
    a, b = born(conn, 2)
    event = join(conn, a, b)
    seen = preview(conn, b, a)
    assert seen.already == event
    assert (seen.winner, seen.loser, seen.moves, seen.keys) == (a, a, (), ())


def test_different_kinds_are_never_one_thing(conn: Connection) -> None:
    customer = born(conn, 1)[0]
    device = mint(conn, "device", 1, NOW)[0]
    with pytest.raises(KindsDiffer, match="CUST-2026-000001 is a customer and DEV-2026-000001 a device"):
        join(conn, customer, device)
    assert redirects(conn) == {}


def test_an_id_is_not_merged_with_itself(conn: Connection) -> None:
    customer = born(conn, 1)[0]
    with pytest.raises(SameId):
        join(conn, customer, customer)


def test_an_id_that_was_never_handed_out_is_not_merged(conn: Connection) -> None:
    customer = born(conn, 1)[0]
    with pytest.raises(UnknownGlobalId, match="CUST-2026-000999") as refused:
        join(conn, customer, make_gid("customer", 2026, 999))
    assert refused.value.gid == make_gid("customer", 2026, 999)


def test_a_merge_that_never_happened_cannot_be_undone(conn: Connection) -> None:
    with pytest.raises(UnknownMerge) as refused:
        undo(conn, 77, actor="bob", now=NOW)
    assert refused.value.event_id == 77


def test_a_reason_that_a_database_cannot_keep_is_refused(conn: Connection) -> None:
    a, b = born(conn, 2)
    with pytest.raises(BadInput) as refused:
        merge(conn, a, b, actor="ann", reason="nul\0", now=NOW)
    assert refused.value.path == "reason"


def test_a_transaction_rolled_back_leaves_nothing_half_merged(registry: Engine) -> None:
    with registry.begin() as conn:
        gids = born(conn, 4)
        event = join(conn, gids[0], gids[1])
        before = redirects(conn)
    with registry.connect() as conn:
        join(conn, gids[1], gids[2])
        undo(conn, event.id, actor="bob", now=NOW)
        join(conn, gids[3], gids[1])
        conn.rollback()
        assert redirects(conn) == before
        assert [e.id for e in history(conn, gids[1])] == [event.id]
        assert history(conn, gids[1])[0].undone_at is None


def test_a_thing_of_more_members_than_a_statement_takes_parameters_is_split(conn: Connection) -> None:
    gids = sorted(resolve(conn, customers(33_000), NOW).values())
    assert gids == list(range(gids[0], gids[0] + len(gids)))
    chain = (
        "INSERT INTO merge_event (id, a, b, winner, loser, at, actor, reason) "
        "SELECT gid - :first, gid - 1, gid, :first, gid, 0, 'ann', '' FROM xref WHERE gid > :first"
    )
    conn.execute(text(chain), {"first": gids[0]})
    conn.execute(text("INSERT INTO redirect SELECT gid, :first FROM xref WHERE gid > :first"), {"first": gids[0]})
    undo(conn, 1, actor="bob", now=NOW)
    assert redirects(conn) == dict.fromkeys(gids[2:], gids[1])
    assert len(crosswalk(conn, gids[-1])) == len(gids) - 1


def test_merging_refuses_a_snapshot_that_cannot_see_the_others_merges(postgres_registry: Engine) -> None:
    with postgres_registry.begin() as conn:
        a, b = born(conn, 2)
    with (
        postgres_registry.connect().execution_options(isolation_level="REPEATABLE READ") as conn,
        pytest.raises(BadTransaction, match="REPEATABLE READ"),
    ):
        join(conn, a, b)


def test_merging_takes_the_write_lock_of_sqlite_before_it_reads(tmp_path: Path) -> None:
    """Also in a transaction that did not begin as IMMEDIATE: else another merge could come between."""
    engine = create_engine(f"sqlite:///{tmp_path / 'plain.db'}", connect_args={"timeout": 0.05})
    metadata.create_all(engine)
    with engine.begin() as conn:
        a, b, c = born(conn, 3)
    refused: list[object] = []

    def come_between(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO merge_event") and not refused:
            with engine.connect() as other, pytest.raises(OperationalError, match="locked") as locked:
                join(other, a, b)
            refused.append(locked)

    with engine.begin() as conn:
        event.listen(conn, "before_cursor_execute", come_between)
        join(conn, b, c)
    with engine.begin() as conn:
        join(conn, a, b)
        assert redirects(conn) == {b: a, c: a}
    assert refused
    engine.dispose()
