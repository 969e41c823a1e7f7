"""The snapshot tells where a device's values are going, and from which values it knows."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import select

import lineage
from gateway import clock, tables
from gateway.context import snapshot, trends
from gateway.usecases import tracing
from tests.integration.gateway.in_process import START, House


def twin(*values: Any, every_s: float = 60) -> dict[str, dict[str, Any]]:
    recent = [[clock.rfc3339(START + int(n * every_s * clock.SECOND)), v] for n, v in enumerate(values)]
    return {"vibration": {"value": values[-1] if values else None, "unit": "mm/s", "recent": recent}}


@pytest.mark.parametrize(
    ("values", "trend", "per_minute"),
    [
        (("2.4", "2.9", "3.4", "3.9"), "rising", "0.5"),
        (("-1", "-2", "-3.5", "-4"), "falling", "-1.05"),
        (("50", "50", "50"), "steady", "0"),
        (("50", "50.1", "50.2", "50.3"), "steady", "0.1"),  # within two hundredths of their size
        (("1", "9", "2", "8", "1", "9"), "steady", "0.6286"),  # to and fro
        (("1E+3", "2E+3", "running", "4E+3"), "rising", "1000"),  # what is no number is left out
    ],
)
def test_a_line_through_the_values_tells_the_trend(values: tuple[str, ...], trend: str, per_minute: str) -> None:
    told = trends.of(twin(*values))["vibration"]
    assert (told["trend"], told["per_minute"], told["unit"]) == (trend, per_minute, "mm/s")


@pytest.mark.parametrize("values", [(), ("1",), ("1", "2"), ("a", "b", "c"), ("NaN", "1", "2")])
def test_too_few_numbers_tell_no_trend(values: tuple[str, ...]) -> None:
    assert trends.of(twin(*values)) == {}


def test_values_of_one_moment_tell_no_trend() -> None:
    assert trends.of(twin("1", "2", "3", every_s=0)) == {}


def test_the_trend_is_a_section_whose_origin_is_the_twins_values(house: House) -> None:
    for value in ("2.4", "2.9", "3.4"):
        house.tell(house.reading(value, device="press-7", metric="vibration"))
        house.clock.forward(60)
    house.tell(house.alert("a", device="press-7"))
    ticket = house.tickets()[-1]
    with house.gateway.transaction() as conn:
        snapshot.expand(conn, house.gateway.hub, house.clock.now)
    with house.gateway.reading() as conn:
        c = tables.context_section.c
        row = conn.execute(select(tables.context_section).where(c.name == "device_trend")).one()
        origin = tracing.drill(conn, ticket.id, "context.device_trend.vibration")
    assert orjson.loads(row._mapping["values"])["vibration"]["trend"] == "rising"
    assert (row.status, row.as_of is not None, row.latency_ms) == ("ok", True, 0)
    assert origin.verdict is lineage.Verdict.EQUAL
    (fact,) = origin.facts
    assert fact.derived is not None
    assert fact.derived.field == "context.device_twin.vibration"
    assert [source.dataset for source in fact.derived.sources] == ["hub/device_twin"]
    house.verify()
