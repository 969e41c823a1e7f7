"""A real mosquitto for the tests, in a temporary folder; see `gateway.demo.mosquitto`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.demo.mosquitto import Mosquitto
from gateway.demo.sensors import flood, start_flood


@contextmanager
def running(**options: Any) -> Iterator[Mosquitto]:
    """A started broker with these options; stopped and its folder removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="weft-mosquitto-"))
    broker = Mosquitto(folder, **options)
    try:
        yield broker.start()
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["Mosquitto", "flood", "running", "start_flood"]
