"""The nightly second opinion: Splink over the registry; what it sees otherwise than the matcher is put to a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

import gateway.matching
import id_registry
from gateway.errors import Conflict, NotFound
from id_registry import Key
from id_registry.matching import Terms, decide_review, list_reviews, model_for
from id_registry.matching.tables import match_decision, match_record
from tests.integration.gateway.replicas import Keep
from tests.integration.gateway.test_matching import customer, live_of

FIRST = ("杭州精工机械有限公司", "0571-88886666")
TWIN = ("精工机械（杭州）有限责任公司", "0571 8888 6666")


@pytest.fixture
def stocked(keep: Keep) -> Keep:
    """Eleven customers of the ERP, one of which the CRM has, too."""
    keep.erp.put("customers", customer("C0", FIRST[0], phone=FIRST[1]))
    keep.erp.put(
        "customers", *(customer(f"C{n}", f"上海第{n}百货有限公司", phone=f"0215888{n:04}") for n in range(1, 11))
    )
    keep.crm.put("customers", customer("X", TWIN[0], phone=TWIN[1]))
    keep.run("customers")
    keep.run("customers", "crm")
    return keep


def test_where_both_agree_nothing_is_put_up_and_the_next_night_is_as_quiet(stocked: Keep) -> None:
    for _ in range(2):
        (told,) = gateway.matching.batch(stocked.house.gateway, ["customer"])
        assert (told.records, told.compared, told.agreed, told.missed, told.doubted) == (12, 0, 1, 0, 0)
    with stocked.house.gateway.reading() as conn:
        assert list_reviews(conn).items == []


def test_a_pair_that_only_splink_finds_is_put_to_a_person(stocked: Keep) -> None:
    hub = stocked.house.gateway
    a, _ = live_of(stocked, ("erp", "C0"), ("crm", "X"))
    with hub.transaction() as conn:  # as if the matcher had never found it
        event = id_registry.history(conn, a)[-1]
        id_registry.undo(conn, event.id, actor="ann", now=stocked.house.clock.now)
        conn.execute(delete(match_decision))
    (told,) = gateway.matching.batch(hub, ["customer"])
    assert (told.agreed, told.missed) == (0, 1)
    with hub.reading() as conn:
        (review,) = list_reviews(conn).items
    assert review.source == "batch"
    assert review.evidence
    assert gateway.matching.batch(hub, ["customer"])[0].missed == 0


def test_a_link_that_splink_does_not_see_is_doubted_and_can_be_taken_apart_for_good(stocked: Keep) -> None:
    hub, now = stocked.house.gateway, stocked.house.clock.now
    key = Key("customer", "crm", "X")
    with hub.transaction() as conn:
        born = id_registry.born(conn, [key])[key]
        other = json.dumps({"core": "恒信商贸", "region": "江苏 苏州", "phone": "051266668888"}, ensure_ascii=False)
        conn.execute(update(match_record).where(match_record.c.gid == born).values(body=other))
    (told,) = gateway.matching.batch(hub, ["customer"])
    assert (told.agreed, told.doubted) == (0, 1)
    with hub.transaction() as conn:
        (review,) = list_reviews(conn).items
        decide_review(conn, review.id, "different", actor="ann", now=now)
    a, b = live_of(stocked, ("erp", "C0"), ("crm", "X"))
    assert a != b
    assert gateway.matching.batch(hub, ["customer"])[0].doubted == 0


def test_only_one_batch_runs_at_a_time_and_only_of_kinds_that_are_matched(keep: Keep) -> None:
    hub = keep.house.gateway
    with pytest.raises(NotFound, match="names no kind 'order'"):
        gateway.matching.batch(hub, ["order"])
    seen: list[Exception] = []

    def meanwhile(_: str) -> None:
        with pytest.raises(Conflict) as refused:
            gateway.matching.batch(hub)
        seen.append(refused.value)

    gateway.matching.batch(hub, ["customer"], progress=meanwhile, second_opinion=False)
    assert seen


def test_one_settings_object_is_written_for_both_engines(keep: Keep, tmp_path: Path) -> None:
    files = gateway.matching.write_all_settings(keep.house.gateway, tmp_path / "settings")
    assert {f.name for f in files} == {
        f"{kind}.{engine}.json" for kind in ("customer", "device", "supplier") for engine in ("duckdb", "spark")
    }

    def told(engine: str) -> dict[str, Any]:
        text = (tmp_path / "settings" / f"customer.{engine}.json").read_text("utf-8")
        return dict(json.loads(text))

    duck, spark = told("duckdb"), told("spark")
    assert duck["probability_two_random_records_match"] == model_for("customer", Terms(), 0).prior

    def numbers(given: dict[str, Any]) -> list[Any]:
        return [
            [
                (level.get("m_probability"), level.get("u_probability"), level.get("tf_adjustment_column"))
                for level in c["comparison_levels"]
            ]
            for c in given["comparisons"]
        ]

    assert numbers(duck) == numbers(spark)
    assert "`v_core_l`" in json.dumps(spark)
    assert '\\"v_core_l\\"' in json.dumps(duck)
