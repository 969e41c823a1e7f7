"""The hub in process, as the gateway's own tests have it."""

from __future__ import annotations

from tests.integration.gateway.conftest import a_clock, build, keep, keep_of

__all__ = ["a_clock", "build", "keep", "keep_of"]
