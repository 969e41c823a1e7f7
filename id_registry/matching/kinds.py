"""Which fields of a kind of thing are compared, how, and under which keys a record is found again.

The probabilities are what is known of such fields anywhere; how rare a value is, is learnt from the registry's own records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

from id_registry.matching.companies import company
from id_registry.matching.comparing import Digits, Exact, Part, Text, Tokens, Whole
from id_registry.matching.contacts import address, email, phone
from id_registry.matching.model import Field, Model, Record
from id_registry.matching.people import person, pinyin_key
from id_registry.matching.regions import region_of
from id_registry.matching.strong import credit_code, mac, serial
from id_registry.matching.text import letters, plain

__all__ = ["SCHEMES", "Scheme", "key_number", "keys_of"]

TELLING = 4
"""Characters that a company's name must have to be one company's together with its region; shorter ones are common."""
SHARED = 5
"""A phone of more records than this is a switchboard's or a salesman's, and says nothing; a policy may say otherwise."""


@dataclass(frozen=True)
class Scheme:
    """How things of a kind are matched. `normal`: a canonical record → its compared fields; `keys`: (name, value) of those →
    where candidates are looked for. `guards`: fields whose difference leaves the decision to a person."""

    model: Model
    normal: Callable[[Mapping[str, Any]], dict[str, str]]
    keys: Callable[[Record], list[tuple[str, str]]]
    guards: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    """Fields that name the thing: one of them must agree at least roughly for a link."""


def key_number(kind: str, name: str, value: str) -> int:
    """64 bits of a key."""
    text = f"{kind}\x1f{name}\x1f{value}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little", signed=True)


def keys_of(kind: str, record: Record) -> dict[tuple[str, str], int]:
    """The blocking keys of a record in its normal form."""
    return {pair: key_number(kind, *pair) for pair in SCHEMES[kind].keys(record)}


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _said(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


# -- companies ----------------------------------------------------------------------------------------------------------


def _company(record: Mapping[str, Any]) -> dict[str, str]:
    name = company(_text(record, "name") or _text(record, "short_name"))
    short = company(_text(record, "short_name"))
    where, rest = address(_text(record, "address"))
    region = name.region or region_of(plain(_text(record, "city"))) or where
    whole = name._replace(region=name.region or region) if name.form else name
    place = f"{region}|{name.core}|{name.branch}" if region and len(name.core) >= TELLING else ""
    return _said(
        code=credit_code(_text(record, "credit_code")), full=whole.full, place=place, core=name.core, short=short.core,
        region=region, form=name.form, branch=name.branch, phone=phone(_text(record, "phone")),
        email=email(_text(record, "email")), address=rest,
    )  # fmt: skip


def _company_keys(record: Record) -> list[tuple[str, str]]:
    core, short = record.get("core", ""), record.get("short", "")
    found = [(name, record[name]) for name in ("code", "full", "place", "core", "phone", "email") if name in record]
    if short and short != core:
        found.append(("core", short))
    if len(core) > 4:
        found += [("head", core[:4]), ("tail", core[-4:])]
    if core and (spoken := pinyin_key(core)):
        found.append(("pinyin", spoken))
    return found


_COMPANY = (
    Field("code", Exact(), (0.97, 0.03), (1e-8, 1 - 1e-8), veto=True),
    Field("full", Exact(), (0.6, 0.4), (1e-9, 1 - 1e-9), fade=SHARED, group="name"),
    Field("place", Exact(), (0.6, 0.4), (3e-7, 1 - 3e-7), fade=SHARED, group="name"),
    Field("core", Part(), (0.72, 0.14, 0.12, 0.02), (1e-4, 1e-3, 4e-3, 0.9949), rarity=True, group="name"),
    Field("short", Part(), (0.8, 0.12, 0.05, 0.03), (1e-4, 1e-3, 4e-3, 0.9949), group="name"),
    Field("region", Whole(), (0.75, 0.22, 0.03), (0.05, 0.1, 0.85)),
    Field("form", Exact(), (0.9, 0.1), (0.7, 0.3)),
    Field("branch", Exact(), (0.97, 0.03), (0.85, 0.15)),
    Field("phone", Exact(), (0.6, 0.4), (1e-5, 1 - 1e-5), rarity=True, fade=SHARED),
    Field("email", Exact(), (0.5, 0.5), (1e-5, 1 - 1e-5), rarity=True, fade=SHARED),
    Field("address", Tokens(), (0.35, 0.3, 0.2, 0.15), (1e-4, 2e-3, 0.02, 0.9779)),
)


# -- people -------------------------------------------------------------------------------------------------------------


def _person(record: Mapping[str, Any]) -> dict[str, str]:
    where, rest = address(_text(record, "address"))
    return _said(
        name=person(_text(record, "name")), mobile=phone(_text(record, "mobile")), phone=phone(_text(record, "phone")),
        email=email(_text(record, "email")), company=company(_text(record, "company")).core,
        born="".join(c for c in plain(_text(record, "born")) if c.isdigit()),
        city=region_of(plain(_text(record, "city"))) or where, address=rest,
    )  # fmt: skip


def _person_keys(record: Record) -> list[tuple[str, str]]:
    found = [(name, record[name]) for name in ("name", "mobile", "phone", "email") if name in record]
    if spoken := pinyin_key(record.get("name", "")):
        found.append(("pinyin", spoken))
    return found


_PERSON = (
    Field("name", Text(), (0.85, 0.08, 0.03, 0.02, 0.02), (1e-4, 2e-4, 5e-4, 0.002, 0.9972), rarity=True),
    Field("mobile", Exact(), (0.8, 0.2), (1e-6, 1 - 1e-6), rarity=True, fade=SHARED),
    Field("phone", Exact(), (0.5, 0.5), (1e-4, 1 - 1e-4), rarity=True, fade=SHARED),
    Field("email", Exact(), (0.7, 0.3), (1e-6, 1 - 1e-6), rarity=True, fade=SHARED),
    Field("company", Part(), (0.6, 0.15, 0.1, 0.15), (1e-3, 1e-3, 4e-3, 0.994)),
    Field("born", Digits(), (0.93, 0.04, 0.03), (1e-4, 1e-3, 0.9989)),
    Field("city", Whole(), (0.7, 0.2, 0.1), (0.05, 0.1, 0.85)),
    Field("address", Tokens(), (0.3, 0.25, 0.2, 0.25), (1e-4, 2e-3, 0.02, 0.9779)),
)


# -- devices ------------------------------------------------------------------------------------------------------------


def _device(record: Mapping[str, Any]) -> dict[str, str]:
    return _said(
        serial=serial(_text(record, "serial")), mac=mac(_text(record, "mac")),
        tag=letters(plain(_text(record, "asset_tag"))), name=plain(_text(record, "name")),
        model=letters(plain(_text(record, "model"))), maker=company(_text(record, "manufacturer")).core,
        ip=plain(_text(record, "ip")), site=plain(_text(record, "site")),
    )  # fmt: skip


def _device_keys(record: Record) -> list[tuple[str, str]]:
    return [(name, record[name]) for name in ("serial", "mac", "tag", "name", "ip") if name in record]


# a machine's name is compared as it stands: press-7 is not press-8, however similar they look
_DEVICE = (
    Field("serial", Exact(), (0.98, 0.02), (1e-7, 1 - 1e-7), veto=True),
    Field("mac", Exact(), (0.98, 0.02), (1e-8, 1 - 1e-8), veto=True),
    Field("tag", Exact(), (0.9, 0.1), (1e-5, 1 - 1e-5), rarity=True, fade=SHARED),
    Field("name", Exact(), (0.6, 0.4), (1e-3, 1 - 1e-3), rarity=True, fade=SHARED),
    Field("model", Part(3, 0.95), (0.75, 0.15, 0.05, 0.05), (0.02, 0.01, 0.02, 0.95)),
    Field("maker", Part(), (0.8, 0.1, 0.05, 0.05), (0.1, 0.01, 0.02, 0.87)),
    Field("ip", Exact(), (0.7, 0.3), (1e-4, 1 - 1e-4), rarity=True, fade=2),
    Field("site", Exact(), (0.8, 0.2), (0.1, 0.9)),
)

_PRIOR = 1e-4
SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        **{
            kind: Scheme(
                Model(kind, _COMPANY, _PRIOR), _company, _company_keys, frozenset({"region", "branch"}),
                frozenset({"full", "place", "core", "short"}),
            )
            for kind in ("customer", "supplier")
        },
        "person": Scheme(
            Model("person", _PERSON, _PRIOR), _person, _person_keys, frozenset({"name", "born"}), frozenset({"name"})
        ),
        "device": Scheme(Model("device", _DEVICE, _PRIOR), _device, _device_keys, frozenset({"tag", "model", "maker"})),
    }
)  # fmt: skip
"""Kind of thing → how it is matched; of other kinds only a strong key or a person says what is one thing."""
