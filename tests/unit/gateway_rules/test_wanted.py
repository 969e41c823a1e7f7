"""Whether a rule will look at a new record is the same asked of many at once, by columns, as of each alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.automation.rules import compile_rules
from gateway.automation.specs import Rule
from gateway.automation.watching import Wanted, wanted

TICKET = {"kind": "'incident'", "priority": "'P2'", "title": "item"}
BASE = {"connection": "erp", "connector": "u8", "stream": "stock"}
WHEN = (
    None,
    "total.safety_stock > 0 and first(total.available, total.quantity) < total.safety_stock",
    "total.quantity / total.reserved > 2",
    "item == 'A' and connection == 'erp'",
    "frozen == True or total.available is not None",
    "previous.quantity is None and key != 'k0'",
    "num(item) > 3",
    "total is not None and warehouse == 'W1'",
    "ids.item is None",
)
amounts = st.none() | st.integers(0, 9).map(Decimal)
records = st.fixed_dictionaries({
    "item": st.sampled_from(["A", "B", "7"]), "warehouse": st.sampled_from(["W1", "W2"]), "quantity": amounts,
    "available": amounts, "reserved": amounts, "safety_stock": amounts, "frozen": st.none() | st.booleans(),
})  # fmt: skip
rules = st.lists(st.tuples(st.sampled_from(WHEN), st.booleans()), min_size=1, max_size=3)


def wanting(given_rules: list[tuple[str | None, bool]]) -> Wanted:
    made = [
        Rule.model_validate(
            {"id": f"r{n}", "on": "StockLevel", "fingerprint": "item"}
            | ({} if when is None else {"when": when})
            | ({"ticket": TICKET} if opens else {"suppress": "known"})
        )
        for n, (when, opens) in enumerate(given_rules)
    ]
    found = wanted(compile_rules(made), "StockLevel", BASE)
    assert found is not None
    return found


@given(rules, st.lists(records, max_size=12))
def test_many_are_judged_as_each_alone(given_rules: list[tuple[str | None, bool]], made: list[dict[str, Any]]) -> None:
    wants = wanting(given_rules)
    keys = [f"k{n}" for n in range(len(made))]
    columns = {name: [record.get(name) for record in made] for name in wants.fields}
    alone = [n for n, record in enumerate(made) if wants.looks({name: record.get(name) for name in columns}, keys[n])]
    assert wants.places(columns, keys) == alone


@pytest.mark.parametrize(
    ("stock", "looked"), [("4", [0]), ("5", []), (None, [])], ids=["below", "at the level", "not known"]
)
def test_stock_below_its_safety_level_is_looked_at(stock: str | None, looked: list[int]) -> None:
    wants = wanting([(WHEN[1], True)])
    available = None if stock is None else Decimal(stock)
    columns: dict[str, list[Any]] = {
        "available": [available], "quantity": [None], "safety_stock": [Decimal(5)], "frozen": [False]
    }  # fmt: skip
    assert wants.places(columns, ["k"]) == looked
