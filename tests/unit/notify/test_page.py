"""What docs/notification.md shows is what the hub takes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from gateway.policies import build

PAGE = Path(__file__).parents[3] / "docs" / "notification.md"


def test_the_policies_of_the_page_are_good_ones() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    shown = [document for block in blocks for document in yaml.safe_load(block).get("policies", [])]
    assert {d["policy"] for d in shown} == {"notification", "stuck"}
    assert build(shown).given == {"notification", "stuck"}
