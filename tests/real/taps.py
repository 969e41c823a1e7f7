"""A real Singer tap for the tests: PipelineWise's tap-postgres, installed by `setup/components.sh singer`."""

from __future__ import annotations

from pathlib import Path

from gateway.demo.errors import MissingComponent
from gateway.demo.process import components_root


def tap_postgres() -> Path:
    """Its program. Raises MissingComponent."""
    program = components_root().parent / "singer" / "bin" / "tap-postgres"
    if not program.is_file():
        raise MissingComponent(("tap-postgres",), "singer")
    return program
