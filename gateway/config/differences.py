"""What differs between two configurations, in the words people write them in; secrets hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.registry import Catalogue
from gateway.config import history, store, yaml12


def told(
    changes: Sequence[store.Change], before: history.Items, after: history.Items, catalogue: Catalogue
) -> list[Any]:
    """Each change with the item as YAML before and after; a secret that changed says so and nothing more."""
    old, new = _by_id(before), _by_id(after)
    return [
        {"kind": c.kind, "id": c.id, "what": c.what, "fields": list(c.fields),
         "before": _text(c.kind, old.get((c.kind, c.id)), catalogue),
         "after": _text(c.kind, new.get((c.kind, c.id)), catalogue)}
        for c in changes if c.what != "unchanged"
    ]  # fmt: skip


def _by_id(items: history.Items) -> dict[tuple[str, str], dict[str, Any]]:
    return {(kind, store.id_of(kind, body)): body for kind, bodies in items.items() for body in bodies}


def _text(kind: str, body: Mapping[str, Any] | None, catalogue: Catalogue) -> str:
    if body is None:
        return ""
    if kind == "mapping" and isinstance(body.get("text"), str):
        return str(body["text"])
    return yaml12.dump(store.shown(body, catalogue) if kind == "connection" else dict(body))
