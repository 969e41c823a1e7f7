"""A house with people of several departments, asked over HTTP as each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

import id_registry
from gateway import clock, tables, tokens
from gateway.tokens import Role
from tests.integration.gateway.in_process import House
from tests.integration.gateway.over_http import PROBLEM, Api

PEOPLE = {
    "policy": "people",
    "groups": [
        {"id": "service", "name": "客服部", "lead": "zhao.liu", "calendar": "round"},
        {"id": "workshop", "name": "维修车间", "lead": "sun.qi", "director": "ma.hua", "calendar": "round"},
        {"id": "quality", "name": "质量部", "lead": "zhou.ba"},
    ],
    "persons": [
        {"id": "li.na", "name": "李娜", "roles": ["agent"], "groups": ["service"]},
        {"id": "zhao.liu", "name": "赵六", "roles": ["agent", "team_lead"], "groups": ["service"]},
        {"id": "wang.wu", "name": "王五", "roles": ["agent", "technician"], "groups": ["workshop"]},
        {"id": "sun.qi", "name": "孙七", "roles": ["agent", "team_lead"], "groups": ["workshop"]},
        {"id": "zhou.ba", "name": "周八", "roles": ["agent", "buyer"], "groups": ["quality"]},
        {"id": "ma.hua", "name": "马华", "roles": ["agent", "director"]},
    ],
}
CALENDARS = {
    "policy": "calendars",
    "calendars": [
        {"id": "round", "hours": {d: ["00:00-24:00"] for d in ("mon-sun",)}},
        {"id": "office", "hours": {"mon-fri": ["09:00-12:00", "13:00-18:00"]}, "holidays": "CN"},
    ],
}
NOBODY_ROUTED = {"policy": "routing", "rules": []}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@dataclass
class Floor:
    """The people's side of the house."""

    house: House
    api: Api
    tokens: dict[str, str] = field(default_factory=dict)

    def header(self, person: str) -> dict[str, str]:
        """Of a person's token; `customer` is one of the ticket's customer without a person."""
        if person not in self.tokens:
            with self.house.gateway.transaction() as conn:
                made = tokens.create(conn, name=person, role=Role.agent, now=clock.now(), person=person)
            self.tokens[person] = made[1]
        return {"Authorization": f"Bearer {self.tokens[person]}"}

    def ask(self, person: str, method: str, path: str, status: int = 200, headers: Mapping[str, str] | None = None,
            **more: Any) -> Any:  # fmt: skip
        """The answer's JSON; it must have this status, and a refusal is a problem document."""
        given = {**self.header(person), **(headers or {})}
        answer = self.api.client.request(method, f"/v1/tickets{path}", headers=given, **more)
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        if status >= 400:
            assert answer.headers["content-type"] == PROBLEM
        return answer.json()

    def make(self, person: str = "li.na", **given: Any) -> str:
        """A new ticket; answers its id."""
        body = {"title": "压力机漏油 press leaks", "group": "service", "assignee": person} | given
        return str(self.ask(person, "POST", "", 201, json=body)["id"])

    def do(self, who: str, ticket: str, action: str, status: int = 200, **body: Any) -> Any:
        return self.ask(who, "POST", f"/{ticket}/{action}", status, json=body)

    def shown(self, ticket: str, person: str = "li.na") -> Any:
        return self.ask(person, "GET", f"/{ticket}")

    def attach(self, person: str, ticket: str, body: bytes = PNG, status: int = 201, **query: Any) -> Any:
        return self.ask(
            person, "POST", f"/{ticket}/attachments", status, content=body, params={"name": "a.png"} | query
        )

    def notices(self, ticket: str, *reasons: str) -> list[Any]:
        """What is queued to be told of a ticket, eldest first."""
        n = tables.notice.c
        with self.house.gateway.reading() as conn:
            rows = conn.execute(
                select(tables.notice)
                .where(n.ticket_id == id_registry.parse_id(ticket), n.reason.in_(reasons))
                .order_by(n.id)
            )
            return list(rows)
