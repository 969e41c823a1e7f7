"""A house with a customer whose phone number stands everywhere, and the people who ask about it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
import id_registry
from core_tickets.people import BY_HAND, Told, put_groups, put_people
from gateway import clock, tables, tokens
from gateway.context import snapshot
from gateway.search.feeding import Feeder
from gateway.tokens import Role
from gateway.usecases import tickets
from tests.integration.gateway.in_process import House
from tests.integration.gateway.over_http import Api

DIGITS = "13800138000"
SPELLINGS = (
    DIGITS, "+86 138-0013-8000", "(+86)138 0013 8000", "１３８００１３８０００", "138 0013 8000", "008613800138000",
    "138.0013.8000", "1 3 8 0 0 1 3 8 0 0 0", "一三八零零一三八零零零", "138\u200b0013\u200b8000", "138–0013–8000",
)  # fmt: skip
EMAIL, ADDRESS, CREDIT = "zhang.wei@acme.example", "杭州市滨江区江南大道 588 号", "5000000"
PEOPLE = {
    "li.na": ("technician", "line-1"), "wang.wu": ("technician", "line-2"), "zhao.liu": ("team_lead", "line-1"),
    "audit": ("auditor", ""), "sun.qi": ("buyer", ""), "zhou.ba": ("quality", ""),
}  # fmt: skip


def digits_of(text: str) -> str:
    """All digits of a text in a row, whatever stands between them."""
    chinese = str.maketrans("〇零一二三四五六七八九", "00123456789")
    return "".join(str(unicodedata.digit(c)) for c in text.translate(chinese) if unicodedata.digit(c, -1) >= 0)


def assert_safe(text: str) -> None:
    """Nothing of how to reach the customer is in it, in no spelling, nor split between fields."""
    for secret in (*SPELLINGS, EMAIL, ADDRESS, CREDIT):
        assert secret not in text
    assert DIGITS not in digits_of(text)


@dataclass
class Company:
    """The house seeded: `ticket` is the one in question, `earlier` a solved one of the same device."""

    house: House
    api: Api
    ticket: str = ""
    earlier: str = ""
    device: str = ""
    customer: str = ""
    tokens: dict[str, str] = field(default_factory=dict)

    def header(self, person: str | None = None, role: str = "agent", **more: Any) -> dict[str, str]:
        """Of a person's token."""
        name = f"{person} {role} {sorted(more)}"
        if name not in self.tokens:
            with self.house.gateway.transaction() as conn:
                _, self.tokens[name] = tokens.create(
                    conn, name=name, role=Role(role), now=clock.now(), person=person, **more
                )
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    def ask(
        self, person: str | None, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Any:
        given = {**self.header(person), **(headers or {})}
        answer = self.api.client.request(method, path, headers=given, **more)
        assert answer.status_code < 500, answer.text
        return answer

    def get(self, person: str | None, path: str = "", **params: Any) -> Any:
        """The answer about the ticket, which must be given."""
        answer = self.ask(person, "GET", f"/v1/tickets/{self.ticket}{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask_as_customer(self, method: str, path: str, **more: Any) -> Any:
        """By a token of the customer's own."""
        header = self.header(customer=id_registry.parse_id(self.customer))
        return self.api.client.request(method, path, headers=header, **more)

    def put_person(self, conn: Connection, person: str, role: str, group: str, *, active: bool = True) -> None:
        fields = {"id": person, "name": person, "roles": [role], "groups": [group] if group else [], "active": active}
        put_people(conn, [Told(BY_HAND, person, fields)])

    def set(self, **fields: Any) -> None:
        """Fields changed by hand."""
        number = id_registry.parse_id(self.ticket)
        gateway = self.house.gateway
        gateway.transact(lambda c: tickets.act(c, gateway, number, "set", fields, actor="token:ann"))

    def told(self, person: str | None, path: str = "", **params: Any) -> str:
        """The same as text."""
        return orjson.dumps(self.get(person, path, **params)).decode()


def seed(house: House, api: Api) -> Company:
    """Fill it: people, the customer's golden record, two tickets of one device, comments, a snapshot."""
    company = Company(house, api)
    gateway = house.gateway
    with gateway.transaction() as conn:
        put_groups(conn, [Told(BY_HAND, g, {"id": g, "name": g}) for g in ("line-1", "line-2")])
        for person, (role, group) in PEOPLE.items():
            company.put_person(conn, person, role, group)
    gateway.reload()
    company.earlier = _a_ticket(company, "old", "主轴异响 spindle noise", "换轴承 bearing changed")
    house.clock.forward(3600)
    labels = {"site": "south", "contact_phone": SPELLINGS[1], "note": f"请联系 {SPELLINGS[3]} 或 {EMAIL}"}
    company.ticket = _a_ticket(company, "new", f"主轴过热，客户电话 {SPELLINGS[2]}", None, labels)
    number = id_registry.parse_id(company.ticket)
    with gateway.reading() as conn:
        held = core_tickets.get(conn, number)
    assert held.device is not None
    assert held.customer is not None
    company.device, company.customer = id_registry.format_id(held.device), id_registry.format_id(held.customer)
    _observe(company, held.customer)
    for spelling in SPELLINGS:
        house.act(held, "comment", text=f"打过 {spelling} 没人接")
    house.act(held, "comment", text=f"送到{ADDRESS}，授信额度: {CREDIT}，serial SN-7788")
    house.act(held, "assign", assignee="li.na", group="line-1")
    _sections(company, number)
    return company


def _a_ticket(company: Company, key: str, title: str, solved: str | None, labels: dict[str, str] | None = None) -> str:
    house = company.house
    told = house.alert(key, title=title, device="press-7", customer="acme", labels=labels or {},
                       description=f"机床 press-7 报警；收货人 {SPELLINGS[5]}，地址：{ADDRESS}")  # fmt: skip
    house.tell(told)
    ticket = house.tickets()[-1]
    if solved:
        house.act(ticket, "resolve", resolution=f"{solved}，客户 {SPELLINGS[4]} 已确认", cause="wear")
        house.act(house.tickets()[-1], "close")
    return id_registry.format_id(ticket.id)


def _observe(company: Company, customer: int) -> None:
    now = company.house.clock.now
    said = {"name": "杭州精工", "phone": DIGITS, "email": EMAIL, "address": ADDRESS, "credit_limit": CREDIT}
    with company.house.gateway.transaction() as conn:
        id_registry.observe(conn, [id_registry.Observation(customer, "crm", f, v, now) for f, v in said.items()], now)


def _sections(company: Company, number: int) -> None:
    """A snapshot: the hub's own sections, and what a CRM and a MES answered."""
    gateway, now = company.house.gateway, company.house.clock.now
    Feeder(gateway.search, gateway.settings.home).feed(gateway)
    with gateway.transaction() as conn:
        snapshot.expand(conn, gateway.hub, now)
        claimed = snapshot.claim(conn, now)
    for section in claimed:
        snapshot.ask(gateway, gateway.hub, section)
    answers: dict[tuple[str, str], dict[str, Any]] = {
        ("crm", "contacts"): {"contacts": [{"name": "张伟", "MobilePhone": DIGITS, "email": EMAIL}], "phone": SPELLINGS[0],
                              "shippingAddress": {"city": "杭州", "street": ADDRESS}, "creditLimit": int(CREDIT)},
        ("crm", "account"): {"name": "杭州精工", "tier": "gold", "phone": DIGITS},
        ("mes", "downtime"): {"device": "press-7", "recent": [{"reason": "bearing", "minutes": 16}], "note": SPELLINGS[6]},
    }  # fmt: skip
    with gateway.transaction() as conn:
        for (connection, question), values in answers.items():
            name = f"{connection}.{question}"
            snapshot._add(conn, number, name, connection, question, {"customer": "acme"}, now, status="ok", as_of=now,
                          answered_at=now, values=orjson.dumps(values).decode())  # fmt: skip
            snapshot._remember(conn, number, name, f"{connection}/{question}", "acme", values, now, now)
        assert len(list(conn.execute(select(tables.context_section)))) >= 3
