"""The seeded house, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.gateway.conftest import a_clock, build
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import open_api
from tests.integration.rights.house import Company, seed

__all__ = ["a_clock", "build", "company"]


@pytest.fixture
def company(build: Build) -> Iterator[Company]:
    made = build(start=False)
    with open_api(made) as api:
        yield seed(made, api)
