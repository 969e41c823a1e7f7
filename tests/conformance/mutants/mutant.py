"""What a mutant is."""

from __future__ import annotations

from dataclasses import dataclass

CONNECTOR, CLIENT, CONFIG, FEED, README = "connector.py", "client.py", "config.py", "feed.py", "README.md"


@dataclass(frozen=True)
class Mutant:
    """The reference with one passage (`before`, there exactly once) replaced. `by`: the cases that must notice.
    `crashes`: the mistake itself is that something like an AttributeError escapes."""

    name: str
    file: str
    before: str
    after: str
    by: tuple[str, ...]
    crashes: bool = False


PRELUDE = {
    CONNECTOR: """import itertools
import json
import socket
import uuid
from decimal import InvalidOperation
from connectors.errors import Ambiguous
SEEN = itertools.count()
""",
    CLIENT: "import time\nfrom datetime import datetime\n",
    CONFIG: "from pydantic import ConfigDict\n",
}
"""Imports that mutations need, put behind the file's own `from __future__` line."""
