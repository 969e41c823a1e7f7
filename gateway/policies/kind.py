"""A kind of policy: what a person writes (a Spec), what it is compiled to, and what only the running hub can check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Generic, TypeVar, cast

from core_tickets.people import Roster
from gateway.automation.specs import Spec
from gateway.config import yaml12
from gateway.errors import Problem

S = TypeVar("S", bound=Spec)
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a policy is checked against before it is saved."""

    policies: Policies
    """All policies as they would run, this one among them."""
    roster: Roster
    connections: Mapping[str, str]
    """The connections that are there and enabled: connector by id."""
    operations: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What can be done in those of them that take commands."""
    tested: frozenset[str] = frozenset()
    """Those that once proved that they work: a check, a heartbeat or a test message."""


def _nothing(_spec: Any, _around: Surroundings) -> Sequence[Problem]:
    return ()


@dataclass(frozen=True, slots=True)
class PolicyKind(Generic[S, P]):
    """`name` is the value of `policy:` in a document, and the file of the built-in one in gateway/builtin/policies."""

    name: str
    spec: type[S]
    compile: Callable[[S], P]
    """Raises BadConfiguration; paths begin at the policy itself."""
    check: Callable[[S, Surroundings], Sequence[Problem]] = _nothing
    """Problems that only people, connections or other policies tell; paths begin at the policy itself."""

    def of(self, policies: Policies) -> P:
        """The compiled policy that is in force."""
        return cast(P, policies.compiled[self.name])

    def builtin(self) -> S:
        """What holds while nobody has written one: `gateway/builtin/policies/<name>.yaml`."""
        return cast(S, _builtin(self))

    def standard(self) -> P:
        """The built-in one, compiled."""
        return cast(P, _standard(self))


@cache
def _builtin(kind: PolicyKind[Any, Any]) -> Spec:
    text = files("gateway.builtin").joinpath("policies", f"{kind.name}.yaml").read_text("utf-8")
    return cast(Spec, kind.spec.model_validate(yaml12.load(text)))


@cache
def _standard(kind: PolicyKind[Any, Any]) -> Any:
    return kind.compile(kind.builtin())


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy in force, by kind. Immutable; swapped with the rest of the configuration."""

    specs: Mapping[str, Spec]
    compiled: Mapping[str, Any]
    given: frozenset[str] = frozenset()
    """The kinds somebody has written; the others are the built-in ones."""
