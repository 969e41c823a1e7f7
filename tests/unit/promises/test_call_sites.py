"""Whoever changes tickets does so by the promises in force, never by those that happen to be built in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

GATEWAY = Path(__file__).parents[3] / "gateway"


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of core_tickets.apply and core_tickets.open_or_merge in the gateway."""
    for path in sorted(GATEWAY.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            if name in ("core_tickets.apply", "core_tickets.open_or_merge", "open_or_merge"):
                yield f"{path.relative_to(GATEWAY)}:{node.lineno}", node


def test_every_change_of_a_ticket_names_its_policy() -> None:
    found = list(calls())
    assert len(found) >= 6
    assert [place for place, call in found if "policy" not in {k.arg for k in call.keywords}] == []
