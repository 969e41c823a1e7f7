"""Hubs on either database, as the gateway's own tests have them."""

from tests.integration.gateway.conftest import a_clock, build, house

__all__ = ["a_clock", "build", "house"]
