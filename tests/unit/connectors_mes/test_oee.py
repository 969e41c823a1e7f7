"""OEE by ISO 22400-2: the connector's answer and the hub's mapping compute the same, exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mes.oee import Factors, factors
from mappings import Mapping, load_library

MAPPING: Mapping = load_library("mappings.mes")["mes_oee"]
PERIOD = {"device": "press-7", "starts_at": "2026-11-22T00:00:00Z", "ends_at": "2026-11-22T08:00:00Z"}
maybe = st.none() | st.decimals("0", "100000", places=3)


def record(
    pbt: Any = None, apt: Any = None, pri: Any = None, pq: Any = None, gq: Any = None, **given_factors: Any
) -> dict[str, Any]:
    return {
        **PERIOD,
        "planned_busy_time_s": pbt,
        "actual_production_time_s": apt,
        "planned_run_time_per_item_s": pri,
        "produced": pq,
        "good": gq,
        **given_factors,
    }


def test_the_factors_multiply_to_oee() -> None:
    found = factors(record(Decimal(28800), Decimal(25920), Decimal(12), Decimal(1850), Decimal(1813)))

    assert found.availability == Decimal("0.9")
    assert found.performance == Decimal("0.856481")
    assert found.quality == Decimal("0.98")
    assert found.oee == Decimal("0.755417")


@pytest.mark.parametrize(
    ("pbt", "apt", "pq", "gq", "expected"),
    [
        (0, 0, 0, 0, Factors(None, None, None, None)),
        (28800, 0, 0, 0, Factors(Decimal(0), None, None, Decimal(0))),
        (28800, 28800, 0, 0, Factors(Decimal(1), Decimal(0), None, Decimal(0))),
        (28800, 28800, 2640, 2640, Factors(Decimal(1), Decimal("1.1"), Decimal(1), Decimal("1.1"))),
    ],
)
def test_a_denominator_of_nought_is_undefined_and_performance_is_not_capped(
    pbt: int, apt: int, pq: int, gq: int, expected: Factors
) -> None:
    assert factors(record(Decimal(pbt), Decimal(apt), Decimal(12), Decimal(pq), Decimal(gq))) == expected


def test_without_elements_the_systems_own_factors_are_taken() -> None:
    found = factors(record(availability=Decimal("0.9"), performance=Decimal("0.8"), quality=None, oee=Decimal("0.7")))

    assert found == Factors(Decimal("0.9"), Decimal("0.8"), None, Decimal("0.7"))


@given(maybe, maybe, maybe, maybe, maybe, maybe)
def test_the_mapping_computes_what_the_connector_computes(
    pbt: Any, apt: Any, pri: Any, pq: Any, gq: Any, own: Any
) -> None:
    told = record(pbt, apt, pri, pq, gq, availability=own, performance=own, quality=own, oee=own)

    mapped, found = MAPPING.run(told), factors(told)

    assert not mapped.errors
    for name in ("availability", "performance", "quality", "oee"):
        assert mapped.values[name] == getattr(found, name)


@given(*[st.decimals("1", "100000", places=2)] * 5)
def test_oee_is_the_product_of_its_factors_as_far_as_they_are_rounded(
    pbt: Decimal, apt: Decimal, pri: Decimal, pq: Decimal, gq: Decimal
) -> None:
    found = factors(record(pbt, apt, pri, pq, gq))
    assert found.availability is not None
    assert found.performance is not None
    assert found.quality is not None
    assert found.oee is not None
    product = found.availability * found.performance * found.quality
    a, p, q = found.availability + 1, found.performance + 1, found.quality + 1
    assert abs(product - found.oee) <= Decimal("0.000001") * (a * p + p * q + a * q)
