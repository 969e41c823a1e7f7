"""From what systems call things to one id each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, delete, event, func, select

from id_registry import (
    BadKey,
    ConcurrentChange,
    Key,
    crosswalk,
    format_id,
    kind_of,
    live,
    lookup,
    merge,
    mint,
    resolve,
)
from id_registry.keys import LOCAL_LENGTH, SYSTEM_LENGTH
from id_registry.tables import xref
from tests.integration.id_registry.conftest import counted_statements
from tests.integration.id_registry.things import DAY, NOW, born, customers


def count(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(xref)).scalar_one()


def test_a_new_key_gets_an_id_and_keeps_it(conn: Connection) -> None:
    key = Key("customer", "crm", "C-1")
    first = resolve(conn, [key], NOW)
    assert format_id(first[key]) == "CUST-2026-000001"
    assert resolve(conn, [key], NOW + DAY) == lookup(conn, [key]) == first


def test_a_key_is_its_kind_system_and_local_id(conn: Connection) -> None:
    keys = [Key(k, s, i) for k in ("customer", "device") for s in ("crm", "erp") for i in ("1", " 1", "１")]
    found = resolve(conn, keys, NOW)
    assert len(set(found.values())) == len(keys)
    assert {key: kind_of(gid) for key, gid in found.items()} == {key: key.kind for key in keys}


def test_a_batch_of_known_new_and_repeated_keys_resolves_at_once(conn: Connection) -> None:
    keys = customers(6)
    known = resolve(conn, keys[:3], NOW)
    found = resolve(conn, [*keys, *keys], NOW)
    assert set(found) == set(keys)
    assert {key: found[key] for key in known} == known
    assert len(set(found.values())) == 6


def test_looking_up_leaves_unknown_keys_out_and_writes_nothing(conn: Connection) -> None:
    known, unknown = customers(2)
    found = resolve(conn, [known], NOW)
    assert lookup(conn, [known, unknown]) == found
    assert count(conn) == 1


def test_no_keys_are_no_statement(conn: Connection) -> None:
    with counted_statements(conn) as seen:
        assert resolve(conn, [], NOW) == lookup(conn, []) == {}
        assert live(conn, []) == {}
    assert seen == []


def test_known_keys_take_one_statement_and_new_ones_two_more(conn: Connection) -> None:
    mint(conn, "customer", 1, NOW)
    keys = customers(5_000)
    with counted_statements(conn) as seen:
        resolve(conn, keys, NOW)
    assert len(seen) == 3
    with counted_statements(conn) as seen:
        resolve(conn, keys, NOW)
    assert len(seen) == 1


def test_a_batch_larger_than_a_statement_resolves_in_several(conn: Connection) -> None:
    keys = customers(12_345)
    random.Random(1).shuffle(keys)
    found = resolve(conn, keys, NOW)
    assert len(set(found.values())) == len(keys)
    with counted_statements(conn) as seen:
        assert lookup(conn, keys) == found
    assert len(seen) == 3


def test_the_longest_and_oddest_names_are_kept_as_they_are(conn: Connection) -> None:
    wide = "𠜎"  # four bytes in UTF-8
    letters = random.Random(1).choices("𠜎𠜱𠝹𠱓𠱸𠲖𠳏𠳕", k=LOCAL_LENGTH)  # nothing for an index to compress
    keys = [
        Key("article", wide * SYSTEM_LENGTH, "".join(letters)),
        *(Key("article", "erp", local) for local in ("a'b", 'a"b', "a\\b", "{a,b}", "NULL", "\n", "%s", "\x1f", "é")),
    ]
    found = resolve(conn, keys, NOW)
    assert lookup(conn, keys) == found
    assert {xref.local for gid in found.values() for xref in crosswalk(conn, gid)} == {key.local for key in keys}


def test_a_batch_with_a_bad_key_is_refused_whole(conn: Connection) -> None:
    good = customers(6_000)
    with pytest.raises(BadKey) as refused:
        resolve(conn, [*good, Key("customer", "crm", "")], NOW)
    assert refused.value.path == "keys[6000].local"
    assert count(conn) == 0


def test_merged_keys_answer_with_their_live_id(conn: Connection) -> None:
    gids = born(conn, 3)
    merge(conn, gids[0], gids[2], actor="ann", reason="", now=NOW)
    keys = customers(3)
    assert list(lookup(conn, keys).values()) == list(resolve(conn, keys, NOW).values()) == [gids[0], gids[1], gids[0]]
    assert live(conn, gids) == {gids[0]: gids[0], gids[1]: gids[1], gids[2]: gids[0]}


def test_a_transaction_rolled_back_in_the_middle_leaves_nothing(registry: Engine) -> None:
    keys = customers(50)
    with registry.connect() as conn:
        resolve(conn, keys, NOW)
        conn.rollback()
        assert lookup(conn, keys) == {}
        assert count(conn) == 0
        conn.rollback()
        again = resolve(conn, keys, NOW)
        conn.commit()
    with registry.begin() as conn:
        assert resolve(conn, keys, NOW) == again


def last_seen(conn: Connection) -> list[int]:
    return list(conn.scalars(select(xref.c.last_seen).order_by(xref.c.local)))


def test_seeing_a_key_again_on_the_same_day_writes_nothing(conn: Connection) -> None:
    resolve(conn, customers(2), NOW)
    with counted_statements(conn) as seen:
        resolve(conn, customers(2), NOW + DAY)
    assert [statement.split()[0] for statement in seen] in (["WITH"], ["SELECT"])
    assert last_seen(conn) == [NOW, NOW]


def test_seeing_a_key_again_after_a_day_renews_when_it_was_last_seen(conn: Connection) -> None:
    resolve(conn, customers(2), NOW)
    resolve(conn, customers(1), NOW + DAY + 1)
    assert last_seen(conn) == [NOW + DAY + 1, NOW]


def test_an_older_sight_never_sets_last_seen_back(conn: Connection) -> None:
    resolve(conn, customers(1), NOW)
    resolve(conn, customers(1), NOW - 5 * DAY)
    assert last_seen(conn) == [NOW]


def test_looking_up_does_not_become_slow_when_the_tables_grow(postgres_registry: Engine) -> None:
    """A plan that PostgreSQL kept from when the table filled one page would read the whole table for every key."""
    keys = customers(8_000)
    with postgres_registry.begin() as conn:
        resolve(conn, keys[:20], NOW)
    with postgres_registry.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE")
    with postgres_registry.connect() as conn:
        for _ in range(12):
            lookup(conn, keys[:20])
        resolve(conn, keys, NOW)
        before = rows_read_by_scans(conn)
        lookup(conn, keys)
        assert rows_read_by_scans(conn) - before <= len(keys)


def rows_read_by_scans(conn: Connection) -> int:
    conn.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    conn.commit()
    query = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'xref'"
    read: int = conn.exec_driver_sql(query).scalar_one()
    conn.commit()
    return read


@contextmanager
def around_inserts(conn: Connection, *, before: Callable[[], object], after: Callable[[], object]) -> Iterator[None]:
    """Do something elsewhere just before and just after this connection's next insert, each once."""
    todo = {"before_cursor_execute": before, "after_cursor_execute": after}

    def listen(name: str) -> Callable[..., None]:
        def act(_conn: object, _cursor: object, statement: str, *_: object) -> None:
            if statement.strip().startswith("INSERT INTO xref") and name in todo:
                todo.pop(name)()

        event.listen(conn, name, act)
        return act

    acts = {name: listen(name) for name in list(todo)}
    yield
    for name, act in acts.items():
        event.remove(conn, name, act)
    assert not todo


