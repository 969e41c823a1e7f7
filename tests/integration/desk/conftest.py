"""The house with people and a customer, as the tests of rights have it."""

from __future__ import annotations

from tests.integration.rights.conftest import a_clock, build, company

__all__ = ["a_clock", "build", "company"]
