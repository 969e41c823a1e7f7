"""Conditions over tickets as people write them, for grading and routing; and what is wrong with one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from pydantic import Field

import core_tickets
import id_registry
from core_tickets.calendars import ALWAYS
from core_tickets.matching import Condition, Pattern, Word, normalised
from gateway.automation.specs import Spec
from gateway.errors import Problem
from gateway.policies import calendars
from gateway.policies.kind import Surroundings
from mappings.suggestions import among

Values = str | list[str]
_EXAMPLE = {"device": "DEV-2026-000001", "customer": "CUST-2026-000001"}


class ConditionSpec(Spec):
    """All that is given must hold; of a list one must. Texts are compared whatever their case or width; `*` and `?` stand for
    any characters."""

    words: list[str] = Field(
        [], description="in title or description; Latin ones as whole words, `leak*` by their start"
    )
    without: list[str] = Field([], description="none of these may be in the text")
    kind: Values = []
    priority: Values = []
    channel: Values = Field([], description="a connection, or a connector's name; `hand`: made by a person")
    customer_level: Values = Field([], description="as the customer records say, such as A or VIP")
    labels: dict[str, Values] = {}
    device: Values = Field([], description="global ids, such as DEV-2026-000001")
    customer: Values = Field([], description="global ids, such as CUST-2026-000001")
    time: Literal["working", "off_hours"] | None = None


def many(values: Values) -> list[str]:
    """One or several."""
    return [values] if isinstance(values, str) else values


def condition(
    spec: ConditionSpec, path: str, problems: list[Problem], more: dict[str, Values] | None = None
) -> Condition:
    """The condition; what could never hold is a problem. `more`: labels by other names."""
    priorities = [_priority(p, f"{path}.priority", problems) for p in many(spec.priority)]
    kinds = {
        normalised(k): _known(k, f"{path}.kind", core_tickets.KINDS, "kind of ticket", problems)
        for k in many(spec.kind)
    }
    given = {**spec.labels, **{name: values for name, values in (more or {}).items() if many(values)}}
    labels = {normalised(name): values for name, values in given.items()}
    for name, values in given.items():
        _said([name], f"{path}.labels", problems)
        _said(many(values), f"{path}.labels.{name}", problems)
    for name in ("words", "without"):
        _said(getattr(spec, name), f"{path}.{name}", problems)
    return Condition(
        words=tuple(map(Word, spec.words)),
        without=tuple(map(Word, spec.without)),
        kinds=frozenset(kinds),
        priorities=frozenset(p for p in priorities if p is not None),
        channels=tuple(map(Pattern, _said(many(spec.channel), f"{path}.channel", problems))),
        levels=tuple(map(Pattern, _said(many(spec.customer_level), f"{path}.customer_level", problems))),
        labels={name: tuple(map(Pattern, many(values))) for name, values in labels.items()},
        devices=_ids(spec.device, "device", f"{path}.device", problems),
        customers=_ids(spec.customer, "customer", f"{path}.customer", problems),
        time=spec.time,
    )


def _said(texts: Sequence[str], path: str, problems: list[Problem]) -> Sequence[str]:
    """Each must still say something in its normal form."""
    for n, text in enumerate(texts):
        if not any(c.isalnum() for c in normalised(text)) and "*" not in text:
            hint = "write a word with a letter, a character or a digit in it"
            problems.append(Problem(f"{path}[{n}]", f"nothing is left of {text!r} when texts are compared", hint))
    return texts


def _priority(text: str, path: str, problems: list[Problem]) -> int | None:
    try:
        return core_tickets.parse_priority(text.strip())
    except core_tickets.InvalidInput as error:
        problems.append(Problem(path, error.problem, error.hint))
        return None


def _known(text: str, path: str, known: Collection[str], what: str, problems: list[Problem]) -> str:
    if normalised(text) not in known:
        problems.append(Problem(path, f"there is no {what} {text!r}", among(text, known)))
    return normalised(text)


def _ids(values: Values, kind: str, path: str, problems: list[Problem]) -> frozenset[int]:
    """Global ids; anything else can never be equal to what a ticket has."""
    found = set()
    for text in many(values):
        try:
            gid = id_registry.parse_id(text.strip().upper())
        except id_registry.RegistryError:
            gid = 0
        if not gid or id_registry.kind_of(gid) != kind:
            why = f"{text!r} is no global id of a {kind}, so it would never be the ticket's"
            hint = f"write one such as {_EXAMPLE[kind]}; GET /v1/ids finds it by the id that its own system gives it"
            problems.append(Problem(path, why, hint))
        else:
            found.add(gid)
    return frozenset(found)


def unknown_calendar(name: str, around: Surroundings) -> list[Problem]:
    """The calendar must be one of the policy `calendars`."""
    known = {ALWAYS.name, *calendars.KIND.of(around.policies)}
    return [] if name in known else [Problem("hours", f"there is no calendar {name!r}", among(name, known))]


def unknown_channels(spec: ConditionSpec, path: str, connections: dict[str, str]) -> list[Problem]:
    """Channels that nothing comes by: no connection and no connector that is used has this name."""
    known = {"hand", "hub", *connections, *connections.values()}
    found = []
    for n, text in enumerate(many(spec.channel)):
        if not any(Pattern(text).fits(normalised(name)) for name in known):
            found.append(Problem(f"{path}.channel[{n}]", f"nothing comes by {text!r}", among(text, known)))
    return found
