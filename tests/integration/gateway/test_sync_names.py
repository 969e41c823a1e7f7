"""Questions and bridges ask each system in its own words; what a system does not know is said, never left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

import id_registry
from gateway import tables
from gateway.context import snapshot
from id_registry import Key
from tests.integration.gateway.replicas import Keep

JINGGONG = "91330100MA27X0001E"
ORDERS = {"question": "orders_of", "inputs": {"customer": "local.customer"}}
STOCK = {"question": "stock_of", "when": "record == 'StockLevel'", "inputs": {"item": "local.item"}}


def sections(keep: Keep) -> dict[str, Any]:
    """The snapshot of the newest ticket, by section, after all its questions were asked."""
    gateway, hub = keep.house.gateway, keep.house.gateway.hub
    with gateway.transaction() as conn:
        snapshot.expand(conn, hub, keep.house.clock.now)
    with gateway.transaction() as conn:
        claimed = snapshot.claim(conn, keep.house.clock.now)
    for each in claimed:
        snapshot.ask(gateway, hub, each)
    newest = keep.house.tickets()[-1].id
    with gateway.reading() as conn:
        c = tables.context_section.c
        return {row.name: row for row in conn.execute(select(tables.context_section).where(c.ticket_id == newest))}


def asked(connection: str, *questions: dict[str, Any]) -> dict[str, Any]:
    return {"id": connection, "connector": "books", "config": {"place": connection}, "context": list(questions)}


def with_questions(keep: Keep) -> None:
    """Only the CRM is asked about customers, only the ERP about stock."""
    keep.apply({"connections": [asked("crm", ORDERS), asked("erp", STOCK), asked("mes")]})


def test_a_question_is_asked_by_the_asked_systems_own_id(keep: Keep) -> None:
    with_questions(keep)
    keep.erp.put("customers", {"code": "C0001", "name": "a", "uscc": JINGGONG})
    keep.crm.put("customers", {"code": "EC-1", "name": "b", "uscc": JINGGONG})
    keep.sync("customers")
    keep.sync("customers", "crm")
    keep.crm.answers["EC-1"] = {"open": 3}
    keep.house.tell(keep.house.alert(customer="C0001", device="press-7"))
    with keep.house.gateway.transaction() as conn:  # the robot's customer is the ERP's
        keys = [Key("customer", "r", "C0001"), Key("customer", "erp", "C0001")]
        gids = id_registry.lookup(conn, keys)
        id_registry.merge(conn, gids[keys[0]], gids[keys[1]], actor="ann", reason="", now=keep.house.clock.now)
    found = sections(keep)
    assert found["crm.orders_of"].status == "ok"
    assert keep.crm.asked == [{"question": "orders_of", "customer": "EC-1"}]


def test_a_customer_that_the_asked_system_does_not_know_is_told(keep: Keep) -> None:
    with_questions(keep)
    keep.house.tell(keep.house.alert(customer="C0001"))
    section = sections(keep)["crm.orders_of"]
    assert (section.status, section.reason) == ("empty", "customer C0001 of r is not known in crm")
    assert keep.crm.asked == []


def test_a_ticket_without_a_customer_asks_nothing_about_one(keep: Keep) -> None:
    with_questions(keep)
    keep.house.tell(keep.house.alert(device="press-7"))
    assert "crm.orders_of" not in sections(keep)


def test_the_customer_follows_from_the_device_where_a_system_says_whose_it_is(keep: Keep) -> None:
    with_questions(keep)
    keep.erp.put("machines", {"code": "E7", "name": "Press", "serial": "SN-PR7-2019", "owner": "C0001"})
    keep.mes.put("machines", {"code": "press-7", "name": "Press", "serial": "SN-PR7-2019"})
    keep.erp.put("customers", {"code": "C0001", "name": "a", "uscc": JINGGONG})
    keep.crm.put("customers", {"code": "EC-1", "name": "b", "uscc": JINGGONG})
    for stream, connection in (("machines", "erp"), ("machines", "mes"), ("customers", "erp"), ("customers", "crm")):
        keep.sync(stream, connection)
    keep.crm.answers["EC-1"] = {"open": 3}
    keep.mes.put("stops", {"id": "s1", "machine": "press-7", "start": keep.house.clock.text(-3600)})
    keep.sync("stops", "mes")
    assert sections(keep)["crm.orders_of"].status == "ok"
    assert keep.crm.asked == [{"question": "orders_of", "customer": "EC-1"}]


def test_the_type_of_the_opening_record_is_known_to_questions(keep: Keep) -> None:
    with_questions(keep)
    keep.erp.answers["BRG"] = {"on_order": 5}
    keep.erp.put("stock", {"item": "BRG", "warehouse": "01", "batch": None, "qty": 1, "safety": 5})
    keep.sync("stock")
    assert sections(keep)["erp.stock_of"].status == "ok"
    assert keep.erp.asked == [{"question": "stock_of", "item": "BRG"}]
    keep.house.tell(keep.house.alert("b"))
    assert "erp.stock_of" not in sections(keep)


def test_bridges_write_to_a_system_by_its_own_ids_and_know_the_records_type(keep_of: Callable[..., Keep]) -> None:
    body = {"text": "concat(alert.item, ' ', text(alert.quantity))"}
    bridge = {"id": "say", "on": "ticket.opened", "connection": "r", "op": "say", "when": "record == 'StockLevel'",
              "key": {"object": "first(local.item, 'unknown')"}, "body": body}  # fmt: skip
    keep = keep_of({"bridges": [bridge]})
    with keep.house.gateway.transaction() as conn:
        theirs, ours = Key("article", "r", "R-BRG"), Key("article", "erp", "BRG")
        gids = id_registry.resolve(conn, [theirs, ours], keep.house.clock.now)
        id_registry.merge(conn, gids[theirs], gids[ours], actor="ann", reason="", now=keep.house.clock.now)
    keep.erp.put("stock", {"item": "BRG", "warehouse": "01", "batch": None, "qty": 1, "safety": 5})
    keep.sync("stock")
    keep.house.tell(keep.house.alert())
    (command,) = keep.house.commands()
    assert (command.key, command.body) == ('{"object":"R-BRG"}', '{"text":"BRG 1"}')
