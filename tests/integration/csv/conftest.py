"""Hubs within the test's process, on SQLite and on PostgreSQL."""

from tests.integration.gateway.conftest import a_clock, build

__all__ = ["a_clock", "build"]
