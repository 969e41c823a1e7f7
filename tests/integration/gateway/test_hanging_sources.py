"""A source that does not answer is in nobody's way: not the ticket's, not another source's, not a command's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from gateway import tables
from gateway.worker import Worker
from tests.acceptance.running_hub import eventually
from tests.integration.gateway.in_process import Build, House

TICKETS = 12
"""More than the worker has threads."""
DEADLINE_S = 50
_C = tables.context_section.c


def robot(name: str) -> dict[str, Any]:
    question = {"question": "recent", "inputs": {"device": "alert.key"}, "deadline": f"{DEADLINE_S}s"}
    config = {"url": f"robot://{name}", "password": "known"}
    return {"id": name, "connector": "robot", "config": config, "context": [question]}


@pytest.fixture
def house(build: Build) -> Iterator[House]:
    """The robot `slow` hangs when it is asked, `quick` answers, and is told of each new ticket."""
    tell = {
        "id": "tell", "on": "ticket.opened", "connection": "quick", "op": "say", "key": {"object": "alert.key"},
        "body": {"text": "ticket.id"},
    }  # fmt: skip
    connections = [{"id": "r", "connector": "robot"}, robot("slow"), robot("quick")]
    made = build({"connections": connections, "bridges": [tell]})
    made.world.hangs = "robot://slow"
    worker = Worker(made.gateway)
    worker.start()
    yield made
    made.world.released.set()
    worker.close()


def sections(house: House, connection: str) -> list[tuple[str, bool]]:
    """How each question to it stands, and whether its answer came late."""
    with house.gateway.reading() as conn:
        return [tuple(row) for row in conn.execute(select(_C.status, _C.late).where(_C.connection_id == connection))]


def test_while_a_source_hangs_tickets_come_others_answer_and_commands_go_out_and_its_late_answers_are_marked(
    house: House,
) -> None:
    eventually(lambda: house.world.reads == 3, why="the worker has not begun")
    for number in range(TICKETS):
        house.tell(house.alert(f"pump-{number}", title=f"pump {number}"))
    assert len(house.tickets()) == TICKETS, "they wait for no answer"
    eventually(lambda: sections(house, "quick") == [("ok", False)] * TICKETS)
    eventually(lambda: [c.state for c in house.commands()] == ["done"] * TICKETS)
    assert {status for status, _ in sections(house, "slow")} <= {"asking", "pending"}, "nobody waited for it"

    house.clock.forward(DEADLINE_S + 5)
    house.world.released.set()
    eventually(lambda: sections(house, "slow") == [("ok", True)] * TICKETS)
