"""The online matcher on both databases: link, review or mint, each decision kept, and never against what a person said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, func, select

from id_registry import Key, forbid, history, live, resolve, undo
from id_registry.matching import (
    Matched,
    Terms,
    count_frequencies,
    decisions,
    forget_records,
    list_reviews,
    match,
    note_records,
)
from id_registry.matching.tables import match_key
from tests.integration.id_registry.conftest import counted_statements
from tests.integration.id_registry.things import NOW, components_by_the_events

JINGGONG, HENGXIN = "91330100MA27X0001E", "91320500MA1P00002L"
FULL = {"name": "杭州精工机械有限公司", "phone": "0571-88886666", "address": "杭州市滨江区江南大道100号"}
TWIN = {"name": "精工机械（杭州）有限责任公司", "phone": "0571 8888 6666"}
TERMS = Terms()


def note(conn: Connection, system: str, **records: Mapping[str, Any]) -> dict[str, int]:
    """The births of these customers, noted as the sync does it."""
    keys = {local: Key("customer", system, local) for local in records}
    found = resolve(conn, keys.values(), NOW)
    births = {local: found[key] for local, key in keys.items()}
    note_records(conn, "customer", system, records, births)
    return births


def run(conn: Connection, terms: Terms = TERMS) -> Matched:
    return match(conn, "customer", terms, NOW)


def one(conn: Connection, *gids: int) -> bool:
    return len(set(live(conn, gids).values())) == 1


def test_two_spellings_of_one_company_become_one_thing_and_it_is_told_why(conn: Connection) -> None:
    a = note(conn, "erp", c1=FULL)["c1"]
    assert run(conn) == Matched(1, 0, 0)
    b = note(conn, "crm", x=TWIN)["x"]
    assert run(conn) == Matched(1, 1, 0)
    assert one(conn, a, b)
    (event,) = history(conn, a)
    assert (event.actor, event.score is not None and event.score > TERMS.link) == ("matcher", True)
    linked, minted = decisions(conn, a)
    assert (linked.gid, linked.other, linked.outcome, linked.merge_event) == (b, a, "link", event.id)
    assert {e.field: e.level for e in linked.evidence}["full"] == "exact"
    assert (minted.gid, minted.outcome, minted.candidates) == (a, "mint", 0)


def test_what_says_the_same_again_is_not_looked_at_again(conn: Connection) -> None:
    note(conn, "erp", c1=FULL)
    run(conn)
    births = {"c1": next(iter(note(conn, "erp", c1={**FULL, "tier": "gold"}).values()))}
    assert run(conn) == Matched(0, 0, 0)
    assert note_records(conn, "customer", "erp", {"c1": {**FULL, "phone": "13800138000"}}, births) == 1
    assert run(conn).compared == 1


def test_a_conflicting_strong_key_of_any_record_of_the_two_things_forbids(conn: Connection) -> None:
    a = note(conn, "erp", c1={**FULL, "credit_code": JINGGONG})["c1"]
    b = note(conn, "crm", x=TWIN)["x"]
    run(conn)
    assert one(conn, a, b)
    c = note(conn, "mes", m={**FULL, "credit_code": HENGXIN})["m"]
    assert run(conn).linked == 0
    assert not one(conn, a, c)
    assert decisions(conn, c)[0].outcome == "veto"


def test_what_a_person_took_apart_or_forbade_stays_so(conn: Connection) -> None:
    a = note(conn, "erp", c1=FULL)["c1"]
    b = note(conn, "crm", x=TWIN)["x"]
    run(conn)
    undo(conn, history(conn, a)[-1].id, actor="ann", now=NOW)
    note_records(conn, "customer", "crm", {"x": {**TWIN, "email": "info@jinggong.cn"}}, {"x": b})
    assert run(conn) == Matched(1, 0, 0)
    assert not one(conn, a, b)
    c = note(conn, "mes", m=TWIN)["m"]
    forbid(conn, a, c, actor="ann", now=NOW)
    forbid(conn, b, c, actor="ann", now=NOW)
    assert run(conn).linked == 0


def test_a_doubtful_pair_is_put_to_a_person_with_its_evidence(conn: Connection) -> None:
    a = note(conn, "erp", c1={"name": "上海华联超市", "phone": "400-800-1234"})["c1"]
    b = note(conn, "crm", x={"name": "北京华联超市", "phone": "400-800-1234"})["x"]
    assert run(conn).reviews == 1
    (review,) = list_reviews(conn).items
    assert (review.a, review.b) == (min(a, b), max(a, b))
    assert {e.field: e.level for e in review.evidence}["region"] == "differs"
    assert not one(conn, a, b)


def test_a_key_that_too_many_share_brings_no_candidates_and_says_nothing(conn: Connection) -> None:
    many = {f"c{n}": {"name": f"客户{n:03}商店", "phone": "400-800-1234"} for n in range(80)}
    note(conn, "erp", **many)
    count_frequencies(conn)
    note(conn, "crm", x={"name": "完全不同", "phone": "400-800-1234"})
    run(conn)
    told = decisions(conn, note(conn, "crm", x={"name": "完全不同", "phone": "400-800-1234"})["x"])[0]
    assert (told.outcome, told.candidates) == ("mint", 0)


def test_a_thing_grows_beyond_its_largest_size_only_by_a_person(conn: Connection) -> None:
    gids = [note(conn, f"s{n}", c=FULL)["c"] for n in range(4)]
    terms = Terms(largest=3)
    assert run(conn, terms) == Matched(4, 2, 1)
    assert one(conn, *gids[:3])
    assert not one(conn, *gids)


def test_records_that_are_gone_bring_no_candidates(conn: Connection) -> None:
    a = note(conn, "erp", c1=FULL)["c1"]
    run(conn)
    forget_records(conn, [a])
    note(conn, "crm", x=TWIN)
    assert run(conn) == Matched(1, 0, 0)
    assert conn.scalar(select(func.count()).where(match_key.c.gid == a)) == 0


def test_a_batch_takes_a_bounded_number_of_statements(conn: Connection) -> None:
    note(conn, "erp", **{f"c{n}": {"name": f"杭州第{n:03}机械有限公司"} for n in range(100)})
    with counted_statements(conn) as seen:
        assert run(conn).compared == 100
    assert len(seen) < 30


NAMES = [
    "杭州精工机械有限公司",
    "精工机械（杭州）有限责任公司",
    "杭州精工",
    "上海华联超市",
    "\u202e华联\u2066超市",
    "🏭" * 90,
    "\0",
    "",
]
RECORD = st.fixed_dictionaries({
    "name": st.sampled_from(NAMES), "phone": st.sampled_from(["13800138000", "057188886666", "0", None]),
    "credit_code": st.sampled_from([None, None, JINGGONG, HENGXIN]),
})  # fmt: skip


@pytest.mark.parametrize("link", [10.0, -10.0])
def test_any_records_leave_the_registry_as_its_merges_say_and_no_veto_broken(
    shared_registry: Engine, link: float
) -> None:
    quick = shared_registry.dialect.name == "sqlite"

    @settings(max_examples=30 if quick else 8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(st.sampled_from(["erp", "crm", "mes"]), RECORD), min_size=2, max_size=8))
    def check(rows: list[tuple[str, dict[str, Any]]]) -> None:
        with shared_registry.connect() as conn:
            gids = [note(conn, system, **{f"r{n}": record})[f"r{n}"] for n, (system, record) in enumerate(rows)]
            run(conn, Terms(link=link, review=-10, margin=0, within_system=True))
            roots = live(conn, gids)
            by_events = components_by_the_events(conn, gids)
            assert {(a, b) for a in gids for b in gids if roots[a] == roots[b]} == {
                (a, b) for a in gids for b in gids if by_events[a] == by_events[b]
            }
            codes: dict[int, set[str]] = {}
            for gid, (_, record) in zip(gids, rows, strict=True):
                if record["credit_code"]:
                    codes.setdefault(roots[gid], set()).add(record["credit_code"])
            assert all(len(known) == 1 for known in codes.values())
            assert {d.gid for gid in gids for d in decisions(conn, gid)} == set(gids)

    check()
