"""Which level customers have, by their golden records."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

import id_registry

FIELD = "tier"
"""The field of the canonical record Customer that holds the level."""


def levels_of(conn: Connection, customers: Collection[int]) -> dict[int, str]:
    """By customer; those of whom no system says a level are absent."""
    found = id_registry.golden_values(conn, customers, FIELD)
    return {customer: str(level) for customer, level in found.items()}
