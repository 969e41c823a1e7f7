"""One question to a system and its answer, whatever the two speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Refused(Exception):
    """The system understood and refuses for good; `status`, and the reason it gave."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer. `url`: what was asked, for links relative to it."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
