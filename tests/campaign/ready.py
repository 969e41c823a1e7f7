"""Imported by the process that workers are forked from: what each would read at its start is read once."""

from connectors.registry import installed
from tests.campaign import crew

__all__ = ["crew"]

installed()
