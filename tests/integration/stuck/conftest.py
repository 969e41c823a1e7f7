"""Houses with people, on SQLite and on PostgreSQL."""

from tests.integration.gateway.conftest import a_clock, build
from tests.integration.notify.conftest import staffed

__all__ = ["a_clock", "build", "staffed"]
