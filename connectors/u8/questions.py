"""What U8 can tell for a ticket's context: about an item (stock, where used, orders, suppliers), and about a customer."""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors.contract import Answer, Ask, Question, Record
from connectors.errors import BadRecord
from connectors.u8 import about_customers, about_items, about_purchases
from connectors.u8.client import U8Client
from connectors.u8.config import U8Config
from connectors.u8.lookups import Asker

QUESTIONS = (
    Question(name="stock", needs=("item",), title="Stock of the item", title_zh="现存量", record="u8.stock"),
    Question(
        name="bom",
        needs=("item",),
        title="Where the item is used, and what may replace it",
        title_zh="物料清单：用在何处、替代料",
        record="u8.bom",
    ),
    Question(
        name="open_purchase_orders",
        needs=("item",),
        title="Open purchase orders",
        title_zh="未到货采购订单",
        record="u8.open_purchase_orders",
    ),
    Question(
        name="suppliers",
        needs=("item",),
        title="Suppliers and how often they were in time",
        title_zh="供应商与准时率",
        record="u8.suppliers",
    ),
    Question(
        name="purchase_frequency",
        needs=("customer",),
        title="How often the customer buys",
        title_zh="客户采购频率",
        record="u8.purchase_frequency",
    ),
    Question(
        name="last_orders",
        needs=("customer",),
        title="Latest sales orders",
        title_zh="最近销售订单",
        record="u8.last_orders",
    ),
)
_OBJECTS = {"item": "inventory", "customer": "customer"}
_ANSWERS: dict[str, Callable[[Asker, str], Record | None]] = {
    "stock": about_items.stock,
    "bom": about_items.bom,
    "open_purchase_orders": about_purchases.open_purchase_orders,
    "suppliers": about_purchases.suppliers,
    "purchase_frequency": about_customers.purchase_frequency,
    "last_orders": about_customers.last_orders,
}


def answer(client: U8Client, config: U8Config, ask: Ask) -> Answer | None:
    """The answer, None when U8 knows no such item or customer.

    :raises BadRecord: no such question, or its input is missing. :raises Transient: the deadline has passed.
    """
    question = next((q for q in QUESTIONS if q.name == ask.question), None)
    if question is None:
        raise BadRecord(f"No question {ask.question!r}; there are {', '.join(q.name for q in QUESTIONS)}.")
    about = question.needs[0]
    code = str(ask.inputs.get(about) or "").strip()
    if not code:
        raise BadRecord(f"{ask.question} needs the input `{about}`: its code in U8.")
    until = time.monotonic() + ask.deadline_s
    with client.open(timeout_s=ask.deadline_s) as database:
        asker = Asker(database, config, until, client.now().astimezone(config.zone).date())
        values = _ANSWERS[ask.question](asker, code)
        link = config.link(database.name, _OBJECTS[about], code)
    return None if values is None else Answer(values, client.now(), link=link, key=code)
