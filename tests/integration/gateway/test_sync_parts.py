"""A stream read in parts is held as if it had been read as a whole, whoever reads them, and whatever ends on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from gateway import clock, leases
from gateway.config import documents
from gateway.errors import BadConfiguration, Conflict
from gateway.sync import parts, passes, rounds, state
from gateway.sync.parts import Wanted
from gateway.sync.planned import Sync
from gateway.sync.tables import sync_part, sync_part_seen, sync_run
from gateway.usecases import syncing
from tests.integration.gateway.books.connector import Killed
from tests.integration.gateway.replicas import Keep
from tests.integration.gateway.test_sync import ZERO, customer, stock

WAREHOUSES = {"connection": "erp", "stream": "stock", "partitions": {"by": "warehouse", "values": ["01", "02"]}}
CODES = {"connection": "erp", "stream": "customers", "partitions": {"by": "code", "bounds": ["c140", "c200"]}}
DAYS = {"connection": "erp", "stream": "stops", "partitions": {"by": "begun", "since": "2026-11-18", "again": 1}}


def divided(keep: Keep, *syncs: dict[str, Any]) -> Keep:
    keep.apply({"syncs": list(syncs)})
    return keep


def sync_of(keep: Keep, stream: str) -> Sync:
    return syncing.sync_named(keep.house.gateway, keep.live(), stream)


def plan(keep: Keep, stream: str, wanted: Wanted | None = None, **more: Any) -> rounds.Round:
    return parts.plan(keep.house.gateway, sync_of(keep, stream), wanted, **more)


def names(keep: Keep, of: rounds.Round) -> list[str]:
    with keep.house.gateway.reading() as conn:
        return list(rounds.parts_of(conn, of))


def read(keep: Keep, of: rounds.Round, name: str) -> dict[str, Any]:
    gateway = keep.house.gateway
    return parts.run_part(gateway, gateway.hub, sync_of(keep, of.stream), of.id, name).as_dict()


def finish(keep: Keep, of: rounds.Round) -> dict[str, Any]:
    gateway = keep.house.gateway
    return parts.finish(gateway, gateway.hub, sync_of(keep, of.stream), of.id).as_dict()


def as_held(keep: Keep, stream: str) -> dict[str, Any]:
    """Everything that does not say when it was read."""
    return {
        key: (row.id, row.content, row.whole, row._mapping["values"], row.gid is None)
        for key, row in keep.rows(stream).items()
    }


def shelf(keep: Keep, stream: str) -> tuple[Any, ...]:
    from gateway.sync import store

    with keep.house.gateway.reading() as conn:
        found = store.shelf(conn, "erp", stream)
    assert found is not None
    return found.record, found.mapping, found.rules, found.live


@pytest.mark.parametrize(("stream", "spec"), [("stock", WAREHOUSES), ("customers", CODES)])
def test_the_same_is_held_and_counted_as_without_parts(
    keep_of: Callable[..., Keep], stream: str, spec: dict[str, Any]
) -> None:
    keep = keep_of()
    keep.erp.put("stock", *(stock(f"A{n}", n, warehouse=["01", "02", "03", None][n % 4]) for n in range(400)))
    keep.erp.put("customers", *(customer(f"c{n}") for n in range(300)))
    whole = keep.sync(stream)
    held, was = as_held(keep, stream), shelf(keep, stream)
    divided(keep, spec)
    assert keep.sync(stream, full=True) == whole | {"added": 0, "unchanged": whole["added"]}
    assert (as_held(keep, stream), shelf(keep, stream)) == (held, was)
    with keep.house.gateway.transaction() as conn:  # and now the parts come first
        from gateway.sync import store

        store.forget(conn, "erp", stream)
    assert keep.sync(stream) == whole
    assert (as_held(keep, stream), shelf(keep, stream)) == (held, was)
    with keep.house.gateway.reading() as conn:
        told = next(s for s in syncing.status(conn) if s["stream"] == stream)
    assert (told["state"], told["records"], told["counts"]["added"]) == ("complete", whole["read"], whole["added"])


def test_what_no_part_had_is_gone_once_all_are_read(keep: Keep) -> None:
    divided(keep, WAREHOUSES)
    keep.erp.put("stock", *(stock(f"A{n}", warehouse=f"0{n % 3}") for n in range(9)))
    assert keep.sync("stock") == ZERO | {"read": 9, "added": 9}
    keep.erp.drop("stock", item="A4", warehouse="01", batch=None)
    keep.erp.drop("stock", item="A3", warehouse="00", batch=None)  # of the others
    assert keep.sync("stock") == ZERO | {"read": 7, "unchanged": 7, "absent": 2}
    assert sorted(keep.rows("stock")) == ["A0/00/", "A1/01/", "A2/02/", "A5/02/", "A6/00/", "A7/01/", "A8/02/"]
    with keep.house.gateway.reading() as conn:
        assert conn.execute(select(sync_part_seen)).first() is None


def test_each_part_goes_on_from_its_own_cursor(keep: Keep) -> None:
    divided(keep, CODES)
    keep.erp.put("customers", *(customer(f"c{n}") for n in (111, 150, 250)))
    keep.sync("customers")
    keep.erp.put("customers", customer("c150", name="new"), customer("c260"))
    assert keep.sync("customers") == ZERO | {"read": 2, "changed": 1, "added": 1}
    assert keep.sync("customers") == ZERO | {"read": 0}


def test_parts_begin_where_the_whole_was_read_to(keep: Keep) -> None:
    keep.erp.put("customers", *(customer(f"c{n}") for n in (111, 150)))
    keep.sync("customers")
    divided(keep, CODES)
    keep.erp.put("customers", customer("c160"))
    assert keep.sync("customers") == ZERO | {"read": 1, "added": 1}


def test_a_part_that_is_divided_otherwise_is_read_again(keep: Keep) -> None:
    divided(keep, CODES)
    keep.erp.put("customers", *(customer(f"c{n}") for n in (150, 250)))
    keep.sync("customers")
    divided(keep, CODES | {"partitions": {"by": "code", "bounds": ["c140", "c220"]}})
    assert keep.sync("customers") == ZERO | {"read": 2, "unchanged": 2}


def test_another_mapping_reads_all_parts_again(keep: Keep) -> None:
    from tests.integration.gateway.test_sync import another_mapping

    divided(keep, CODES)
    keep.erp.put("customers", *(customer(f"c{n}") for n in (111, 150)))
    keep.sync("customers")
    mine = another_mapping("customers", "Customer", {"id": "code", "name": "upper(name)"}, customer("x"))
    mine["connections"][0] |= {"config": {"place": "erp"}}
    keep.apply(mine)
    assert keep.sync("customers") == ZERO | {"read": 2, "changed": 2}


def test_a_part_that_is_killed_is_read_on_from_its_cursor_and_nothing_is_lost_or_double(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "ROWS", 100)
    divided(keep, CODES)
    keep.erp.put("customers", *(customer(f"c15{n:03}") for n in range(550)))
    of = plan(keep, "customers")
    keep.erp.dies_at_page = 3
    with pytest.raises(Killed):
        read(keep, of, "c140..c200")
    assert 100 <= len(keep.rows("customers")) < 550
    keep.erp.dies_at_page = None
    keep.house.clock.forward(state.LEASE // clock.SECOND + 1)
    again = read(keep, of, "c140..c200")
    assert (again["added"], again["error"]) == (550, "")
    for name in ("..c140", "c200.."):
        read(keep, of, name)
    assert finish(keep, of)["added"] == 550
    assert len(keep.rows("customers")) == 550
    keep.house.ends()


def test_a_part_that_is_being_read_is_refused_to_a_second_reader(keep: Keep) -> None:
    divided(keep, CODES)
    of = plan(keep, "customers")
    with keep.house.gateway.transaction() as conn:
        assert leases.take(conn, of.lease_of("..c140"), "elsewhere:1:abc", keep.house.clock.now, state.LEASE)
    with pytest.raises(Conflict, match=r"Part '\.\.c140' of erp/customers is being read by elsewhere:1:abc"):
        read(keep, of, "..c140")
    assert read(keep, of, "c200..")["error"] == ""


def test_a_reader_that_was_held_up_until_another_took_its_part_over_writes_nothing_more(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "ROWS", 100)
    divided(keep, CODES)
    keep.erp.put("customers", *(customer(f"c15{n:03}") for n in range(300)))
    of, took = plan(keep, "customers"), threading.Event()
    real = keep.live().runtime
    assert real is not None

    def slow(*args: Any) -> Any:
        for number, batch in enumerate(type(real).read(real, *args)):
            yield batch
            if number == 1 and not took.is_set():
                took.set()
                keep.house.clock.forward(state.LEASE // clock.SECOND + 1)
                assert read(keep, of, "c140..c200")["added"] == 300

    monkeypatch.setattr(real, "read", slow)
    late = read(keep, of, "c140..c200")
    assert "took the stream over" in late["error"]
    monkeypatch.undo()
    assert len(keep.rows("customers")) == 300
    with keep.house.gateway.reading() as conn:
        assert rounds.parts_of(conn, of)["c140..c200"].state == "complete"
    keep.house.ends()


def test_a_round_that_another_run_took_the_stream_from_is_over(keep: Keep) -> None:
    divided(keep, CODES)
    of = plan(keep, "customers")
    with pytest.raises(Conflict, match="being read by round:"):
        plan(keep, "customers")
    keep.house.clock.forward(rounds.LEASE // clock.SECOND + 1)
    assert keep.run("customers")["error"] == ""
    with pytest.raises(Conflict, match="is over"):
        read(keep, of, "..c140")


def test_who_asks_again_gets_the_same_round_and_a_complete_part_is_not_read_twice(keep: Keep) -> None:
    divided(keep, CODES)
    keep.erp.put("customers", customer("c150"))
    first = plan(keep, "customers", asked_by="dag/run-1")
    assert plan(keep, "customers", asked_by="dag/run-1").id == first.id
    for _ in range(2):
        assert read(keep, first, "c140..c200")["added"] == 1
    assert keep.erp.read == ["customers:c140..c200"]
    with pytest.raises(Conflict, match=r"not complete: \.\.c140 \(planned\), c200\.\. \(planned\)"):
        finish(keep, first)
    for name in ("..c140", "c200.."):
        read(keep, first, name)
    for _ in range(2):
        assert finish(keep, first)["added"] == 1
    assert plan(keep, "customers", asked_by="dag/run-2").id != first.id


def test_a_source_that_fails_in_one_part_leaves_the_others_read_and_ends_the_run(keep: Keep) -> None:
    divided(keep, CODES)
    keep.erp.put("customers", *(customer(f"c{n}") for n in (111, 150, 250)))
    keep.erp.fails_at_page = 0
    assert keep.run("customers")["error"] == "the books are closed"
    keep.erp.fails_at_page = None
    assert keep.sync("customers") == ZERO | {"read": 3, "added": 3}


def test_days_that_were_read_rest_but_the_latest(keep: Keep) -> None:
    divided(keep, DAYS)  # today is the 21st
    first = plan(keep, "stops")
    days = ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21", "~ahead", "~before"]
    assert names(keep, first) == days
    for name in days[1:]:
        read(keep, first, name)
    parts.give_up(keep.house.gateway, first, "the 18th was not read")
    assert names(keep, plan(keep, "stops")) == ["2026-11-18", "2026-11-20", "2026-11-21", "~ahead"]


def test_a_backfill_reads_the_days_that_were_asked_for(keep: Keep) -> None:
    from datetime import date

    divided(keep, DAYS)
    keep.sync("stops")
    wanted = Wanted(since=date(2026, 11, 17), until=date(2026, 11, 19))
    assert names(keep, plan(keep, "stops", wanted)) == ["2026-11-18", "2026-11-19"]


def test_parts_that_are_asked_for_by_name_are_read_from_their_beginning(keep: Keep) -> None:
    divided(keep, CODES)
    keep.erp.put("customers", *(customer(f"c{n}") for n in (111, 150)))
    keep.sync("customers")
    of = plan(keep, "customers", Wanted(names=["..c140"]))
    assert names(keep, of) == ["..c140"]
    assert read(keep, of, "..c140")["unchanged"] == 1
    assert finish(keep, of)["error"] == ""
    assert keep.sync("customers") == ZERO | {"read": 0}
    with pytest.raises(BadConfiguration, match="has no part 'c140'"):
        plan(keep, "customers", Wanted(names=["c140"]))


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"connection": "epr", "stream": "stock"}, r"syncs\[0\]\.connection: there is no connection 'epr'"),
        ({"connection": "erp", "stream": "stok"}, r"syncs\[0\]\.stream: 'erp' has no stream 'stok'.*stock"),
        ({"connection": "r", "stream": "alert"}, r"syncs\[0\]\.stream"),
        (
            WAREHOUSES | {"partitions": {"by": "qty", "bounds": [5]}},
            r"partitions\.by: a record that moves .*item, warehouse",
        ),
        (WAREHOUSES | {"partitions": {"by": "warehouse"}}, r"syncs\[0\]\.partitions: give one of"),
        (WAREHOUSES | {"partitions": {"by": "warehouse", "values": ["1", "1"]}}, "a value is there twice"),
        (WAREHOUSES | {"partitions": {"by": "warehouse", "bounds": ["2", "1"]}}, "bounds must ascend"),
        (WAREHOUSES | {"schedule": {"cron": "0 2 * * 1-5"}}, "write names: mon-fri"),
        (WAREHOUSES | {"schedule": {"cron": "0 2 1 * mon"}}, "give one of them"),
        (WAREHOUSES | {"schedule": {"cron": "0 2 31 2 *"}}, "never comes"),
        (WAREHOUSES | {"schedule": {"every": "1h", "cron": "0 2 * * *"}}, "give either `every` or `cron`"),
        (
            WAREHOUSES | {"schedule": {"cron": "0 2 * * *", "zone": "Asia/Shangai"}},
            "there is no time zone 'Asia/Shangai'",
        ),
    ],
)
def test_a_sync_that_cannot_be_is_refused_with_its_place(keep: Keep, spec: dict[str, Any], told: str) -> None:
    with pytest.raises(BadConfiguration, match=told):
        keep.house.gateway.apply(documents.validate({"syncs": [spec]}))


def test_syncs_are_exported_as_they_were_written_and_go_with_their_connection(keep: Keep) -> None:
    from gateway.config import store

    gateway = keep.house.gateway
    divided(keep, WAREHOUSES | {"fresh_within": "30m"})
    with gateway.reading() as conn:
        assert store.export(conn, gateway.catalogue, gateway.hub)["syncs"] == [WAREHOUSES | {"fresh_within": "30m"}]
    with gateway.transaction() as conn:
        store.remove(conn, "connection", "erp", gateway.catalogue, gateway.vault, clock.now())
    assert not gateway.reload().syncs


def test_the_counts_of_a_round_stand_in_its_run_and_its_parts(keep: Keep) -> None:
    divided(keep, CODES)
    keep.erp.put("customers", *(customer(f"c{n}") for n in (111, 150, 250)))
    keep.sync("customers")
    with keep.house.gateway.reading() as conn:
        added = conn.execute(select(sync_part.c.part, sync_part.c.added).order_by(sync_part.c.part)).all()
        total = conn.execute(select(sync_run.c.added, sync_run.c.state)).one()
    assert [tuple(a) for a in added] == [("..c140", 1), ("c140..c200", 1), ("c200..", 1)]
    assert tuple(total) == (3, "complete")
