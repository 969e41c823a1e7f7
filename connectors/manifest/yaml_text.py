"""YAML as people mean it: `on` and `no` are words (YAML 1.2), numbers are exact, a key stands once, no aliases."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            place = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(None, None, "aliases (*name) are not accepted; write the value out", place)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, f"the key {key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_FLOAT = "tag:yaml.org,2002:float"
_INT = "tag:yaml.org,2002:int"
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_NUMBER = re.compile(r"^[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?$")
_DROPPED = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp", _FLOAT)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _DROPPED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tTfF"))
_Loader.add_implicit_resolver(_FLOAT, _NUMBER, list("-+0123456789"))


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(loader.construct_scalar(node))


_Loader.add_constructor(_FLOAT, _decimal)
_Dumper.add_representer(
    datetime, lambda dumper, value: dumper.represent_scalar("!datetime", value.isoformat().replace("+00:00", "Z"))
)
_Dumper.add_representer(
    Decimal, lambda dumper, value: dumper.represent_scalar(_FLOAT if "." in f"{value:f}" else _INT, f"{value:f}")
)


def load(text: str) -> Any:
    """The document; numbers with a fraction are `Decimal`.

    :raises yaml.YAMLError: (a MarkedYAMLError knows line and column) or RecursionError.
    """
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader


def dump(data: Any) -> str:
    """Plain data as YAML that `load` and the mapping language read back unchanged."""
    return yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)