def test_who_comes_second_gets_the_id_that_the_first_one_made(postgres_registry: Engine) -> None:
    keys, got = customers(3), {}

    def be_quicker() -> None:
        with postgres_registry.begin() as other:
            got.update(resolve(other, keys[:2], NOW))

    with postgres_registry.begin() as conn:
        mint(conn, "customer", 1, NOW)
    with postgres_registry.begin() as conn, around_inserts(conn, before=be_quicker, after=lambda: None):
        found = resolve(conn, keys, NOW)
    assert {key: found[key] for key in keys[:2]} == got
    assert len(set(found.values())) == 3


def test_a_key_that_goes_away_between_two_statements_asks_to_try_again(postgres_registry: Engine) -> None:
    keys = customers(2)

    def be_quicker() -> None:
        with postgres_registry.begin() as other:
            resolve(other, keys[:1], NOW)

    def delete_it() -> None:
        with postgres_registry.begin() as other:
            other.execute(delete(xref).where(xref.c.local == keys[0].local))

    with postgres_registry.begin() as conn:
        mint(conn, "customer", 1, NOW)
    with postgres_registry.connect() as conn, around_inserts(conn, before=be_quicker, after=delete_it):
        with pytest.raises(ConcurrentChange, match="try again"):
            resolve(conn, keys, NOW)
        conn.rollback()
        assert set(resolve(conn, keys, NOW)) == set(keys)
