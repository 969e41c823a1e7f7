"""The worker itself, with all its threads: what happens to a ticket arrives, and who does not move is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from gateway.usecases import tickets
from gateway.worker import Worker
from tests.integration.notify.conftest import Staffed
from tests.integration.notify.staff import notes, open_ticket, states

PATIENCE_S = 60.0


def until(holds: Callable[[], bool]) -> bool:
    """Look again and again, for so long at most."""
    deadline, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not holds() and time.monotonic() < deadline:
        pause.wait(0.05)
    return holds()


def test_a_running_worker_tells_people_and_asks_the_holder(staffed: Staffed, wecom: Any) -> None:
    sandbox, connection = wecom
    house = staffed(connection)
    ticket = open_ticket(house, 0)
    worker = Worker(house.gateway)
    worker.start()
    try:
        house.clock.forward(5)
        assert until(lambda: set(states(house, "wecom-app").values()) == {"delivered"})
        assert len(sandbox.messages) == 2
        house.gateway.transact(
            lambda c: tickets.act(c, house.gateway, ticket.id, "claim", {"by": "li.na"}, actor="li.na")
        )
        house.clock.forward(3700)
        assert until(lambda: bool(notes(house, ticket, "asked")))
        house.clock.forward(5)
        assert until(lambda: any("现在能开始吗" in message.text for message in list(sandbox.messages)))
    finally:
        worker.close()
