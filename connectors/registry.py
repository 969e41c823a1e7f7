"""Which connectors are installed: ours and third parties' alike, found by the entry point group `weft.connectors`,
and those made of a manifest: the ones that come with Weft, and the files of given folders.

A broken one is listed with its reason and never stops the hub.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from connectors.contract import CONTRACT, Connector, Policy, Settings, capabilities
from connectors.manifest import BadManifest, connector_of, read, shipped
from connectors.manifest.kinds import manifest_files

GROUP = "weft.connectors"
_PARTS = ("name", "title", "title_zh", "Config", "policy", "check", "close")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`good`: connector name → class. `broken`: entry point name → why it can't be used."""

    good: dict[str, type[Connector]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def installed(points: Iterable[EntryPoint] | None = None, folders: Iterable[Path] = ()) -> Catalogue:
    """Load every connector there is. `points`: instead of those of the installed distributions and of the manifests
    that come with Weft. `folders`: where further manifests lie."""
    catalogue = Catalogue()
    files = [*(shipped() if points is None else ()), *manifest_files(folders)]
    for point in entry_points(group=GROUP) if points is None else points:
        try:
            loaded = point.load()
        except Exception as error:  # noqa: BLE001 - a plug-in may fail to import in any way; it must not take the hub along
            catalogue.broken[point.name] = f"cannot be imported: {type(error).__name__}: {error}"
            continue
        reason = why_not(loaded)
        if not reason and loaded.name in catalogue.good:
            other = catalogue.good[loaded.name]
            reason = f"the name {loaded.name!r} is already taken by {other.__module__}.{other.__qualname__}"
        if reason:
            catalogue.broken[point.name] = reason
        else:
            catalogue.good[loaded.name] = loaded
    for file in files:
        try:
            made = read(file)
        except BadManifest as error:
            catalogue.broken[file.name] = str(error)
            continue
        _add(catalogue, made, file.name)
    return catalogue


def with_manifest(catalogue: Catalogue, text: str, origin: str) -> Catalogue:
    """A catalogue that has one connector more. Raises BadManifest; one of a name that is taken is listed as broken."""
    more = Catalogue(dict(catalogue.good), dict(catalogue.broken))
    _add(more, connector_of(text, origin), origin)
    return more


def _add(catalogue: Catalogue, made: type[Connector], origin: str) -> None:
    if made.name in catalogue.good:
        catalogue.broken[origin] = f"the name {made.name!r} is already taken by another connector"
    else:
        catalogue.good[made.name] = made


def why_not(kind: object) -> str:
    """Why this is no connector of our contract, in words for its author; empty when it is one."""
    if not isinstance(kind, type):
        return f"the entry point names {kind!r}, which is no class"
    number = getattr(kind, "contract", CONTRACT)
    if number != CONTRACT:
        return f"made for contract {number}, this hub speaks contract {CONTRACT}"
    missing = [part for part in _PARTS if not hasattr(kind, part)]
    if missing:
        return f"lacks {', '.join(missing)}"
    name = inspect.getattr_static(kind, "name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"name = {name!r}: use lower case letters, digits and _, beginning with a letter"
    config = inspect.getattr_static(kind, "Config")
    if not (isinstance(config, type) and issubclass(config, Settings)):
        return "Config must be a subclass of connectors.contract.Settings"
    if not isinstance(inspect.getattr_static(kind, "policy"), Policy):
        return "policy must be a connectors.contract.Policy"
    if not capabilities(kind):
        return (
            "no capability: define streams and read, or receive, or subscribe, or questions and lookup, "
            "or operations, write and confirm"
        )
    return ""
