"""What every system calls a thing, from either end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine

from id_registry import (
    BadCursor,
    BadInput,
    Key,
    UnknownKind,
    Xref,
    crosswalk,
    merge,
    metadata,
    mint,
    resolve,
    search,
    undo,
)
from tests.integration.id_registry.conftest import counted_statements
from tests.integration.id_registry.things import NOW, customers


def test_a_merged_thing_is_known_by_the_names_of_all_its_members(conn: Connection) -> None:
    crm, erp = Key("customer", "crm", "C-1"), Key("customer", "erp", "10023")
    a, b = resolve(conn, [crm], NOW)[crm], resolve(conn, [erp], NOW + 1)[erp]
    event = merge(conn, a, b, actor="ann", reason="", now=NOW)
    both = [Xref(*crm, a, NOW, NOW, a), Xref(*erp, b, NOW + 1, NOW + 1, a)]
    assert crosswalk(conn, a) == crosswalk(conn, b) == both
    undo(conn, event.id, actor="ann", now=NOW)
    assert crosswalk(conn, b) == [Xref(*erp, b, NOW + 1, NOW + 1, b)]


def test_an_id_that_no_system_uses_has_no_names(conn: Connection) -> None:
    assert crosswalk(conn, mint(conn, "ticket", 1, NOW)[0]) == []


def test_a_search_finds_local_ids_by_their_beginning(conn: Connection) -> None:
    keys = [Key("device", "mes", local) for local in ("PRESS-1", "PRESS-10", "PRESS", "press-1", "XPRESS-1")]
    resolve(conn, keys, NOW)
    found = search(conn, kind="device", system="mes", prefix="PRESS-")
    assert [xref.local for xref in found.items] == ["PRESS-1", "PRESS-10"]
    assert found.next_cursor is None


def test_a_search_keeps_to_the_kind_and_the_system(conn: Connection) -> None:
    keys = [Key(kind, system, "1") for kind in ("device", "customer") for system in ("mes", "crm")]
    resolve(conn, keys, NOW)
    assert [(x.kind, x.system) for x in search(conn, kind="device").items] == [("device", "crm"), ("device", "mes")]
    assert [(x.kind, x.system) for x in search(conn, system="crm").items] == [("customer", "crm"), ("device", "crm")]
    assert len(search(conn, prefix="1").items) == 4


def test_pages_follow_one_another_without_gap_or_overlap(conn: Connection) -> None:
    keys = customers(25) + customers(25, "erp")
    resolve(conn, keys, NOW)
    got, cursor, pages = [], None, 0
    while True:
        page = search(conn, cursor=cursor, limit=7)
        got += [Key(x.kind, x.system, x.local) for x in page.items]
        cursor, pages = page.next_cursor, pages + 1
        if cursor is None:
            break
    assert got == sorted(keys)
    assert pages == 8


def test_a_page_that_ends_where_the_keys_end_is_the_last(conn: Connection) -> None:
    resolve(conn, customers(4), NOW)
    assert search(conn, limit=4).next_cursor is None


def test_a_found_key_tells_the_live_id_of_a_merged_thing(conn: Connection) -> None:
    a, b = sorted(resolve(conn, customers(2), NOW).values())
    merge(conn, a, b, actor="ann", reason="", now=NOW)
    assert [(x.birth, x.gid) for x in search(conn).items] == [(a, a), (b, a)]


@pytest.mark.parametrize(
    "cursor", ["", "x", "WzFd", "bm90IGpzb24=", "WzcwMDAwLCJhIiwiYiJd", "é", "WzEsImEiLCJcdTAwMDAiXQ=="]
)
def test_a_cursor_from_elsewhere_is_refused(conn: Connection, cursor: str) -> None:
    with pytest.raises(BadCursor):
        search(conn, cursor=cursor)


def test_a_search_that_cannot_be_made_is_refused(conn: Connection) -> None:
    for limit in (0, 1_001):
        with pytest.raises(BadInput, match="give 1 to 1000"):
            search(conn, limit=limit)
    with pytest.raises(UnknownKind):
        search(conn, kind="devise")
    with pytest.raises(BadInput, match="prefix"):
        search(conn, prefix="nul\0")


def test_a_search_takes_one_statement(conn: Connection) -> None:
    with counted_statements(conn) as seen:
        search(conn, kind="customer", system="crm", prefix="C")
    assert len(seen) == 1


ODD = "ab\ud7ff\ue000\U0010fffe\U0010ffff%_"
names = st.text(st.sampled_from(ODD), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def odd_names(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """All names of one to three odd characters."""
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('odd') / 'weft.db'}")
    metadata.create_all(engine)
    locals_ = [a + b + c for a in ODD for b in ["", *ODD] for c in (["", *ODD] if b else [""])]
    with engine.begin() as conn:
        resolve(conn, [Key("device", "mes", local) for local in locals_], NOW)
    return engine


@given(prefix=names)
def test_a_prefix_finds_exactly_the_names_that_begin_with_it(odd_names: Engine, prefix: str) -> None:
    with odd_names.begin() as conn:
        every = [x.local for x in search(conn, limit=1_000).items]
        assert [x.local for x in search(conn, prefix=prefix, limit=1_000).items] == [
            local for local in every if local.startswith(prefix)
        ]


def test_both_databases_sort_and_cut_odd_names_alike(conn: Connection, odd_names: Engine) -> None:
    with odd_names.begin() as other:
        every = [x.local for x in search(other, limit=1_000).items]
    resolve(conn, [Key("device", "mes", local) for local in every], NOW)
    assert [x.local for x in search(conn, limit=1_000).items] == every == sorted(every)
    for prefix in ODD:
        assert [x.local for x in search(conn, prefix=prefix, limit=1_000).items] == [
            local for local in every if local.startswith(prefix)
        ]
