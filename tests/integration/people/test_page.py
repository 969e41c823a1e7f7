"""docs/routing.md: what it shows can be applied as it stands, and does what it says."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from core_tickets.routing.policy import Routing
from gateway.config import yaml12
from gateway.policies import grading, routing
from gateway.routing.words import WORDS, said
from tests.integration.gateway.in_process import Build

PAGE = (Path(__file__).parents[3] / "docs" / "routing.md").read_text("utf-8")


def test_the_page_s_policies_are_applied_as_they_stand(build: Build) -> None:
    blocks = [textwrap.dedent(b.replace("policies:\n", "")) for b in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    policies = [policy for block in blocks for policy in yaml12.load(block)]
    assert [p["policy"] for p in policies] == ["people", "grading", "routing"]
    house = build({"policies": policies})
    assert [r.id for r in grading.KIND.of(house.gateway.hub.policies).rules] == [
        "stopped",
        "phone",
        "vip",
        "night",
        "test",
    ]
    house.tell(house.alert("a", title="PLC 停机"))
    ticket = house.tickets()[0]
    assert (ticket.priority, ticket.group) == (1, "line-1")
    made: Routing = routing.KIND.of(house.gateway.hub.policies).routing
    assert made.pool == "dispatch"


def test_every_reason_is_told_in_words() -> None:
    for code in WORDS:
        told = said([code, "x", "y", "z"])
        assert told != code
        assert "{" not in told
