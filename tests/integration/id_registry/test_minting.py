"""New numbers: one after the other, per kind and year, from PostgreSQL's sequences or SQLite's counter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Connection, Engine, create_engine

from id_registry import BadInput, NumbersExhausted, UnknownKind, format_id, metadata, mint, was_minted
from id_registry.global_ids import LAST_SEQUENCE, make_gid
from tests.integration.id_registry.conftest import counted_statements
from tests.integration.id_registry.things import NOW

NEW_YEAR_2027 = 1_798_761_600_000_000


def test_numbers_begin_at_one_and_go_up(conn: Connection) -> None:
    assert [format_id(gid) for gid in mint(conn, "ticket", 2, NOW)] == ["TKT-2026-000001", "TKT-2026-000002"]
    assert [format_id(gid) for gid in mint(conn, "ticket", 1, NOW)] == ["TKT-2026-000003"]


def test_every_kind_counts_for_itself(conn: Connection) -> None:
    mint(conn, "ticket", 5, NOW)
    assert format_id(mint(conn, "device", 1, NOW)[0]) == "DEV-2026-000001"


def test_every_year_begins_anew(conn: Connection) -> None:
    mint(conn, "ticket", 5, NEW_YEAR_2027 - 1)
    assert format_id(mint(conn, "ticket", 1, NEW_YEAR_2027)[0]) == "TKT-2027-000001"


def test_any_number_of_ids_takes_one_statement(conn: Connection) -> None:
    mint(conn, "ticket", 1, NOW)
    with counted_statements(conn) as seen:
        gids = mint(conn, "ticket", 20_000, NOW)
    assert len(seen) == 1
    assert gids == sorted(set(gids))
    assert len(gids) == 20_000


def test_no_ids_are_no_statement(conn: Connection) -> None:
    with counted_statements(conn) as seen:
        assert mint(conn, "ticket", 0, NOW) == []
    assert seen == []


def test_numbers_of_a_transaction_that_was_rolled_back_do_no_harm(registry: Engine) -> None:
    """Its very sequence is gone with it, which nobody may have remembered as being there."""
    with registry.connect() as conn:
        mint(conn, "ticket", 3, NOW)
        conn.rollback()
        again = mint(conn, "ticket", 3, NOW)
        conn.commit()
        assert set(again).isdisjoint(mint(conn, "ticket", 3, NOW))


def test_a_savepoint_rolled_back_does_no_harm(conn: Connection) -> None:
    savepoint = conn.begin_nested()
    mint(conn, "ticket", 3, NOW)
    savepoint.rollback()
    assert len(mint(conn, "ticket", 3, NOW)) == 3


def test_two_databases_in_one_process_count_for_themselves(registry: Engine, tmp_path: Path) -> None:
    other = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    metadata.create_all(other)
    with registry.begin() as conn:
        mint(conn, "ticket", 5, NOW)
    with other.begin() as conn:
        assert format_id(mint(conn, "ticket", 1, NOW)[0]) == "TKT-2026-000001"
    other.dispose()


def test_only_numbers_that_were_given_out_count_as_minted(conn: Connection) -> None:
    last = mint(conn, "ticket", 3, NOW)[-1]
    assert was_minted(conn, last)
    assert not was_minted(conn, last + 1)
    assert not was_minted(conn, make_gid("device", 2026, 1))
    assert not was_minted(conn, make_gid("ticket", 2025, 1))


def test_a_kind_that_has_used_up_its_year_says_so(conn: Connection) -> None:
    mint(conn, "ticket", 1, NOW)
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SELECT setval('gid_2_2026', %s)", (LAST_SEQUENCE - 1,))
    else:
        conn.exec_driver_sql("UPDATE id_counter SET last = ?", (LAST_SEQUENCE - 1,))
    assert mint(conn, "ticket", 1, NOW) == [make_gid("ticket", 2026, LAST_SEQUENCE)]
    with pytest.raises(NumbersExhausted) as used_up:
        mint(conn, "ticket", 1, NOW)
    assert (used_up.value.kind, used_up.value.year) == ("ticket", 2026)


def test_what_cannot_be_minted_is_refused(conn: Connection) -> None:
    with pytest.raises(UnknownKind, match="did you mean 'ticket'"):
        mint(conn, "tickets", 1, NOW)
    with pytest.raises(BadInput, match="cannot mint -1"):
        mint(conn, "ticket", -1, NOW)


def test_eight_at_once_on_the_first_of_the_year_get_different_numbers(postgres_registry: Engine) -> None:
    start = Barrier(8)

    def work(_: int) -> list[int]:
        start.wait(10)
        got = []
        for kind in ("ticket", "device", "ticket"):
            with postgres_registry.begin() as conn:
                got += mint(conn, kind, 20, NOW)
        return got

    with ThreadPoolExecutor(8) as pool:
        gids = [gid for got in pool.map(work, range(8)) for gid in got]
    assert len(gids) == len(set(gids)) == 8 * 60
