"""Rules on records of business: what stands in a system holds a ticket open, and every field of it leads to a raw value."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

import core_tickets
import id_registry
import lineage
from gateway.errors import BadConfiguration
from gateway.sync import tables
from gateway.usecases import explaining, syncing, tracing
from id_registry import Key
from tests.integration.gateway.replicas import Keep

KeepOf = Callable[..., Keep]


def stock(qty: Any, item: str = "BRG-6205", warehouse: str = "01", **more: Any) -> dict[str, Any]:
    return {"item": item, "warehouse": warehouse, "batch": None, "name": "深沟球轴承", "qty": qty, "safety": "20.0000",
            "unit": "个"} | more  # fmt: skip


def stop(keep: Keep, minutes_ago: float, **more: Any) -> dict[str, Any]:
    return {
        "id": "s1",
        "machine": "press-7",
        "reason": "卡料",
        "start": keep.house.clock.text(-minutes_ago * 60),
    } | more


def origin_of(keep: Keep, ticket: core_tickets.Ticket, field: str) -> lineage.Origin:
    with keep.house.gateway.reading() as conn:
        return tracing.drill(conn, ticket.id, field)


# -- stock below its safety level ------------------------------------------------------------------------------------


def test_stock_below_its_safety_level_makes_one_purchase_ticket_per_item_and_warehouse(keep: Keep) -> None:
    keep.erp.put("stock", stock("12.0000"), stock("30.0000", "OIL-46"), stock("3", warehouse="02"))
    keep.sync("stock")
    first, second = keep.house.tickets()
    assert first.kind == second.kind == "spare_part_purchase"
    assert first.title == "备件需采购：深沟球轴承（仓库 01）剩 12个，安全库存 20个 · Below the safety stock"
    assert first.labels == {"item": "BRG-6205", "warehouse": "01", "quantity": "12 个", "safety_stock": "20 个"}
    assert second.labels["warehouse"] == "02"
    assert keep.house.ends() == {"ticketed": 2}
    keep.house.verify()


def test_every_field_of_the_ticket_leads_to_the_raw_value_in_the_erp(keep: Keep) -> None:
    keep.erp.put("stock", stock("12.0000"))
    keep.sync("stock")
    (ticket,) = keep.house.tickets()
    origin = origin_of(keep, ticket, "title")
    assert origin.verdict is lineage.Verdict.EQUAL
    raw = {(s.dataset, s.key, s.field): s.raw for s in origin.sources}
    assert raw["erp/stock", "BRG-6205/01/", "name"] == "深沟球轴承"
    total = next(f for f in origin.facts if f.name == "total.quantity")
    assert total.derived is not None
    assert [(s.field, s.raw) for s in total.derived.sources] == [("qty", "12.0000")]
    for field in ("kind", "priority", "description", "labels", "status", "source", "fingerprint"):
        assert origin_of(keep, ticket, field).verdict is lineage.Verdict.EQUAL, field


def test_the_ticket_is_explained_by_its_rule_and_what_the_rule_saw(keep: Keep) -> None:
    keep.erp.put("stock", stock("30"))
    keep.sync("stock")
    keep.erp.put("stock", stock("12"))
    keep.sync("stock")
    (ticket,) = keep.house.tickets()
    with keep.house.gateway.reading() as conn:
        told = explaining.explain(conn, keep.house.gateway.hub, ticket.id)
    (decision,) = told["decisions"]
    assert decision["record"] == "StockLevel"
    matched = [r for r in decision["rules"] if r["matched"]]
    assert [r["rule"] for r in matched] == ["stock-below-safety"]
    assert any("12" in part and "true" in part for part in matched[0]["because"])


def test_a_second_reading_says_nothing_new_and_a_changed_quantity_is_merged(keep: Keep) -> None:
    keep.erp.put("stock", stock("12"))
    keep.sync("stock")
    keep.sync("stock")
    assert keep.house.ends() == {"ticketed": 1}
    keep.erp.put("stock", stock("11"))
    keep.sync("stock")
    (ticket,) = keep.house.tickets()
    assert (ticket.occurrences, ticket.status) == (2, "pending")
    assert keep.house.ends() == {"ticketed": 1, "merged": 1}


def test_an_untouched_ticket_is_resolved_when_there_is_enough_again(keep: Keep) -> None:
    keep.erp.put("stock", stock("12"))
    keep.sync("stock")
    keep.erp.put("stock", stock("40"))
    keep.sync("stock")
    (ticket,) = keep.house.tickets()
    assert ticket.status == "resolved"
    assert "no longer holds" in (ticket.resolution or "")
    keep.house.verify()


def test_a_ticket_somebody_works_on_only_gets_a_comment(keep: Keep) -> None:
    keep.mes.put("stops", stop(keep, 20))
    keep.sync("stops", "mes")
    (ticket,) = keep.house.tickets()
    keep.house.act(ticket, "start")
    keep.mes.put("stops", stop(keep, 20, end=keep.house.clock.text()))
    keep.sync("stops", "mes")
    with keep.house.gateway.reading() as conn:
        entries = core_tickets.timeline(conn, ticket.id)
    assert keep.house.tickets()[0].status == "in_progress"
    assert "no longer holds" in entries[-1].data["text"]


def test_a_purchase_is_over_when_there_is_enough_again_whoever_works_on_it(keep: Keep) -> None:
    keep.erp.put("stock", stock("12"))
    keep.sync("stock")
    keep.house.act(keep.house.tickets()[0], "start")
    keep.erp.put("stock", stock("40"))
    keep.sync("stock")
    assert keep.house.tickets()[0].status == "resolved"


AT_END = [("resolve", "resolved", 1), ("comment", "in_progress", 1), ("nothing", "in_progress", 0)]


@pytest.mark.parametrize(("at_end", "status", "said"), AT_END)
def test_what_becomes_of_the_ticket_at_the_end_is_the_rules_choice(
    keep_of: KeepOf, at_end: str, status: str, said: int
) -> None:
    rule = {"id": "low", "on": "StockLevel", "when": "quantity < 20", "at_end": at_end,
            "ticket": {"kind": "'maintenance'", "priority": "'P3'", "title": "item"}}  # fmt: skip
    keep = keep_of({"rules": [rule]})
    keep.erp.put("stock", stock("12"))
    keep.sync("stock")
    keep.house.act(keep.house.tickets()[0], "start")
    with keep.house.gateway.reading() as conn:
        before = len(core_tickets.timeline(conn, keep.house.tickets()[0].id))
    keep.erp.put("stock", stock("40"))
    keep.sync("stock")
    with keep.house.gateway.reading() as conn:
        after = len(core_tickets.timeline(conn, keep.house.tickets()[0].id))
    assert (keep.house.tickets()[0].status, after - before) == (status, said)
    assert keep.house.ends() == {"ticketed": 1, "merged": 1}


def test_a_record_that_is_deleted_ends_its_ticket(keep: Keep) -> None:
    keep.erp.put("stock", stock("12"), stock("50", "OIL-46"))
    keep.sync("stock")
    keep.erp.drop("stock", item="BRG-6205")
    keep.sync("stock")
    (ticket,) = keep.house.tickets()
    assert ticket.status == "resolved"
    assert "was deleted in its source" in (ticket.resolution or "")
    keep.house.verify()


def test_stock_that_sinks_again_reopens_the_ticket_while_it_is_fresh(keep: Keep) -> None:
    for quantity in ("12", "40", "11"):
        keep.erp.put("stock", stock(quantity))
        keep.sync("stock")
        keep.house.clock.forward(60)
    (ticket,) = keep.house.tickets()
    assert ticket.status == "in_progress"
    assert ticket.reopened_at is not None
    keep.house.verify()


def test_batches_of_an_article_count_together(keep: Keep) -> None:
    keep.erp.put("stock", *(stock("8", batch=f"LOT-{n}") for n in range(3)))
    keep.sync("stock")
    assert keep.house.tickets() == []
    keep.erp.put("stock", stock("2", batch="LOT-1"))
    keep.sync("stock")
    (ticket,) = keep.house.tickets()
    assert ticket.labels["quantity"] == "18 个"
    keep.erp.put("stock", stock("10", batch="LOT-9"))
    keep.sync("stock")
    assert keep.house.tickets()[0].status == "resolved"
    keep.house.verify()


def test_a_batch_that_is_gone_is_missed(keep: Keep) -> None:
    keep.erp.put("stock", *(stock("15", batch=f"LOT-{n}") for n in range(2)))
    keep.sync("stock")
    keep.erp.drop("stock", batch="LOT-1")
    keep.sync("stock")
    (ticket,) = keep.house.tickets()
    assert ticket.labels["quantity"] == "15 个"


def test_frozen_stock_does_not_count(keep: Keep) -> None:
    keep.erp.put("stock", stock("100", frozen=True))
    keep.sync("stock")
    (ticket,) = keep.house.tickets()
    assert ticket.labels["quantity"] == "0 个"
    keep.house.verify()


def test_many_at_once_become_one_ticket_of_their_own(keep_of: KeepOf) -> None:
    rule = {"id": "low", "on": "StockLevel", "when": "quantity < 20", "storm": {"more_than": 5},
            "ticket": {"kind": "'spare_part_purchase'", "priority": "'P2'", "title": "item"}}  # fmt: skip
    keep = keep_of({"rules": [rule]})
    keep.erp.put("stock", *(stock("1", f"A{n}") for n in range(20)))
    keep.sync("stock")
    kinds = sorted(t.priority for t in keep.house.tickets())
    assert kinds == [2] * 6
    assert keep.house.ends() == {"ticketed": 6, "merged": 14}


# -- how long, since when, until when --------------------------------------------------------------------------------


def test_a_machine_that_is_down_for_fifteen_minutes_makes_a_maintenance_ticket(keep: Keep) -> None:
    keep.mes.put("stops", stop(keep, 0))
    keep.sync("stops", "mes")
    keep.house.clock.forward(14 * 60)
    keep.house.tick()
    assert keep.house.tickets() == []
    keep.house.clock.forward(61)
    keep.house.tick()
    (ticket,) = keep.house.tickets()
    assert (ticket.kind, ticket.priority, ticket.title) == ("maintenance", 1, "设备停机：press-7，卡料 · Machine down")
    with keep.house.gateway.reading() as conn:
        assert (
            ticket.device
            == id_registry.lookup(conn, [Key("device", "mes", "press-7")])[Key("device", "mes", "press-7")]
        )
    assert origin_of(keep, ticket, "title").verdict is lineage.Verdict.EQUAL
    assert keep.house.ends() == {"ticketed": 1}
    keep.house.verify()


def test_a_stop_that_is_old_when_it_is_first_read_fires_at_once(keep: Keep) -> None:
    keep.mes.put("stops", stop(keep, 20))
    keep.sync("stops", "mes")
    assert len(keep.house.tickets()) == 1


def test_a_machine_that_runs_again_in_time_makes_no_ticket(keep: Keep) -> None:
    keep.mes.put("stops", stop(keep, 0))
    keep.sync("stops", "mes")
    keep.house.clock.forward(600)
    keep.mes.put("stops", stop(keep, 10, end=keep.house.clock.text()))
    keep.sync("stops", "mes")
    keep.house.clock.forward(3600)
    keep.house.tick()
    assert keep.house.tickets() == []
    assert keep.house.ends() == {}


def test_a_planned_stop_makes_no_ticket(keep: Keep) -> None:
    keep.mes.put("stops", stop(keep, 60, planned=True))
    keep.sync("stops", "mes")
    assert keep.house.tickets() == []


def test_the_timer_survives_a_restart_and_fires_once(keep: Keep, build: Callable[..., Any]) -> None:
    keep.mes.put("stops", stop(keep, 0))
    keep.sync("stops", "mes")
    keep.house.gateway.close()
    connections = [{"id": p, "connector": "books", "config": {"place": p}} for p in keep.world]
    again = Keep(
        build({"connections": [{"id": "r", "connector": "robot"}, *connections]}, books=keep.world), keep.world
    )
    again.house.clock.forward(16 * 60)
    again.house.tick()
    again.house.tick()
    assert len(again.house.tickets()) == 1


def test_two_stops_of_one_machine_are_one_ticket_that_ends_with_the_last(keep: Keep) -> None:
    keep.mes.put("stops", stop(keep, 30), stop(keep, 20, id="s2"))
    keep.sync("stops", "mes")
    (ticket,) = keep.house.tickets()
    keep.mes.put("stops", stop(keep, 30, end=keep.house.clock.text()))
    keep.sync("stops", "mes")
    assert keep.house.tickets()[0].status == "pending"
    keep.mes.put("stops", stop(keep, 20, id="s2", end=keep.house.clock.text()))
    keep.sync("stops", "mes")
    assert keep.house.tickets()[0].status == "resolved"
    assert keep.house.tickets()[0].id == ticket.id


def test_until_says_otherwise_than_when_what_ends_it(keep_of: KeepOf) -> None:
    rule = {"id": "low", "on": "StockLevel", "when": "quantity < 20", "until": "quantity >= 40",
            "ticket": {"kind": "'maintenance'", "priority": "'P3'", "title": "item"}}  # fmt: skip
    keep = keep_of({"rules": [rule]})
    for quantity, status in (("12", "pending"), ("30", "pending"), ("40", "resolved")):
        keep.erp.put("stock", stock(quantity))
        keep.sync("stock")
        assert keep.house.tickets()[0].status == status


def test_a_rule_may_compare_with_the_record_before(keep_of: KeepOf) -> None:
    rule = {"id": "fell", "on": "StockLevel", "when": "quantity < previous.quantity - 10", "until": "False",
            "ticket": {"kind": "'potential_batch_issue'", "priority": "'P3'",
                       "title": "concat(item, ' fell from ', text(previous.quantity), ' to ', text(quantity))"}}  # fmt: skip
    keep = keep_of({"rules": [rule]})
    keep.erp.put("stock", stock("50"))
    keep.sync("stock")
    assert keep.house.tickets() == []
    keep.erp.put("stock", stock("30"))
    keep.sync("stock")
    (ticket,) = keep.house.tickets()
    assert ticket.title == "BRG-6205 fell from 50 to 30"
    before = next(f for f in origin_of(keep, ticket, "title").facts if f.name == "previous.quantity")
    assert before.derived is not None
    assert before.derived.sources[0].raw == "50"
    keep.house.verify()


def test_a_rule_may_read_global_ids(keep_of: KeepOf) -> None:
    rule = {"id": "of-whom", "on": "Order", "when": "ids.customer is not None", "fingerprint": "concat('orders/', ids.customer)",
            "ticket": {"kind": "'complaint'", "priority": "'P3'", "title": "concat(id, ' ', ids.customer)",
                       "customer": "ids.customer"}}  # fmt: skip
    keep = keep_of({"rules": [rule]})
    keep.erp.put("orders", {"no": "o1", "line": "1", "status": "open", "qty": 1, "customer": "c1"},
                 {"no": "o2", "line": "1", "status": "open", "qty": 1})  # fmt: skip
    keep.sync("orders")
    (ticket,) = keep.house.tickets()
    assert ticket.customer is not None
    assert ticket.title == f"o1 {id_registry.format_id(ticket.customer)}"
    keep.house.verify()


# -- rules that change -----------------------------------------------------------------------------------------------


def test_a_new_rule_looks_at_what_is_held_already(keep: Keep) -> None:
    keep.erp.put("stock", stock("25"), stock("60", "OIL-46"))
    keep.sync("stock")
    rule = {"id": "low", "on": "StockLevel", "when": "quantity < 50",
            "ticket": {"kind": "'maintenance'", "priority": "'P3'", "title": "concat(item, ' low')"}}  # fmt: skip
    keep.apply({"rules": [rule]})
    assert keep.sync("stock")["unchanged"] == 2
    assert [t.title for t in keep.house.tickets()] == ["BRG-6205 low"]
    keep.sync("stock")
    assert keep.house.ends() == {"ticketed": 1}
    keep.house.verify()


def test_the_ticket_of_a_rule_that_was_taken_away_is_left_to_people(keep: Keep) -> None:
    keep.erp.put("stock", stock("12"))
    keep.sync("stock")
    keep.apply({"rules": [{"id": "none", "on": "Alert", "suppress": "nothing here"}]})
    keep.erp.put("stock", stock("40"))
    keep.sync("stock")
    assert keep.house.tickets()[0].status == "pending"
    with keep.house.gateway.reading() as conn:
        assert list(conn.execute(select(tables.watch))) == []


def test_a_record_that_is_suppressed_makes_no_ticket(keep_of: KeepOf) -> None:
    quiet = {"id": "quiet", "on": "StockLevel", "when": "warehouse == '99'", "suppress": "a stand-by warehouse"}
    low = {"id": "low", "on": "StockLevel", "when": "quantity < 20",
           "ticket": {"kind": "'maintenance'", "priority": "'P3'", "title": "item"}}  # fmt: skip
    keep = keep_of({"rules": [quiet, low]})
    keep.erp.put("stock", stock("1", warehouse="99"), stock("1"))
    keep.sync("stock")
    assert [t.source_key for t in keep.house.tickets()] == ["BRG-6205/01/"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"when": "quantty < 3"}, "did you mean 'quantity'"),
        ({"ticket": {"kind": "'incident'", "priority": "'P1'", "title": "itm"}}, "did you mean 'item'"),
        ({"on": "Stock"}, "did you mean 'StockLevel'"),
        ({"threshold": {"above": 3}}, "for rules on Reading"),
    ],
)
def test_a_wrong_rule_is_refused_with_the_right_name(keep: Keep, rule: dict[str, Any], said: str) -> None:
    whole = {
        "id": "x",
        "on": "StockLevel",
        "ticket": {"kind": "'incident'", "priority": "'P1'", "title": "item"},
    } | rule
    with pytest.raises(BadConfiguration) as refused:
        keep.apply({"rules": [whole]})
    assert said in str(refused.value)


# -- the same by other ways ------------------------------------------------------------------------------------------


def test_a_pushed_record_opens_and_ends_tickets_too(keep: Keep) -> None:
    keep.push("stock", stock("12"))
    (ticket,) = keep.house.tickets()
    assert keep.house.ends() == {"ticketed": 1}
    assert origin_of(keep, ticket, "title").verdict is lineage.Verdict.EQUAL
    keep.erp.put("stock", stock("12"))
    assert keep.sync("stock")["unchanged"] == 1
    keep.push("stock", stock("12"), op="delete")
    assert keep.house.tickets()[0].status == "resolved"
    keep.house.verify()


def test_a_record_whose_template_makes_no_ticket_is_a_dead_letter_and_told_again_when_it_changes(
    keep_of: KeepOf,
) -> None:
    rule = {"id": "low", "on": "StockLevel", "when": "quantity < 20",
            "ticket": {"kind": "'maintenance'", "priority": "'P3'",
                       "title": {"expr": "location", "on_error": "dead_letter"}}}  # fmt: skip
    keep = keep_of({"rules": [rule]})
    keep.erp.put("stock", stock("12"))
    assert keep.sync("stock")["added"] == 1
    assert keep.house.ends() == {"dead": 1}
    assert keep.letters()[0].path == "ticket.title"


def test_a_run_that_is_tried_again_makes_one_ticket(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import IntegrityError

    from gateway.sync import state

    keep.erp.put("stock", stock("12"))
    real = state.save_counts
    failed: list[int] = []

    def once(*given: Any) -> None:
        if not failed:
            failed.append(1)
            raise IntegrityError("", {}, Exception("UNIQUE constraint failed: somebody was quicker"))
        real(*given)

    monkeypatch.setattr(state, "save_counts", once)
    assert keep.sync("stock")["added"] == 1
    assert len(keep.house.tickets()) == 1
    assert keep.house.ends() == {"ticketed": 1}


def test_the_preview_tells_the_rule_and_the_ticket(keep: Keep) -> None:
    told = syncing.preview(keep.house.gateway, keep.live(), "stock", stock("12.0000"))
    assert (told["record"], told["end"], told["rule"]) == ("StockLevel", "ticketed", "stock-below-safety")
    assert told["ticket"]["kind"] == "spare_part_purchase"
    assert syncing.preview(keep.house.gateway, keep.live(), "stock", stock("40"))["end"] == "suppressed"
    assert Decimal(told["values"]["quantity"]) == 12
