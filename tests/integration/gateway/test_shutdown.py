"""A hub that is told to end does so soon, whatever it waits for."""

from __future__ import annotations

import time

from gateway.worker import Worker
from tests.acceptance.running_hub import eventually
from tests.integration.gateway.in_process import House


def test_a_try_that_waits_for_the_next_one_does_not_hold_the_end_up(house: House) -> None:
    house.world.away = True
    worker = Worker(house.gateway)
    worker.start()
    eventually(lambda: house.world.reads > 0, 20)
    began = time.monotonic()
    worker.close()
    assert time.monotonic() - began < 20  # the system asked for a minute
