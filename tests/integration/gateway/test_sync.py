"""Streams of business records become the hub's replica: exactly once, with every count, whatever happens on the way."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

import id_registry
import lineage
from connectors.errors import BadRecord
from gateway import clock, leases, tables
from gateway.errors import Conflict
from gateway.sync import passes, state, store, writing
from gateway.sync import tables as sync_tables
from gateway.usecases import dead, ledger, syncing, tracing
from id_registry import Key
from tests.integration.gateway.books.connector import Killed, Shelves
from tests.integration.gateway.replicas import Keep

ZERO = dict.fromkeys(("added", "changed", "unchanged", "deleted", "skipped", "bad", "absent"), 0)


def stock(item: str, qty: Any = 10, **more: Any) -> dict[str, Any]:
    return {"item": item, "warehouse": "01", "batch": None, "name": f"Item {item}", "qty": qty, "unit": "个"} | more


def customer(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name": f"Customer {code}"} | more


def another_mapping(stream: str, to: str, fields: dict[str, Any], sample: dict[str, Any]) -> dict[str, Any]:
    """A configuration in which `erp` uses a mapping of its own for a stream."""
    mine = {"mapping": "mine", "from": {"connector": "books", "stream": stream}, "to": to, "fields": fields,
            "tests": [{"in": sample, "out": {}}]}  # fmt: skip
    return {"mappings": [mine], "connections": [{"id": "erp", "connector": "books", "mappings": {stream: "mine"}}]}


# -- what is held --------------------------------------------------------------------------------------------------------


def test_a_stream_is_read_into_the_replica_and_a_second_reading_changes_nothing(keep: Keep) -> None:
    keep.erp.put("stock", *(stock(f"A{n}", Decimal(n) / 4) for n in range(250)))
    assert keep.sync("stock") == ZERO | {"read": 250, "added": 250}
    assert keep.held("stock")["A7/01/"] == {
        "item": "A7", "warehouse": "01", "item_name": "Item A7", "quantity": Decimal("1.75"), "unit": "个"
    }  # fmt: skip
    assert keep.sync("stock") == ZERO | {"read": 250, "unchanged": 250}


def test_only_what_changed_is_written_again_and_has_a_new_origin(keep: Keep) -> None:
    keep.erp.put("stock", *(stock(f"A{n}") for n in range(5)))
    keep.sync("stock")
    before = keep.rows("stock")
    keep.erp.put("stock", stock("A3", 7))
    assert keep.sync("stock") == ZERO | {"read": 5, "changed": 1, "unchanged": 4}
    after = keep.rows("stock")
    moved = {key for key in after if after[key].landing != before[key].landing}
    assert moved == {"A3/01/"}
    assert keep.held("stock")["A3/01/"]["quantity"] == 7


def test_every_field_drills_down_to_its_raw_value_and_is_verified(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1", "12.50"), stock("A2"))
    keep.sync("stock")
    with keep.house.gateway.reading() as conn:
        origin = tracing.drill_replica(conn, "erp", "stock", "A1/01/", "quantity")
        report = tracing.verify(conn, 0)
    assert origin.verdict is lineage.Verdict.EQUAL
    assert [(s.dataset, s.key, s.field, s.raw) for s in origin.sources] == [("erp/stock", "A1/01/", "qty", "12.50")]
    assert origin.run is not None
    assert origin.run.job == "erp.stock"
    assert report.ok
    assert report.records == 2


def test_verification_finds_a_replica_that_somebody_changed(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1"), stock("A2"))
    keep.sync("stock")
    with keep.house.gateway.transaction() as conn:
        c = sync_tables.replica.c
        conn.execute(
            update(sync_tables.replica).where(c.key == "A2/01/").values(values='{"item":"A2","warehouse":"01"}')
        )
    with keep.house.gateway.reading() as conn:
        report = tracing.verify(conn, 0)
    assert {d.field for d in report.differences} == {"quantity", "unit", "item_name"}


def test_raw_values_of_every_kind_are_kept_exactly(keep: Keep) -> None:
    at = datetime(2026, 11, 22, 4, 5, 6, 7, tzinfo=UTC)
    keep.erp.put("customers", customer("c1", changed=at, limit=Decimal("1000000.10"), city="杭\t州\\n"))
    keep.sync("customers")
    held = keep.held("customers")["c1"]
    assert (held["changed_at"], str(held["credit_limit"]), held["city"]) == (at, "1000000.10", "杭\t州\\n")
    assert keep.sync("customers", full=True) == ZERO | {"read": 1, "unchanged": 1}
    keep.house.verify()


def test_keys_that_look_alike_when_joined_are_different_objects(keep: Keep) -> None:
    keep.erp.put(
        "orders",
        *({"no": n, "line": i, "status": "open", "qty": 1} for n, i in (("a/b", "c"), ("a", "b/c"), ("a\\", "c"))),
    )
    assert keep.sync("orders")["added"] == 3
    assert len(keep.held("orders")) == 3


def test_an_object_read_twice_in_one_run_counts_as_what_each_reading_told(keep: Keep) -> None:
    rows = [stock("A1", 1), stock("A1", 2), stock("A1", 2)]
    keep.erp.tables["stock"] = [r | {"at": n} for n, r in enumerate(rows)]
    assert keep.sync("stock") == ZERO | {"read": 3, "added": 1, "changed": 1, "unchanged": 1}
    assert keep.held("stock")["A1/01/"]["quantity"] == 2


def test_what_the_mapping_does_not_want_is_skipped_and_leaves_when_it_turns_so(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1"), stock("A2", warehouse="SCRAP"))
    assert keep.sync("stock") == ZERO | {"read": 2, "added": 1, "skipped": 1}
    keep.erp.drop("stock", item="A1")
    keep.sync("stock")
    assert keep.held("stock") == {}


# -- deletions -----------------------------------------------------------------------------------------------------------


def test_a_tombstone_deletes_and_the_object_may_come_back(keep: Keep) -> None:
    keep.erp.put("customers", customer("c1"), customer("c2"))
    keep.sync("customers")
    keep.erp.put("customers", {"code": "c1", "_deleted": True})
    assert keep.sync("customers") == ZERO | {"read": 1, "deleted": 1}
    assert set(keep.held("customers")) == {"c2"}
    keep.erp.put("customers", customer("c1"))
    assert keep.sync("customers") == ZERO | {"read": 1, "added": 1}
    assert set(keep.held("customers")) == {"c1", "c2"}


def test_a_tombstone_of_something_unknown_changes_nothing(keep: Keep) -> None:
    keep.erp.put("customers", {"code": "nobody", "_deleted": True})
    assert keep.sync("customers") == ZERO | {"read": 1, "unchanged": 1}


def test_what_is_absent_from_a_whole_reading_is_deleted(keep: Keep) -> None:
    keep.erp.put("stock", *(stock(f"A{n}") for n in range(20)))
    keep.sync("stock")
    keep.erp.drop("stock", item="A4")
    assert keep.sync("stock") == ZERO | {"read": 19, "unchanged": 19, "absent": 1}
    assert "A4/01/" not in keep.held("stock")


def test_a_source_that_suddenly_gives_nearly_nothing_deletes_nothing_until_a_person_insists(keep: Keep) -> None:
    keep.erp.put("stock", *(stock(f"A{n}") for n in range(300)))
    keep.sync("stock")
    keep.erp.tables["stock"] = keep.erp.tables["stock"][:10]
    told = keep.run("stock")
    assert "290 of 300 records are missing at once" in told["error"]
    assert len(keep.held("stock")) == 300
    assert keep.sync("stock", full=True)["absent"] == 290


def test_a_source_that_gives_nothing_at_all_deletes_nothing(keep: Keep) -> None:
    keep.erp.put("stock", *(stock(f"A{n}") for n in range(20)))
    keep.sync("stock")
    keep.erp.tables["stock"] = []
    assert "20 of 20 records are missing at once" in keep.run("stock")["error"]
    assert len(keep.held("stock")) == 20


def test_a_reading_that_broke_off_deletes_nothing(keep: Keep) -> None:
    keep.erp.put("stock", *(stock(f"A{n}") for n in range(250)))
    keep.sync("stock")
    keep.erp.drop("stock", item="A200")
    keep.erp.fails_at_page = 1
    assert keep.run("stock")["error"] == "the books are closed"
    assert len(keep.held("stock")) == 250


# -- cursors, crashes, and two at once -----------------------------------------------------------------------------------


def test_a_run_goes_on_from_the_last_safe_cursor(keep: Keep) -> None:
    keep.erp.put("customers", *(customer(f"c{n}") for n in range(250)))
    keep.sync("customers")
    keep.erp.put("customers", customer("c9", city="杭州"))
    assert keep.sync("customers") == ZERO | {"read": 1, "changed": 1}
    assert keep.sync("customers") == ZERO | {"read": 0}


def test_a_failure_in_the_middle_keeps_what_was_given_out_and_its_cursor(keep: Keep) -> None:
    keep.erp.put("customers", *(customer(f"c{n}") for n in range(250)))
    keep.erp.fails_at_page = 2
    told = keep.run("customers")
    assert (told["read"], told["added"], told["error"]) == (200, 200, "the books are closed")
    keep.erp.fails_at_page = None
    assert keep.sync("customers") == ZERO | {"read": 50, "added": 50}


def test_a_run_that_is_killed_resumes_without_loss_or_double(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "ROWS", 100)
    keep.erp.put("customers", *(customer(f"c{n}") for n in range(450)))
    keep.erp.dies_at_page = 3
    with pytest.raises(Killed):
        keep.run("customers")
    assert len(keep.held("customers")) == 300
    keep.erp.dies_at_page = None
    keep.house.clock.forward(120)
    assert keep.sync("customers") == ZERO | {"read": 150, "added": 150}
    assert len(keep.held("customers")) == 450


def test_two_runs_of_one_stream_at_once_are_refused(keep: Keep) -> None:
    name = state.lease_name("erp", "stock")
    with keep.house.gateway.transaction() as conn:
        assert leases.take(conn, name, "elsewhere:1:abc", keep.house.clock.now, clock.MINUTE)
    with pytest.raises(Conflict, match="being read by elsewhere:1:abc"):
        keep.run("stock")
    keep.house.clock.forward(61)
    keep.run("stock")


def test_the_lease_of_a_process_that_is_dead_is_taken_over_at_once(keep: Keep) -> None:
    name = state.lease_name("erp", "stock")
    gone = f"{state._HOST}:999999999:abc"
    with keep.house.gateway.transaction() as conn:
        leases.take(conn, name, gone, keep.house.clock.now, clock.MINUTE)
    assert keep.run("stock")["error"] == ""


def test_a_run_whose_lease_was_taken_by_another_writes_nothing_more(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "ROWS", 100)
    keep.erp.put("stock", *(stock(f"A{n}") for n in range(250)))

    def taken(_: state.Counts) -> None:
        with keep.house.gateway.transaction() as conn:
            conn.execute(update(tables.lease).values(owner="elsewhere:1:abc"))

    told = syncing.run(keep.house.gateway, keep.live(), "stock", progress=taken)
    assert "Another run took the stream over" in told["error"]
    assert len(keep.held("stock")) == 100


def test_another_version_of_the_mapping_reads_everything_again(keep: Keep) -> None:
    keep.erp.put("customers", customer("c1", city="杭州"), customer("c2"))
    keep.sync("customers")
    fields = {"id": "code", "name": "upper(name)"}
    keep.apply(another_mapping("customers", "Customer", fields, {"code": "a", "name": "b"}))
    assert keep.sync("customers") == ZERO | {"read": 2, "changed": 2}
    assert keep.held("customers")["c1"] == {"id": "c1", "name": "CUSTOMER C1"}
    keep.house.verify()


# -- what cannot be used -------------------------------------------------------------------------------------------------


def test_a_bad_record_is_a_dead_letter_and_the_others_go_on(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1"), stock("A2", "a lot"), stock("A3"))
    assert keep.sync("stock") == ZERO | {"read": 3, "added": 2, "bad": 1}
    letters = keep.letters()
    assert [(x.stream, x.path) for x in letters] == [("stock", "quantity")]
    assert keep.house.ends() == {"dead": 1}


def test_the_same_bad_record_is_told_once_until_it_is_another(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1", "a lot"))
    keep.sync("stock")
    assert keep.sync("stock") == ZERO | {"read": 1, "bad": 1}
    assert len(keep.letters()) == 1
    keep.erp.put("stock", stock("A1", "quite a lot"))
    keep.sync("stock")
    assert len(keep.letters()) == 2
    keep.erp.put("stock", stock("A1", 3))
    keep.sync("stock")
    keep.erp.put("stock", stock("A1", "a lot"))
    keep.sync("stock")
    assert len(keep.letters()) == 3


def test_a_record_the_connector_could_not_use_keeps_the_connectors_reason(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1"))
    keep.erp.bad["stock"] = [
        BadRecord("iQuantity is 'viel'", record={"item": "A9", "qty": "viel"}, hint="mend the row")
    ]
    assert keep.sync("stock") == ZERO | {"read": 2, "added": 1, "bad": 1}
    (letter,) = keep.letters()
    assert (letter.reason, letter.hint) == ("iQuantity is 'viel'", "mend the row")
    assert dead.replay(keep.house.gateway, letter.message_id) == "dead"
    assert keep.letters()[0].reason == "iQuantity is 'viel'"


def test_a_bad_record_that_was_good_before_stays_as_it_was(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1", 5), stock("A2", 6))
    keep.sync("stock")
    keep.erp.put("stock", stock("A1", "five"))
    assert keep.sync("stock") == ZERO | {"read": 2, "unchanged": 1, "bad": 1}
    assert keep.held("stock")["A1/01/"]["quantity"] == 5


def test_nothing_is_called_absent_where_not_even_the_key_of_a_record_is_known(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1"), stock("A2"))
    keep.sync("stock")
    keep.erp.drop("stock", item="A2")
    keep.erp.bad["stock"] = [BadRecord("unreadable row", record="\x00\x01")]
    assert keep.sync("stock")["absent"] == 0
    assert set(keep.held("stock")) == {"A1/01/", "A2/01/"}


ODD: list[dict[str, Any]] = [
    {"qty": b"bytes"},
    {"name": "\ud800"},
    {"qty": 1.5 + 2j},
    {"item": "x" * 500},
    {"item": "n\0l"},
]


@pytest.mark.parametrize("odd", ODD)
def test_what_no_database_can_hold_harms_only_its_own_record(keep: Keep, odd: dict[str, Any]) -> None:
    keep.erp.put("stock", stock("A1"), stock("A2") | odd, stock("A3"))
    told = keep.sync("stock")
    assert (told["added"], told["bad"]) == (2, 1)
    assert keep.house.ends() == {"dead": 1}


def test_a_mapping_that_fits_nothing_stops_the_run_early(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "ROWS", 100)
    monkeypatch.setattr(writing, "TOO_MANY_BAD", 150)
    keep.erp.put("stock", *(stock(f"A{n}", "bad") for n in range(1000)))
    told = keep.run("stock")
    assert "200 of the first 200 records are unusable" in told["error"]
    keep.house.ends()


def test_a_mended_dead_letter_is_replayed_into_the_replica(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1", "12 Stück"))
    keep.sync("stock")
    quantity = {"expr": "num(before(text(qty), ' '))", "on_error": "dead_letter"}
    fields = {"item": "item", "warehouse": "warehouse", "quantity": quantity}
    keep.apply(another_mapping("stock", "StockLevel", fields, {"item": "a", "warehouse": "1", "qty": "3 x"}))
    (letter,) = keep.letters()
    assert dead.replay(keep.house.gateway, letter.message_id) == "suppressed"
    assert keep.held("stock")["A1/01/"]["quantity"] == 12
    keep.house.ends()


# -- ids -----------------------------------------------------------------------------------------------------------------


def test_things_that_records_name_get_global_ids_under_the_connections_name(keep: Keep) -> None:
    keep.erp.put("orders", {"no": "o1", "line": "1", "status": "open", "qty": 1, "customer": "c1", "item": "A1"})
    keep.sync("orders")
    with keep.house.gateway.reading() as conn:
        found = id_registry.lookup(conn, [Key("customer", "erp", "c1"), Key("article", "erp", "A1")])
    assert {id_registry.kind_of(gid) for gid in found.values()} == {"customer", "article"}


def test_a_customers_fields_are_observed_for_its_golden_record_and_say_where_they_came_from(keep: Keep) -> None:
    keep.erp.put("customers", customer("c1", phone="0571-1", city="杭州"))
    keep.sync("customers")
    keep.house.clock.forward(60)
    keep.erp.put("customers", customer("c1", phone="0571-2"))
    keep.sync("customers")
    with keep.house.gateway.reading() as conn:
        gid = id_registry.lookup(conn, [Key("customer", "erp", "c1")])[Key("customer", "erp", "c1")]
        golden = id_registry.golden(conn, gid)
        winner = golden.fields["phone"].winner
        assert winner is not None
        origin = lineage.drill_row(conn, int(winner.source or 0), "phone", stored=winner.value)
    assert (winner.value, golden.fields["city"].value) == ("0571-2", None)
    assert origin.verdict is lineage.Verdict.EQUAL
    assert origin.sources[0].raw == "0571-2"


def test_the_replica_of_a_thing_knows_the_id_it_was_born_with_whatever_is_merged(keep: Keep) -> None:
    keep.erp.put("customers", customer("c1"), customer("c2"))
    keep.sync("customers")
    before = {key: row.gid for key, row in keep.rows("customers").items()}
    with keep.house.gateway.transaction() as conn:
        id_registry.merge(conn, before["c1"], before["c2"], actor="ann", reason="", now=keep.house.clock.now)
    keep.erp.put("customers", customer("c1", city="x"), customer("c2", city="x"))
    keep.sync("customers")
    assert {key: row.gid for key, row in keep.rows("customers").items()} == before


# -- ledger and status ---------------------------------------------------------------------------------------------------


def test_records_that_concern_no_rule_make_no_messages_and_the_audit_counts_the_runs(keep: Keep) -> None:
    keep.erp.put("customers", *(customer(f"c{n}") for n in range(5)))
    keep.sync("customers")
    assert keep.house.ends() == {}
    with keep.house.gateway.transaction() as conn:
        conn.execute(update(sync_tables.sync_run).values(added=4))
        conn.execute(update(sync_tables.replica_stream).values(live=9))
    with keep.house.gateway.reading() as conn:
        found = {f.what for f in ledger.audit(conn).findings}
    assert found == {
        "sync runs whose counts are not the sum of what they read",
        "replicas that are not what was counted",
    }


def test_the_status_tells_what_is_held_and_what_the_last_run_did(keep: Keep) -> None:
    keep.erp.put("customers", customer("c1"), customer("c2"))
    keep.sync("customers")
    with keep.house.gateway.reading() as conn:
        (told,) = [s for s in syncing.status(conn) if s["stream"] == "customers"]
    assert (told["becomes"], told["held"], told["state"], told["records"]) == ("Customer", 2, "complete", 2)
    assert told["counts"]["added"] == 2


def test_progress_is_told_after_every_transaction(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "ROWS", 100)
    keep.erp.put("stock", *(stock(f"A{n}") for n in range(250)))
    told: list[int] = []
    syncing.run(keep.house.gateway, keep.live(), "stock", progress=lambda c: told.append(c.read))
    assert told == [100, 200, 250]


def test_counts_are_those_of_the_database(keep: Keep) -> None:
    keep.erp.put("stock", *(stock(f"A{n}") for n in range(30)))
    keep.sync("stock")
    with keep.house.gateway.reading() as conn:
        shelf = store.shelf(conn, "erp", "stock")
        assert shelf is not None
        assert store.count_rows(conn) == {shelf.id: 30}
        assert shelf.live == 30


# -- pushed records ------------------------------------------------------------------------------------------------------


def test_a_pushed_record_is_held_like_one_that_was_read(keep: Keep) -> None:
    keep.erp.put("stock", stock("A1", 5))
    keep.push("stock", stock("A1", 5))
    assert keep.held("stock")["A1/01/"]["quantity"] == 5
    assert keep.house.ends() == {"suppressed": 1}
    assert keep.sync("stock") == ZERO | {"read": 1, "unchanged": 1}
    keep.push("stock", stock("A1"), op="delete")
    assert keep.held("stock") == {}
    keep.house.verify()


def test_a_page_older_than_what_was_pushed_does_not_overwrite_it(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    keep.erp.put("customers", customer("c1", city="old"), customer("c2"))
    keep.sync("customers")
    keep.house.clock.forward(60)
    keep.push("customers", customer("c1", city="new"))
    keep.house.clock.now -= 30 * clock.SECOND
    keep.erp.put("customers", customer("c1", city="older"))
    assert keep.sync("customers") == ZERO | {"read": 1, "unchanged": 1}
    assert keep.held("customers")["c1"]["city"] == "new"


def test_streams_of_alerts_and_readings_are_none_of_this(keep: Keep) -> None:
    fields = {"device": "item", "metric": "'x'", "at": {"expr": "datetime(at)", "on_error": "dead_letter"}}
    keep.apply(another_mapping("stock", "Reading", fields, {"item": "a", "at": "2026-01-01T00:00:00Z"}))
    with pytest.raises(Conflict, match="no mapping to a record"):
        keep.run("stock")


def test_a_stream_that_becomes_another_record_starts_anew(keep: Keep) -> None:
    keep.erp.put("items", {"code": "A1", "name": "Bearing"})
    keep.sync("items")
    keep.apply(another_mapping("items", "Product", {"id": "code", "name": "name"}, {"code": "a", "name": "b"}))
    assert keep.sync("items") == ZERO | {"read": 1, "added": 1}
    with keep.house.gateway.reading() as conn:
        assert conn.execute(select(sync_tables.replica_stream.c.record)).scalars().all() == ["Product"]


def test_shelves_put_keeps_one_row_a_key() -> None:
    shelves = Shelves()
    shelves.put("customers", customer("c1"), customer("c1", city="x"))
    assert [r["city"] for r in shelves.tables["customers"]] == ["x"]
