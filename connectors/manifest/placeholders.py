"""Which placeholders may stand where in a manifest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from connectors.manifest.inputs import Input
from connectors.manifest.templates import names

PAGES = ("page.number", "page.offset", "page.size", "page.token")


def check_names(
    where: str, tree: Any, allowed: Collection[str], inputs: Mapping[str, Input], *, seen: tuple[str, ...] = ()
) -> None:
    """Raises ValueError for a placeholder that can have no value there, and for a secret in one of the parts `seen`, which
    appear in logs. `allowed`: roots (`config`) and names (`key.id`)."""
    for path, name in names(tree, where):
        root, _, rest = name.partition(".")
        if name not in allowed and root not in allowed:
            raise ValueError(f"{path}: {{{name}}} has no value here; there are {', '.join(sorted(allowed))}")
        if root != "config":
            continue
        if rest not in inputs:
            raise ValueError(f"{path}: {{{name}}} is not under `config`; there are {', '.join(inputs)}")
        part = path.removeprefix(where).lstrip(".")
        if seen and part.startswith(seen) and inputs[rest].type == "secret":
            raise ValueError(f"{path}: a secret in an address is seen in logs; use `auth: {{kind: query, ...}}`")


def names_of(needs: Collection[str] = (), key: Collection[str] = (), body: Collection[str] = ()) -> tuple[str, ...]:
    """What a question's or an operation's templates may use beside the settings."""
    found = (*(f"input.{each}" for each in needs), *(f"key.{each}" for each in key), *(f"body.{each}" for each in body))
    return ("config", *found, *(("command.id", "command.idempotency_key") if key else ()))
