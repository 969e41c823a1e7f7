"""What depends on a value; and how a value is erased for good."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select

from lineage import (
    Effect,
    Fact,
    FieldGraph,
    Gone,
    SourceRead,
    Verdict,
    Write,
    drill,
    erase,
    erase_facts,
    impact,
    land,
    note_effects,
    readers,
    rebuild,
    record,
    tables,
    versions,
)
from lineage.compression import SAMPLES
from lineage.erasure import GRACE
from lineage.landing import fetch
from mappings import compile_expression
from tests.integration.lineage.conftest import DEVICE, NOW, TICKET, open_ticket
from tests.unit.lineage.samples import ALERT, INCIDENT, alert


@pytest.fixture
def graph() -> FieldGraph:
    graph = FieldGraph()
    graph.add(ALERT, "am-main/alert", "Alert")
    graph.add(INCIDENT, "Alert", "Ticket", roots={"ids": "registry", "hub": "hub"})
    graph.add_rule(
        "zabbix-close", "zbx/problem", {"message": compile_expression("ticket.title")}, roots={"ticket": "Ticket"}
    )
    graph.add_rule("crm-note", "crm/note", {"p": compile_expression("ticket.priority")}, roots={"ticket": "Ticket"})
    return graph


def test_impact_names_what_would_change_and_what_was_done(db: Engine, graph: FieldGraph) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        note_effects(
            conn,
            [
                Effect(TICKET, "zabbix-close", "zbx/problem", "4711", "pending", NOW),
                Effect(TICKET, "crm-note", "crm/note", "9", "applied", NOW + 1),
            ],
        )
        note_effects(conn, [Effect(TICKET, "zabbix-close", "zbx/problem", "4711", "applied", NOW + 5)])
        found = impact(conn, TICKET, "title", graph=graph)
    assert {(e.target.dataset, e.target.field, e.via) for e in found.predicted.edges} == {
        ("zbx/problem", "message", "zabbix-close")
    }
    assert [(d.rule, d.dataset, d.key, d.state, d.first_at - NOW, d.at - NOW, d.predicted) for d in found.done] == [
        ("zabbix-close", "zbx/problem", "4711", "applied", 0, 5, True),
        ("crm-note", "crm/note", "9", "applied", 1, 1, False),
    ]


def test_impact_names_the_records_fed_and_those_fed_alike(db: Engine, graph: FieldGraph) -> None:
    with db.begin() as conn:
        (account,) = land(conn, [SourceRead("crm/account", "7", {"tier": "gold"}, NOW, shared=True)])
        for rec in (TICKET, TICKET + 1, TICKET + 2):
            record(conn, [Write(rec, None, ("tier",), (account,), {}, "sync", NOW)])
        facts = {"name": Fact("x", "golden record", rec=DEVICE, field="name")}
        record(conn, [Write(TICKET, None, ("name",), (), facts, "rule", NOW)])
        tier = impact(conn, TICKET, "tier", graph=graph)
        device = impact(conn, DEVICE, "name", graph=graph, dataset="Device")
        assert readers(conn, account) == (TICKET, TICKET + 1, TICKET + 2)
    assert tier.siblings == (TICKET + 1, TICKET + 2)
    assert not tier.truncated
    assert device.fed == (TICKET,)


def test_erasing_a_payload_leaves_the_skeleton(db: Engine) -> None:
    with db.begin() as conn:
        values = open_ticket(conn)
    with db.begin() as conn:
        (landing,) = versions(conn, "am-main/alert", f"{1:016x}")
        before = conn.execute(select(tables.landing.c.address)).scalar_one()
        assert erase(conn, [landing], NOW + 9).rows == 1
    with db.connect() as conn:
        row = conn.execute(select(tables.landing)).one()
        origin = drill(conn, TICKET, "title", stored=values["title"])
    assert (row.payload, row.key, row.read_at, row.erased_at) == (None, f"{1:016x}", NOW, NOW + 9)
    assert row.address[8:] != before[8:]
    assert (origin.verdict, origin.value) == (Verdict.ERASED, Gone())
    assert (origin.sources[0].key, origin.sources[0].raw) == (f"{1:016x}", Gone())


def test_erasing_one_field_leaves_the_others(db: Engine) -> None:
    with db.begin() as conn:
        values = open_ticket(conn)
        found = versions(conn, "am-main/alert", f"{1:016x}")
        erase(conn, found, NOW, fields=["annotations.phone", "no.such.field"], secret=b"k")
        (again,) = fetch(conn, found).values()
        assert drill(conn, TICKET, "description").verdict is Verdict.ERASED
        assert drill(conn, TICKET, "title", stored=values["title"]).verdict is Verdict.EQUAL
    assert again.record["annotations"]["summary"] == alert(1)["annotations"]["summary"]
    assert len(again.record["annotations"]["phone"].token) == 32


def test_tokens_are_equal_for_equal_values_only(db: Engine) -> None:
    with db.begin() as conn:
        payloads = [{"n": number, "phone": phone} for number, phone in ((1, "138"), (2, "138"), (3, "139"))]
        ids = land(conn, [SourceRead("crm", str(p["n"]), p, NOW) for p in payloads])
        erase(conn, ids, NOW, fields=["phone"], secret=b"k")
        tokens = [fetch(conn, ids)[i].record["phone"].token for i in ids]
        erase(conn, ids, NOW, fields=["phone"], secret=b"other")
        assert [fetch(conn, ids)[i].record["phone"].token for i in ids] == tokens
    assert tokens[0] == tokens[1] != tokens[2]


def test_content_that_comes_again_after_its_erasure_is_a_new_row(db: Engine) -> None:
    read = SourceRead("crm", "1", {"phone": "138"}, NOW)
    with db.begin() as conn:
        (first,) = land(conn, [read])
        erase(conn, [first], NOW)
        (second,) = land(conn, [read])
        assert first != second
        assert versions(conn, "crm", "1") == [first, second]
        assert versions(conn, "crm", "2") == []


def test_facts_are_erased_in_all_writes_of_a_record(db: Engine) -> None:
    with db.begin() as conn:
        record(conn, [Write(TICKET, None, ("phone",), (), {"phone": "138", "x": 1}, "li.wei", NOW)])
        record(conn, [Write(TICKET, None, ("phone",), (), {"phone": "139"}, "li.wei", NOW)])
        assert erase_facts(conn, TICKET, names=["phone"]).rows == 2
        origin = drill(conn, TICKET, "phone", stored="139")
        facts = conn.execute(select(tables.prov.c.facts)).scalars().all()
    assert (origin.verdict, origin.value) == (Verdict.ERASED, Gone())
    assert not [f for f in facts if "138" in f or "139" in f]


def test_a_dictionary_with_fragments_of_what_was_erased_is_named_and_replaced(db: Engine) -> None:
    secret = "Zhang San, Nanjing Road 4711, Shanghai"

    def read(number: int) -> SourceRead:
        payload = alert(number) | {"contact": secret if number % 2 else f"nobody {number}"}
        return SourceRead("am-main/alert", str(number), payload, NOW)

    ids: list[int] = []
    for start in range(0, SAMPLES + 200, 100):
        with db.begin() as conn:
            ids += land(conn, [read(n) for n in range(start, start + 100)])
    with db.begin() as conn:
        erasure = erase(conn, ids, NOW, fields=["contact"])
    (old,) = erasure.dictionaries
    last: int | None = 0
    while last is not None:
        with db.begin() as conn:
            done = rebuild(conn, old, NOW, after=last, limit=150)
            last = done.last
    with db.begin() as conn:
        assert not done.deleted
        assert rebuild(conn, old, NOW + GRACE).deleted
        bodies = conn.execute(select(tables.dictionary.c.body)).scalars().all()
        found = fetch(conn, ids)
    assert not [b for b in bodies if secret.encode() in bytes(b)]
    assert [found[i].record["labels"] for i in ids] == [alert(n)["labels"] for n in range(len(ids))]
    with db.begin() as conn:
        (new,) = land(conn, [read(9999)])
        assert fetch(conn, [new])[new].record == read(9999).payload
