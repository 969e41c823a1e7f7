"""Values that name one thing in the whole world: the unified social credit code of a company, a device's serial and MAC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from id_registry.matching.strong import credit_code, mac, serial

STRONG: Mapping[str, Mapping[str, Callable[[str], str | None]]] = MappingProxyType(
    {
        "customer": {"credit_code": credit_code},
        "supplier": {"credit_code": credit_code},
        "device": {"serial": serial, "mac": mac},
    }
)
"""Kind of thing → field of its record → its normal form, or None for what is none."""


def strong_keys_of(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The strong keys a record has, in their normal form."""
    found = {
        name: form(values[name]) for name, form in STRONG.get(kind, {}).items() if isinstance(values.get(name), str)
    }
    return {name: value for name, value in found.items() if value is not None}
