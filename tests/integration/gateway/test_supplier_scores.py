"""Supplier scorecards, connected by a manifest alone: a weak score is a ticket, and its comment asks for an 8D report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import lineage
from connectors.manifest import read, shipped
from connectors.manifest.serving import Server
from connectors.rest.sandbox import Sandbox
from gateway.usecases import syncing, tracing
from tests.integration.gateway.in_process import Build, House


@dataclass
class Supply:
    """The stand-in of the system, and the hub that reads it."""

    sandbox: Sandbox
    house: House

    def sync(self) -> None:
        told = syncing.run(self.house.gateway, self.house.gateway.hub.connection("scm"), "scorecard", full=True)
        assert told["error"] == ""

    def score(self, supplier: str, score: float) -> None:
        (row,) = [row for row in self.sandbox.rows["scorecard"] if row["supplierCode"] == supplier]
        row["totalScore"] = score


@pytest.fixture
def supply(build: Build) -> Iterator[Supply]:
    (path,) = [p for p in shipped() if p.stem == "scm_scorecards"]
    sandbox = Sandbox(read(path))
    sandbox.fill_with_samples()
    with Server(sandbox.handle, 0) as server:
        connection = {"id": "scm", "connector": "scm_scorecards", "config": {**sandbox.config, "url": server.url}}
        yield Supply(sandbox, build({"connections": [{"id": "r", "connector": "robot"}, connection]}))


def test_a_weak_score_is_a_ticket_whose_figures_lead_to_the_scorecard(supply: Supply) -> None:
    supply.sync()
    (ticket,) = supply.house.tickets()  # the other supplier did well
    assert ticket.labels == {"supplier": "V001", "period": "2026-10", "grade": "D"}
    assert "58.5" in ticket.title
    assert "迟交 late 3 / 20" in ticket.description
    with supply.house.gateway.reading() as conn:
        origin = tracing.drill(conn, ticket.id, "title")
    assert origin.verdict is lineage.Verdict.EQUAL
    assert ("scm/scorecard", "totalScore") in {(s.dataset, s.field) for s in origin.sources}
    supply.house.verify()
    supply.house.ends()


def test_a_score_that_is_good_again_ends_it(supply: Supply) -> None:
    supply.sync()
    supply.score("V001", 88)
    supply.sync()
    assert [t.status for t in supply.house.tickets()] == ["resolved"]


def test_a_comment_asks_the_supplier_for_an_8d_report_once(supply: Supply) -> None:
    supply.sync()
    (ticket,) = supply.house.tickets()
    supply.house.act(ticket, "comment", text="三次迟交")
    supply.house.work()
    assert supply.sandbox.effects == []
    supply.house.act(ticket, "comment", text="/8d three late deliveries")
    supply.house.work()
    supply.house.work()
    (effect,) = supply.sandbox.effects
    asked: dict[str, Any] = dict(supply.house.commands()[0]._mapping)
    assert (asked["op"], asked["state"]) == ("request_improvement", "done")
    assert "V001" in str(effect)
