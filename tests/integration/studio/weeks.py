"""Weeks of messages, drawn from a seed, that the same hub or another can be told again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from tests.integration.gateway.in_process import START, House

RULES: list[dict[str, Any]] = [
    {"id": "quiet", "on": "Alert", "when": "severity == 'info'", "suppress": "only for the record"},
    {"id": "any", "on": "Alert", "storm": {"more_than": 4, "within": "1h"},
     "ticket": {"kind": "'incident'", "priority": "'P1' if severity == 'critical' else 'P3'", "title": "title",
                "device": "ids.device", "labels": "{'rule': rule}"}},
    {"id": "hot", "on": "Reading", "when": "metric == 'temperature'", "threshold": {"above": 80, "clear": 70, "for": "4m"},
     "ticket": {"kind": "'maintenance'", "priority": "'P2'", "title": "concat(device, ' is hot')", "device": "ids.device"}},
]  # fmt: skip


def with_rule(name: str, **changes: Any) -> list[dict[str, Any]]:
    """The rules with one of them changed."""
    return [rule | changes if rule["id"] == name else rule for rule in RULES]


def ticket(name: str, **changes: str) -> list[dict[str, Any]]:
    """The rules with the template of one changed."""
    return with_rule(name, ticket=next(r for r in RULES if r["id"] == name)["ticket"] | changes)


def tell_weeks(house: House, seed: int, messages: int) -> None:
    """Alerts that begin and end, some twice or flapping, some broken, and readings around a limit, minutes apart. Timers
    run at every full minute, which is when they are due: all that the rules say of durations is in whole minutes."""
    dice = random.Random(seed)
    for n in range(messages):
        _pass(house, 2 if n % 9 else 9)
        house.tell(*_messages(house, dice))
    _pass(house, 15)


def _pass(house: House, minutes: int) -> None:
    for _ in range(minutes):
        house.clock.forward(60)
        house.tick()


def _messages(house: House, dice: random.Random) -> list[Mapping[str, Any]]:
    if dice.random() < 0.3:
        device = dice.choice(["pump-1", "pump-2"])
        return [house.reading(dice.choice([60, 75, 82, 95]), device=device)]
    told: list[Mapping[str, Any]] = []
    for _ in range(dice.choice([1, 1, 2])):
        key = dice.choice("abcdefgh")
        severity = {"a": "info", "b": "warning"}.get(key, "critical")
        start = house.clock.text() if dice.random() < 0.9 else "no time at all"
        told.append(house.alert(
            key, dice.choice(["firing", "firing", "resolved"]), severity=severity, device=f"host-{key}",
            episode=str((house.clock.now - START) // 1_000_000_000), starts_at=start,
            rule=dice.choice(["high", "low"]),
        ))  # fmt: skip
    return told
