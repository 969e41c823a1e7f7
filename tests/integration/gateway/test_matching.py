"""Matching as the hub does it: records that were synced are compared by what they say, by the policy `matching`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import id_registry
from id_registry import Key
from id_registry.matching import decisions, list_reviews
from tests.integration.gateway.replicas import Keep


def customer(code: str, name: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name": name} | more


def live_of(keep: Keep, *places: tuple[str, str]) -> list[int]:
    keys = [Key("customer", system, local) for system, local in places]
    with keep.house.gateway.reading() as conn:
        found = id_registry.lookup(conn, keys)
    return [found[key] for key in keys]


def test_one_company_in_two_systems_is_found_when_the_second_is_read(keep: Keep) -> None:
    keep.erp.put(
        "customers", customer("C1", "杭州精工机械有限公司", phone="0571-88886666"), customer("C2", "上海华联超市")
    )
    keep.crm.put(
        "customers",
        customer("X1", "精工机械（杭州）有限责任公司", phone="0571 8888 6666"),
        customer("X2", "北京华联超市"),
    )
    assert keep.run("customers")["linked"] == 0
    assert keep.run("customers", "crm")["linked"] == 1
    a, b, c, d = live_of(keep, ("erp", "C1"), ("crm", "X1"), ("erp", "C2"), ("crm", "X2"))
    assert a == b
    assert c != d
    with keep.house.gateway.reading() as conn:
        assert [d.outcome for d in decisions(conn, a)] == ["link", "mint"]
        page = list_reviews(conn)
    assert keep.run("customers", "crm", full=True)["linked"] == 0
    with keep.house.gateway.reading() as conn:
        assert [d.outcome for d in decisions(conn, a)] == ["link", "mint"]
        assert list_reviews(conn) == page


def test_a_kind_the_policy_does_not_name_is_not_matched(keep_of: Callable[..., Keep]) -> None:
    keep = keep_of({"policies": [{"policy": "matching", "kinds": {"device": {}}}]})
    keep.erp.put("customers", customer("C1", "杭州精工机械有限公司", phone="0571-88886666"))
    keep.crm.put("customers", customer("X1", "杭州精工机械有限公司", phone="0571-88886666"))
    keep.run("customers")
    assert keep.run("customers", "crm")["linked"] == 0
    a, b = live_of(keep, ("erp", "C1"), ("crm", "X1"))
    assert a != b
