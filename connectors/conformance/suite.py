"""The exam itself. One line makes it yours:

class TestAcme(Conformance):
    world_type = AcmeWorld
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.conformance.case import abilities, cases_of, opened
from connectors.conformance.cases.answers import AnswerCases
from connectors.conformance.cases.folder import FolderCases
from connectors.conformance.cases.itself import ItselfCases
from connectors.conformance.cases.own_faults import OwnFaultCases
from connectors.conformance.cases.reads import ReadCases
from connectors.conformance.cases.receives import ReceiveCases
from connectors.conformance.cases.subscribes import SubscribeCases
from connectors.conformance.cases.writes import WriteCases
from connectors.conformance.world import (
    AnsweringWorld,
    EchoingWorld,
    ProbingWorld,
    ReadingWorld,
    ReceivingWorld,
    SubscribingWorld,
    World,
    WritingWorld,
)

_WORLDS: dict[str, type] = {
    "": World,
    "reads": ReadingWorld,
    "receives": ReceivingWorld,
    "subscribes": SubscribingWorld,
    "answers": AnsweringWorld,
    "writes": WritingWorld,
    "writes receives": EchoingWorld,
    "writes probes": ProbingWorld,
}


class Conformance(
    ItselfCases, FolderCases, ReadCases, ReceiveCases, SubscribeCases, AnswerCases, WriteCases, OwnFaultCases
):
    """Every case that applies to `world_type`'s connector. The cases that do not apply are not there at all.

    `exempt`: cases of grade silver or gold that are left out, each with its reason; the grade stays below them.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "world_type" not in vars(cls):
            return
        _check_world(cls.world_type)
        marks = {name: getattr(cls, name).case for name in dir(cls) if hasattr(getattr(cls, name), "case")}
        for name, reason in cls.exempt.items():
            if name not in marks or marks[name].grade == "bronze" or not reason:
                raise TypeError(f"exempt {name!r}: only existing cases of silver and gold, each with a reason")
        for name in marks.keys() - cases_of(cls).keys():
            setattr(cls, name, None)

    @pytest.fixture
    def world(self) -> Iterator[World]:
        with opened(self.world_type) as world:
            yield world


def _check_world(world: type[World]) -> None:
    """A World must have all that its connector's capabilities call for."""
    able = abilities(world.connector_type)
    for needs, protocol in _WORLDS.items():
        if set(needs.split()) <= able:
            members = [m for m in vars(protocol) | vars(protocol).get("__annotations__", {}) if not m.startswith("_")]
            missing = sorted(member for member in members if not hasattr(world, member))
            if missing:
                why = f"because {world.connector_type.__name__} has {needs}" if needs else "always"
                raise TypeError(f"{world.__name__} lacks {', '.join(missing)} of {protocol.__name__} (needed {why})")
