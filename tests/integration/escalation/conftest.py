"""A house with people, on SQLite and on PostgreSQL, with a clock the test sets."""

from __future__ import annotations

import pytest

from tests.integration.escalation.staff import PEOPLE, tick
from tests.integration.gateway.conftest import a_clock, build
from tests.integration.gateway.in_process import Build, House

__all__ = ["a_clock", "build"]


@pytest.fixture
def house(build: Build) -> House:
    """A hub with people; its policies have come into force."""
    made = build({"policies": [PEOPLE]})
    tick(made)
    return made
