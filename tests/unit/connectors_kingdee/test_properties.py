"""What holds whatever the data, the size of a page and the changes in between."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kingdee import KingdeeConnector
from connectors.kingdee.records import quoted
from connectors.kingdee.sandbox import ACCT, APP_ID, APP_SECRET, USER, Sandbox
from connectors.kingdee.sandbox_query import query
from connectors.settings import parse_config
from tests.unit.connectors_kingdee.conftest import Clock, Line, stream

CHANGES = st.lists(st.tuples(st.sampled_from(["add", "change", "audit", "delete"]), st.integers(0, 30)), max_size=8)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)


class Company:
    """Customers that change while they are read."""

    def __init__(self, customers: int, page_size: int) -> None:
        self.clock = Clock()
        self.sandbox = Sandbox(example=False, clock=self.clock.local)
        self.line = Line(self.sandbox)
        self.line.before = self._between
        self.changes: list[tuple[str, int]] = []
        settings_ = {"url": "https://k.test/k3cloud/", "data_center": ACCT, "username": USER, "organization": "100"}
        settings_ |= {"app_id": APP_ID, "app_secret": APP_SECRET, "page_size": page_size, "lookback_s": 60}  # type: ignore[dict-item]
        config: Any = parse_config(KingdeeConnector, settings_)
        self.connector = KingdeeConnector(config, transport=httpx.MockTransport(self.line), clock=self.clock)
        for n in range(customers):
            self.sandbox.state.backdate = self.clock.local() - timedelta(days=1, minutes=n)
            self.sandbox.filler.customer(f"K-{n}", f"客户 {n}")
        self.sandbox.state.backdate = None

    def _between(self, service: str, body: dict[str, Any]) -> None:
        """Before every second call one thing changes."""
        self.clock.pass_by(seconds=1)
        if self.changes and len(self.line.requests) % 2:
            self._change(*self.changes.pop())

    def _change(self, what: str, place: int) -> None:
        docs = self.sandbox.state.docs("BD_Customer")
        if what == "add" or not docs:
            self.sandbox.filler.customer(f"N-{self.sandbox.state.new_id()}", "新客户")
            return
        key = sorted(docs)[place % len(docs)]
        if what == "delete":
            del docs[key]
        elif what == "change":
            docs[key] |= {"fname": f"改 {self.clock.now}", "fmodifydate": self.clock.local()}
        else:
            docs[key] |= {"fapprovedate": self.clock.local(), "fdocumentstatus": "D"}

    def truth(self) -> dict[str, tuple[str, str]]:
        docs = self.sandbox.state.docs("BD_Customer").values()
        return {d["fnumber"]: (d["fname"], d["fdocumentstatus"]) for d in docs}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 20), st.integers(1, 7), CHANGES, CHANGES, st.integers(1, 5))
def test_whatever_changes_between_two_pages_the_next_runs_know_it(
    customers: int, page_size: int, first: list[tuple[str, int]], second: list[tuple[str, int]], killed_after: int
) -> None:
    company = Company(customers, page_size)
    held: dict[str, tuple[str, str]] = {}
    cursor: Any = None

    def run(batches: int = 1 << 30) -> None:
        nonlocal cursor
        for n, batch in enumerate(company.connector.read(stream(company.connector, "customers"), cursor), 1):
            held.update({r["FNumber"]: (r["FName"], r["FDocumentStatus"]) for r in batch.records})
            if batch.cursor is not None:
                cursor = orjson.loads(orjson.dumps(batch.cursor))
            if n >= batches:
                return

    company.changes = list(first)
    run(killed_after)
    run()
    company.changes = list(second)
    run()
    company.changes = []
    run()
    truth = company.truth()
    assert {number: held.get(number) for number in truth} == truth


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4, unique_by=str.casefold))
def test_a_number_finds_itself_and_nothing_else(numbers: list[str]) -> None:
    sandbox = Sandbox(example=False)
    for number in numbers:
        sandbox.filler.customer(number, "客户")
    for number in numbers:
        _, rows = query(
            sandbox.state,
            {"FormId": "BD_Customer", "FieldKeys": "FNumber", "FilterString": f"FNumber = {quoted(number)}"},
        )
        assert rows == [[number]]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["01", "02"]), st.integers(0, 2), st.integers(0, 99)), max_size=15
    ),
    st.integers(1, 6),
)
def test_the_stock_adds_up_whatever_the_size_of_a_page(rows: list[tuple[int, str, int, int]], page_size: int) -> None:
    company = Company(0, page_size)
    fill = company.sandbox.filler
    for n in range(5):
        fill.item(f"P-{n}", f"件 {n}")
    expected: dict[tuple[str, str, str], Decimal] = {}
    for item, warehouse, lot, quantity in rows:
        key = (f"P-{item}", warehouse, f"L{lot}" if lot else "")
        fill.stock(*key[:2], Decimal(quantity), lot=key[2])
        expected[key] = expected.get(key, Decimal(0)) + quantity
    found = [r for b in company.connector.read(stream(company.connector, "stock"), None) for r in b.records]
    assert {(r["item"], r["warehouse"], r["batch"]): r["quantity"] for r in found} == expected
    for record in found:
        assert record["item_total"] == sum(r["quantity"] for r in found if r["item"] == record["item"])
