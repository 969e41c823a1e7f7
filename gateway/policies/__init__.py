"""How tickets move, as data: each kind of policy is one document, replaced as a whole, with a built-in one until then.

A new kind is one module with a Spec and a PolicyKind, one line in KINDS, one file in gateway/builtin/policies, and is
read everywhere by `KIND.of(hub.policies)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from gateway.automation.specs import Spec
from gateway.errors import BadConfiguration, Problem
from gateway.policies import (
    attachments,
    calendars,
    conduct,
    escalation,
    figures,
    grading,
    learning,
    matching,
    notification,
    people,
    promises,
    rights,
    routing,
    scheduling,
    stages,
    storms,
    stuck,
)
from gateway.policies.kind import Policies, PolicyKind, Surroundings
from mappings.suggestions import among

__all__ = ["KINDS", "Policies", "PolicyKind", "Surroundings", "build", "check"]

_ALL: tuple[PolicyKind[Any, Any], ...] = (
    people.KIND,
    grading.KIND,
    routing.KIND,
    calendars.KIND,
    promises.KIND,
    escalation.KIND,
    figures.KIND,
    notification.KIND,
    stuck.KIND,
    rights.KIND,
    attachments.KIND,
    conduct.KIND,
    stages.KIND,
    storms.KIND,
    learning.KIND,
    matching.KIND,
    scheduling.KIND,
)
KINDS: Mapping[str, PolicyKind[Any, Any]] = {kind.name: kind for kind in _ALL}


def build(documents: Sequence[Mapping[str, Any]]) -> Policies:
    """Every kind of policy, written or built in. Raises BadConfiguration with paths `policies[n]...`."""
    problems: list[Problem] = []
    specs: dict[str, Spec] = {}
    compiled: dict[str, Any] = {}
    places: dict[str, int] = {}
    for n, document in enumerate(documents):
        name = str(document.get("policy", ""))
        if name not in KINDS:
            problems.append(
                Problem(f"policies[{n}].policy", f"there is no policy {name!r}", among(name, sorted(KINDS)))
            )
        elif name in places:
            problems.append(Problem(f"policies[{n}].policy", f"{name!r} is there twice", "make one of them"))
        else:
            places[name] = n
    for name, kind in KINDS.items():
        path = f"policies[{places[name]}]" if name in places else f"policies.{name}"
        try:
            written = name in places
            specs[name] = kind.spec.model_validate(documents[places[name]]) if written else kind.builtin()
            compiled[name] = kind.compile(specs[name]) if written else kind.standard()
        except ValidationError as error:
            problems += [
                Problem(f"{path}.{'.'.join(map(str, e['loc']))}", e["msg"].removeprefix("Value error, "), "")
                for e in error.errors(include_url=False, include_input=False)
            ]
        except BadConfiguration as error:
            problems += [Problem(f"{path}.{p.path}", p.message, p.hint) for p in error.problems]
    if problems:
        raise BadConfiguration("The policies have problems; nothing was changed.", problems)
    own = frozenset(
        name for name in places if specs[name] != KINDS[name].builtin()
    )  # an export has the built-in ones too
    return Policies(specs, compiled, own)


def check(around: Surroundings) -> list[Problem]:
    """What is wrong with the policies given these people and connections: who is told but cannot receive, and so on."""
    found: list[Problem] = []
    for name, kind in KINDS.items():
        path = f"policies.{name}"
        found += [
            Problem(f"{path}.{p.path}", p.message, p.hint)
            for p in kind.check(around.policies.specs[name], around)
            if name in around.policies.given
        ]
    return found
