"""The exam that every connector passes: `Conformance`, and the `World` it is taken in. See docs/connectors.md.

Needs pytest and httpx.
"""

import pytest

pytest.register_assert_rewrite("connectors.conformance.cases")

from connectors.conformance.faults import Faults, FaultyTransport  # noqa: E402 - after the rewriting is registered
from connectors.conformance.suite import Conformance  # noqa: E402
from connectors.conformance.world import (  # noqa: E402
    ALL_KINDS,
    AnsweringWorld,
    Break,
    EchoingWorld,
    Kind,
    Known,
    OwnFault,
    ProbingWorld,
    ReadingWorld,
    ReceivingWorld,
    SubscribingWorld,
    World,
    WritingWorld,
)

__all__ = [
    "ALL_KINDS",
    "AnsweringWorld",
    "Break",
    "Conformance",
    "EchoingWorld",
    "Faults",
    "FaultyTransport",
    "Kind",
    "Known",
    "OwnFault",
    "ProbingWorld",
    "ReadingWorld",
    "ReceivingWorld",
    "SubscribingWorld",
    "World",
    "WritingWorld",
]
