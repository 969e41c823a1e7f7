"""Which things a canonical record speaks of: the fields that hold their local ids, and their kinds in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from mappings import RECORDS

KINDS: Mapping[str, str] = MappingProxyType(
    {"device": "device", "customer": "customer", "item": "article", "supplier": "supplier", "product": "product"}
)
"""How expressions name a thing (`ids.item`, `local.item`) → its kind in the registry."""
OWN: Mapping[str, str] = MappingProxyType(
    {"Device": "device", "Customer": "customer", "Article": "item", "Supplier": "supplier", "Product": "product"}
)
"""Records that are such a thing themselves: their `id` is its local id."""


class Subject(NamedTuple):
    """A field of a record that holds a local id of a thing."""

    name: str
    field: str
    kind: str


def _subjects(record: str) -> tuple[Subject, ...]:
    own = OWN.get(record)
    found = [Subject(own, "id", KINDS[own])] if own else []
    if "vehicle" in RECORDS[record].fields:
        found.append(Subject("device", "vehicle", "device"))
    fields = RECORDS[record].fields
    return (*found, *(Subject(name, name, kind) for name, kind in KINDS.items() if name in fields and name != own))


SUBJECTS: Mapping[str, tuple[Subject, ...]] = MappingProxyType({name: _subjects(name) for name in RECORDS})
"""Of each canonical record the fields that name things; the thing it is itself comes first."""


def named_by(record: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The things a record names, by their local ids: {"item": "BRG-6205"}."""
    found = ((subject.name, values.get(subject.field)) for subject in SUBJECTS.get(record, ()))
    return {name: str(local) for name, local in found if local not in (None, "")}
