"""Of any field: which system, object and field it came from, when it was read, and every step in between."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, text, update

from lineage import Fact, How, NoOrigin, SourceRead, Verdict, Write, drill, history, land, plan, record, tables
from tests.integration.lineage.conftest import DEVICE, FACTS, NOW, TICKET, open_ticket
from tests.unit.lineage.samples import ALERT, INCIDENT, USAGE, alert


def test_a_mapped_value_is_followed_to_its_source(db: Engine) -> None:
    with db.begin() as conn:
        values = open_ticket(conn)
    with db.connect() as conn:
        origin = drill(conn, TICKET, "title", stored=values["title"])
    assert (origin.how, origin.verdict) == (How.MAPPED, Verdict.EQUAL)
    assert origin.value == "Press 1 is 61 degrees on DEV-2026-000007"
    assert [(s.mapping, s.version) for s in origin.stages] == [(m.name, m.version) for m in (ALERT, INCIDENT)]
    (source,) = origin.sources
    assert (source.system, source.dataset, source.key) == ("am-main", "am-main/alert", f"{1:016x}")
    assert (source.field, source.raw, source.read_at) == ("annotations.summary", "Press 1 is 61 degrees", NOW)
    assert [t.expression for t in origin.traces] == ["concat(title, ' on ', ids.device)", "annotations.summary"]


def test_a_fact_says_where_the_hub_knew_it_from(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        (fact,) = drill(conn, TICKET, "device").facts
    assert (fact.name, fact.value, fact.origin) == ("ids.device", "DEV-2026-000007", "registry")
    assert fact.xref == ("device", "am-main", "press-1:9100")


def test_a_global_id_goes_on_to_the_part_of_the_source_record_that_it_was_found_by(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        origin = drill(conn, TICKET, "device", stored="DEV-2026-000007")
    assert origin.verdict is Verdict.EQUAL
    assert [(t.mapping, t.field) for t in origin.traces] == [
        ("incident", "device"),
        ("alertmanager", "device"),
    ]
    assert [(s.field, s.raw) for s in origin.sources] == [("labels.device", None), ("labels.instance", "press-1:9100")]


def test_a_global_id_found_by_another_id_than_the_record_gives_ends_at_the_registry(db: Engine) -> None:
    moved = Fact("DEV-2026-000007", "registry", xref=("device", "erp", "P-1"))
    with db.begin() as conn:
        open_ticket(conn, facts={**FACTS, "ids.device": moved})
        origin = drill(conn, TICKET, "device")
    assert (origin.sources, [t.field for t in origin.traces]) == ((), ["device"])


def test_facts_may_be_given_as_maps(db: Engine) -> None:
    facts = {"ids.device": {"value": "DEV-1", "from": "registry", "xref": ["device", "am", "h1"]}}
    with db.begin() as conn:
        made = plan(conn, (ALERT, INCIDENT))
        (source,) = land(conn, [SourceRead("am-main/alert", "1", alert(), NOW)])
        record(conn, [Write(TICKET, made, ("device",), (source,), facts, "rule", NOW)])
        assert drill(conn, TICKET, "device").facts[0].xref == ("device", "am", "h1")


def test_a_value_set_by_hand_names_the_person(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        record(conn, [Write(TICKET, None, ("priority",), (), {"priority": "P0"}, "li.wei", NOW + 1)])
        origin = drill(conn, TICKET, "priority", stored="P0")
        before = drill(conn, TICKET, "title")
    assert (origin.how, origin.actor, origin.value, origin.verdict) == (How.BY_HAND, "li.wei", "P0", Verdict.EQUAL)
    assert origin.facts[0].origin == "hub.manual"
    assert before.how is How.MAPPED


def test_a_value_changed_outside_the_hub_is_noticed(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        origin = drill(conn, TICKET, "priority", stored="P3")
    assert (origin.value, origin.stored, origin.verdict) == ("P1", "P3", Verdict.CHANGED)


def test_an_answer_kept_as_it_came_is_its_own_origin(db: Engine) -> None:
    payload = {"mean": Decimal("0.93"), "unit": "%"}
    with db.begin() as conn:
        (source,) = land(conn, [SourceRead("prom/cpu", "press-1", payload, NOW)])
        answered = plan(conn, (), prefix="context.cpu.")
        record(conn, [Write(TICKET, answered, ("context.cpu.mean", "context.cpu.unit"), (source,), {}, "context", NOW)])
        origin = drill(conn, TICKET, "context.cpu.mean", stored=Decimal("0.930"))
    assert (origin.how, origin.value, origin.verdict) == (How.ANSWERED, Decimal("0.93"), Verdict.EQUAL)
    assert origin.sources[0].field == "mean"


def test_a_section_made_by_one_mapping(db: Engine) -> None:
    payload = {"metric": {"instance": "a"}, "value": "0.5", "at": "2026-11-22T10:00:00Z"}
    with db.begin() as conn:
        (source,) = land(conn, [SourceRead("prom/cpu", "press-1", payload, NOW)])
        made = plan(conn, (USAGE,), prefix="context.cpu.")
        record(conn, [Write(TICKET, made, ("context.cpu.value",), (source,), {}, "context", NOW)])
        origin = drill(conn, TICKET, "context.cpu.value")
    assert (origin.value, origin.sources[0].raw) == (Decimal(50), "0.5")


def test_a_fact_taken_from_another_record_is_followed_as_of_then(db: Engine) -> None:
    with db.begin() as conn:
        record(conn, [Write(DEVICE, None, ("name",), (), {"name": "Press seven"}, "li.wei", NOW)])
        facts = {"device_name": Fact("Press seven", "golden record", rec=DEVICE, field="name")}
        record(conn, [Write(TICKET, None, ("device_name",), (), facts, "rule", NOW + 1)])
        record(conn, [Write(DEVICE, None, ("name",), (), {"name": "Press 7b"}, "wang.fang", NOW + 2)])
        origin = drill(conn, TICKET, "device_name")
    derived = origin.facts[0].derived
    assert origin.how is How.FACT
    assert derived is not None
    assert (derived.rec, derived.value, derived.actor) == (DEVICE, "Press seven", "li.wei")


def test_a_value_made_from_its_own_value_before_ends_at_the_first(db: Engine) -> None:
    with db.begin() as conn:
        for count in range(1, 4):
            facts = {"count": Fact(count, "hub", rec=TICKET, field="count")}
            record(conn, [Write(TICKET, None, ("count",), (), facts, "rule", NOW)])
        origin = drill(conn, TICKET, "count")
    chain: list[Any] = []
    following: Any = origin
    while following is not None:
        chain.append(following.value)
        following = following.facts[0].derived
    assert chain == [3, 2, 1]


def test_records_that_name_one_another_do_not_loop(db: Engine) -> None:
    a, b = TICKET, DEVICE
    with db.begin() as conn:
        record(conn, [Write(a, None, ("x",), (), {"x": Fact(1, "hub", rec=b, field="y")}, "r", NOW)])
        record(conn, [Write(b, None, ("y",), (), {"y": Fact(1, "hub", rec=a, field="x")}, "r", NOW)])
        assert drill(conn, b, "y").facts[0].derived is not None


def test_a_fact_taken_from_a_source_record_names_its_part(db: Engine) -> None:
    with db.begin() as conn:
        (crm,) = land(conn, [SourceRead("crm/account", "77", {"level": {"name": "gold"}}, NOW, shared=True)])
        facts = {"tier": Fact("gold", "crm", landing=crm, path="level.name")}
        record(conn, [Write(TICKET, None, ("tier",), (), facts, "context", NOW)])
        source = drill(conn, TICKET, "tier").facts[0].source
    assert source is not None
    assert (source.dataset, source.key, source.field, source.raw) == ("crm/account", "77", "level.name", "gold")


def test_a_field_never_written_has_no_origin(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        with pytest.raises(NoOrigin):
            drill(conn, TICKET, "no_such_field")
        with pytest.raises(NoOrigin):
            drill(conn, TICKET + 1, "title")
        assert history(conn, TICKET + 1, "title") == []


def test_the_newest_write_of_that_field_counts_not_of_the_record(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        open_ticket(conn, number=2, at=NOW + 10, fields=("title", "priority"))
        assert (drill(conn, TICKET, "title").at, drill(conn, TICKET, "device").at) == (NOW + 10, NOW)


def test_history_tells_every_value_the_field_had(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn, number=1)
        open_ticket(conn, number=3, at=NOW + 10)
        record(conn, [Write(TICKET, None, ("priority",), (), {"priority": "P0"}, "li.wei", NOW + 20)])
        found = history(conn, TICKET, "priority")
        assert len(history(conn, TICKET, "priority", limit=2)) == 2
    assert [(o.value, o.actor, o.at - NOW) for o in found] == [
        ("P0", "li.wei", 20),
        ("P2", "rule:incident", 10),
        ("P1", "rule:incident", 0),
    ]


def test_many_fields_keep_apart(db: Engine) -> None:
    names = [f"f{n}" for n in range(300)]
    with db.begin() as conn:
        record(conn, [Write(TICKET, None, (name,), (), {name: name.upper()}, "r", NOW) for name in names])
        assert [drill(conn, TICKET, name).value for name in names[::37]] == [n.upper() for n in names[::37]]


def test_masked_values_are_shown_to_the_allowed_only(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        hidden, shown = drill(conn, TICKET, "customer"), drill(conn, TICKET, "customer", allowed=True)
    secret = b"13800000001"
    assert secret not in orjson.dumps(hidden.as_dict(), default=str)
    assert secret in orjson.dumps(shown.as_dict(), default=str)
    assert hidden.value == shown.value == "*********01"


def test_a_missing_source_record_is_told_not_guessed(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        conn.execute(delete(tables.landing))
        broken = drill(conn, TICKET, "title", stored="x")
        fact = drill(conn, TICKET, "device")
    assert (broken.verdict, broken.value) == (Verdict.BROKEN, None)
    assert "missing" in broken.problem
    assert fact.verdict is Verdict.BROKEN


def test_a_damaged_source_record_is_told(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        conn.execute(update(tables.landing).values(payload=b"garbage"))
        broken = drill(conn, TICKET, "title")
    assert "can't be read" in broken.problem


def test_a_plan_that_no_longer_compiles_is_told(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        conn.execute(
            update(tables.plan).values(
                body='{"prefix": "", "stages": [{"name": "x", "text": "mapping: x"}]}', sha256="0"
            )
        )
    with db.connect() as conn:
        conn.execute(text("SELECT 1"))
        fresh = drill(conn, TICKET, "title")
    assert fresh.verdict is Verdict.BROKEN
    assert "can't be replayed" in fresh.problem


def test_an_origin_is_data(db: Engine) -> None:
    with db.begin() as conn:
        open_ticket(conn)
        shown = drill(conn, TICKET, "title", stored="x").as_dict()
    assert shown["verdict"] == "changed outside the hub"
    assert shown["sources"][0]["raw"] == "Press 1 is 61 degrees"
    assert shown["traces"][0]["steps"][0]["path"] == "title"


def test_a_drill_down_is_one_statement(db: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.begin() as conn:
        open_ticket(conn)
    seen: list[str] = []
    with db.connect() as conn:
        drill(conn, TICKET, "title")
        if db.dialect.name == "sqlite":
            conn.connection.driver_connection.set_trace_callback(seen.append)  # type: ignore[union-attr]
        else:
            execute = psycopg.Cursor.execute

            def spy(cursor: Any, sql: Any, *rest: Any, **more: Any) -> Any:
                seen.append(sql)
                return execute(cursor, sql, *rest, **more)

            monkeypatch.setattr(psycopg.Cursor, "execute", spy)
        drill(conn, TICKET, "title")
        assert len(seen) == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    value=st.text(max_size=9) | st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    severity=st.sampled_from(["critical", "warning", "page", "unknown", None]),
    summary=st.text(max_size=20) | st.none(),
    key=st.integers(1, 10**9),
)
def test_what_is_drilled_is_what_was_computed(db: Engine, value: Any, severity: Any, summary: Any, key: int) -> None:
    payload = alert(1, annotations={"value": value, "summary": summary}, labels={"severity": severity, "instance": "a"})
    from lineage import run_plan

    with db.begin() as conn:
        made = plan(conn, (ALERT, INCIDENT))
        facts = {"ids.device": "DEV-1", "hub.threshold": 80}
        values = run_plan(made, payload, facts)
        if not values:
            return
        (source,) = land(conn, [SourceRead("am-main/alert", str(key), payload, NOW)])
        record(conn, [Write(key, made, tuple(values), (source,), facts, "rule", NOW)])
        for name, computed in values.items():
            assert drill(conn, key, name, stored=computed).verdict is Verdict.EQUAL
