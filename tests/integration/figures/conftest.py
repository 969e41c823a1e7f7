"""A database of the ticket core that the tests of a module share; none of them commits."""

from __future__ import annotations

from tests.integration.core_tickets.conftest import conn, shared

__all__ = ["conn", "shared"]
