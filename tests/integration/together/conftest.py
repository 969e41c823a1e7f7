"""The floor of people, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.integration.gateway.conftest import a_clock, build
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import open_api
from tests.integration.together.house import CALENDARS, PEOPLE, Floor

__all__ = ["a_clock", "build", "floor", "floor_with"]


@pytest.fixture
def floor_with(build: Build) -> Iterator[Callable[..., Floor]]:
    """Makes a floor with these policies and other documents beside the people."""
    with ExitStack() as stack:

        def make(*policies: dict[str, Any], **more: Any) -> Floor:
            house = build({"policies": [PEOPLE, CALENDARS, *policies], **more}, start=False)
            return Floor(house, stack.enter_context(open_api(house)))

        yield make


@pytest.fixture
def floor(floor_with: Callable[..., Floor]) -> Floor:
    return floor_with()
