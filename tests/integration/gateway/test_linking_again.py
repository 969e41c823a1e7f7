"""Strong keys that change: what they kept apart is compared anew, what a person took apart stays so."""

from __future__ import annotations

from typing import Any

import pytest
from stdnum.cn import uscc

import id_registry
from id_registry import Key
from tests.integration.gateway.replicas import Keep

BODY = "91330100799655058"
CODE = BODY + uscc.calc_check_digit(BODY)


def customer(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name": f"Customer {code}"} | more


def machine(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name": code} | more


def one(keep: Keep, *keys: tuple[str, str, str]) -> bool:
    """Are these one thing?"""
    with keep.house.gateway.reading() as conn:
        found = id_registry.lookup(conn, [Key(*key) for key in keys])
    assert len(found) == len(keys)
    return len(set(found.values())) == 1


def undo_the_last(keep: Keep, key: tuple[str, str, str]) -> None:
    with keep.house.gateway.transaction() as conn:
        gid = id_registry.lookup(conn, [Key(*key)])[Key(*key)]
        event = id_registry.history(conn, gid)[-1]
        id_registry.undo(conn, event.id, actor="ann", now=keep.house.clock.now)


@pytest.mark.parametrize("mended", [customer("c2"), {"code": "c2", "_deleted": True}], ids=["changed", "deleted"])
def test_a_code_that_several_had_names_the_one_that_still_has_it(keep: Keep, mended: dict[str, Any]) -> None:
    keep.erp.put("customers", customer("c1", uscc=CODE), customer("c2", uscc=CODE))
    keep.world["crm"].put("customers", customer("k1", uscc=CODE))
    keep.sync("customers")
    keep.sync("customers", "crm")
    pair = ("customer", "erp", "c1"), ("customer", "crm", "k1")
    assert not one(keep, *pair)
    keep.erp.put("customers", mended)
    keep.sync("customers")
    assert one(keep, *pair)


@pytest.mark.parametrize("mac", [None, "00:1A:2B:3C:4D:5E"])
def test_things_are_linked_once_the_key_in_which_they_differed_is_mended(keep: Keep, mac: str | None) -> None:
    keep.erp.put("machines", machine("m1", serial="SN-AB123", mac="00:1A:2B:3C:4D:5E"))
    keep.world["mes"].put("machines", machine("x1", serial="SN-AB123", mac="00:1A:2B:3C:4D:5F"))
    keep.sync("machines")
    assert "differ in mac" in keep.run("machines", "mes")["vetoes"][0]
    pair = ("device", "erp", "m1"), ("device", "mes", "x1")
    assert not one(keep, *pair)
    keep.world["mes"].put("machines", machine("x1", serial="SN-AB123", mac=mac))
    keep.sync("machines", "mes")
    assert one(keep, *pair)


def test_what_a_person_took_apart_is_not_linked_again(keep: Keep) -> None:
    keep.erp.put("machines", machine("m1", serial="SN-AB123"))
    keep.world["mes"].put("machines", machine("x1", serial="SN-AB123"))
    keep.sync("machines")
    keep.sync("machines", "mes")
    pair = ("device", "erp", "m1"), ("device", "mes", "x1")
    assert one(keep, *pair)
    undo_the_last(keep, pair[0])
    keep.world["mes"].put("machines", machine("x1"))
    keep.sync("machines", "mes")
    keep.world["mes"].put("machines", machine("x1", serial="SN-AB123"))
    assert "taken apart by ann" in keep.run("machines", "mes")["vetoes"][0]
    keep.world["crm"].put("machines", machine("z1", serial="SN-AB123"))
    keep.sync("machines", "crm")  # a third one is no reason either
    assert not one(keep, *pair)
