"""The secrets inside a connection's config: found by the connector's schema, sealed, revealed, hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Change = Callable[[str, str], str]
"""(value, path) → new value."""


def change(config: dict[str, Any], secret_paths: Iterable[str], how: Change) -> dict[str, Any]:
    """A copy with every text at a secret path (`a.b`, `list[].c`, `map.*`) replaced."""
    result: Any = config
    for path in secret_paths:
        result = _at(result, path.replace("[]", ".[]").split("."), "config", how)
    return dict(result)


def _at(node: Any, steps: list[str], path: str, how: Change) -> Any:
    if not steps:
        return how(node, path) if isinstance(node, str) and node else node
    step, rest = steps[0], steps[1:]
    if step == "[]":
        return [_at(v, rest, f"{path}[{n}]", how) for n, v in enumerate(node)] if isinstance(node, list) else node
    if not isinstance(node, dict):
        return node
    keys = list(node) if step == "*" else [step]
    return {k: _at(v, rest, f"{path}.{k}", how) if k in keys else v for k, v in node.items()}
