"""Exact strong keys: the same company or machine in two systems becomes one thing, once, and never against the evidence."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import id_registry
from gateway import clock
from gateway.sync import linking
from id_registry import Key
from id_registry.matching.strong import credit_code, mac, serial
from tests.integration.gateway.replicas import Keep

JINGGONG, HENGXIN = "91330100MA27X0001E", "91320500MA1P00002L"


def customer(code: str, uscc: str | None = None, **more: Any) -> dict[str, Any]:
    return {"code": code, "name": f"Customer {code}", "uscc": uscc} | more


def machine(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name": code} | more


def one(keep: Keep, kind: str, *places: tuple[str, str]) -> bool:
    """Are these records one thing?"""
    keys = [Key(kind, system, local) for system, local in places]
    with keep.house.gateway.reading() as conn:
        found = id_registry.lookup(conn, keys)
    assert len(found) == len(keys)
    return len(set(found.values())) == 1


def test_customers_of_two_systems_with_the_same_valid_code_are_one(keep: Keep) -> None:
    keep.erp.put("customers", customer("C0001", JINGGONG), customer("C0002", HENGXIN))
    keep.crm.put("customers", customer("EC-1", f" {JINGGONG.lower()} "), customer("EC-2", "91330100MA27X00010"))
    assert keep.run("customers")["linked"] == 0
    assert keep.run("customers", "crm")["linked"] == 1
    assert one(keep, "customer", ("erp", "C0001"), ("crm", "EC-1"))
    assert not one(keep, "customer", ("erp", "C0002"), ("crm", "EC-2"))
    with keep.house.gateway.reading() as conn:
        gid = id_registry.lookup(conn, [key := Key("customer", "erp", "C0001")])[key]
        (event,) = id_registry.history(conn, gid)
    assert event.actor == "strong-key"
    assert JINGGONG in event.reason
    assert "C0001 of erp" in event.reason


def test_reading_it_again_merges_nothing_more(keep: Keep) -> None:
    keep.erp.put("customers", customer("C0001", JINGGONG))
    keep.crm.put("customers", customer("EC-1", JINGGONG))
    for _ in range(2):
        keep.run("customers", full=True)
        keep.run("customers", "crm", full=True)
    with keep.house.gateway.reading() as conn:
        gid = id_registry.lookup(conn, [key := Key("customer", "erp", "C0001")])[key]
        assert len(id_registry.history(conn, gid)) == 1


def test_a_code_that_two_records_of_one_system_have_names_neither(keep: Keep) -> None:
    keep.erp.put("customers", customer("C1", JINGGONG), customer("C2", JINGGONG))
    keep.crm.put("customers", customer("EC-1", JINGGONG))
    keep.run("customers")
    told = keep.run("customers", "crm")
    assert told["linked"] == 0
    assert "erp has several records with it" in told["vetoes"][0]


def test_machines_with_the_same_serial_are_one_unless_another_strong_key_differs(keep: Keep) -> None:
    keep.mes.put("machines", machine("press-7", serial="SN-PR7-20190412"), machine("m0", serial="N/A"))
    keep.mes.put("machines", machine("cnc-3", serial="SN-CN3", mac="00:1B:21:AA:BB:01"), machine("m1", serial="000000"))
    keep.erp.put("machines", machine("E7", serial="sn-pr7-20190412"), machine("E0", serial="N/A"))
    keep.erp.put("machines", machine("E3", serial="SN-CN3", mac="00:1B:21:AA:BB:02"), machine("E1", serial="000000"))
    keep.run("machines", "mes")
    told = keep.run("machines")
    assert told["linked"] == 1
    assert one(keep, "device", ("mes", "press-7"), ("erp", "E7"))
    assert not one(keep, "device", ("mes", "cnc-3"), ("erp", "E3"))
    assert any("mac" in veto for veto in told["vetoes"])


def test_a_pair_that_a_person_forbade_is_not_linked(keep: Keep) -> None:
    keep.erp.put("customers", customer("C1"))
    keep.crm.put("customers", customer("EC-1"))
    keep.run("customers")
    keep.run("customers", "crm")
    keys = [Key("customer", "erp", "C1"), Key("customer", "crm", "EC-1")]
    with keep.house.gateway.transaction() as conn:
        gids = id_registry.lookup(conn, keys)
        id_registry.forbid(conn, gids[keys[0]], gids[keys[1]], actor="ann", now=keep.house.clock.now)
    keep.erp.put("customers", customer("C1", JINGGONG))
    keep.crm.put("customers", customer("EC-1", JINGGONG))
    keep.run("customers")
    assert "must never be one thing" in keep.run("customers", "crm")["vetoes"][0]
    assert not one(keep, "customer", ("erp", "C1"), ("crm", "EC-1"))


def test_a_run_that_died_before_it_compared_is_made_up_for_by_the_next(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep.erp.put("customers", customer("C1", JINGGONG))
    keep.crm.put("customers", customer("EC-1", JINGGONG))
    keep.run("customers")

    class Died(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(linking, "_link_one", die)
        with pytest.raises(Died):
            keep.run("customers", "crm")
    keep.house.clock.forward(120)
    keep.run("customers", "crm")
    assert one(keep, "customer", ("erp", "C1"), ("crm", "EC-1"))


def test_two_systems_that_bring_the_same_companies_at_once_link_each_once(keep: Keep) -> None:
    codes = [_code(n) for n in range(40)]
    keep.erp.put("customers", *(customer(f"C{n}", code) for n, code in enumerate(codes)))
    keep.crm.put("customers", *(customer(f"EC{n}", code) for n, code in enumerate(codes)))
    told: list[dict[str, Any]] = []
    both = [threading.Thread(target=lambda c=c: told.append(keep.run("customers", c))) for c in ("erp", "crm")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(timeout=60)
    assert sum(t["linked"] for t in told) == 40
    assert all(one(keep, "customer", ("erp", f"C{n}"), ("crm", f"EC{n}")) for n in range(40))


def test_golden_records_join_what_both_systems_say(keep: Keep) -> None:
    keep.erp.put("customers", customer("C1", JINGGONG, city="杭州"))
    keep.crm.put("customers", customer("EC-1", JINGGONG, phone="0571-1"))
    keep.run("customers")
    keep.house.clock.now += clock.MINUTE
    keep.run("customers", "crm")
    with keep.house.gateway.reading() as conn:
        gid = id_registry.lookup(conn, [key := Key("customer", "crm", "EC-1")])[key]
        golden = id_registry.golden(conn, gid)
    assert (golden.fields["city"].value, golden.fields["phone"].value) == ("杭州", "0571-1")


@pytest.mark.parametrize("good", [JINGGONG, HENGXIN, "91110000600037341L", "９１３３０１００ＭＡ２７Ｘ０００１Ｅ"])
def test_a_credit_code_is_known_by_its_check_digit_in_any_writing(good: str) -> None:
    assert credit_code(good) is not None
    assert credit_code(f" {good.lower()} ") == credit_code(good)


@pytest.mark.parametrize(
    "bad", ["", "913301", JINGGONG[:-1] + "F", "9133010OMA27X0001E", "913301000000000000", "I1330100MA27X0001E"]
)
def test_what_is_no_credit_code_is_none(bad: str) -> None:
    assert credit_code(bad) is None


def test_a_single_wrong_digit_is_always_noticed() -> None:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    for place in range(18):
        for other in alphabet:
            wrong = JINGGONG[:place] + other + JINGGONG[place + 1 :]
            assert (credit_code(wrong) is None) == (wrong != JINGGONG), wrong


def test_serials_and_addresses_that_say_nothing_are_none() -> None:
    assert [serial(s) for s in ("N/A", "0000000", "To be filled by O.E.M.", "123456", "ab")] == [None] * 5
    assert serial(" sn-pr7-2019 ") == "SN-PR7-2019"
    assert [mac(m) for m in ("ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "02:42:ac:11:00:02", "12")] == [None] * 4
    assert mac("00-1b-21-aa-bb-01") == "001B21AABB01"


def _code(number: int) -> str:
    """A valid code of its own."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    start = f"91330100{number:09d}"
    return next(start + digit for digit in alphabet if credit_code(start + digit))
