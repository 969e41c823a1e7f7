"""The policy `matching`: which kinds of things the hub matches by what their records say, and how sure it must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from gateway.automation.specs import Spec
from gateway.policies.kind import PolicyKind
from id_registry.matching import SCHEMES, Terms
from mappings.suggestions import among

_Bits = Annotated[float, Field(ge=-60, le=100, allow_inf_nan=False)]


class KindSpec(Spec):
    """One kind of thing. Weights are in bits: 10 is about 999 to 1, 0 is even."""

    link: _Bits = 10.0
    """From here on two records are linked without a person, unless something speaks against it."""
    review: _Bits = 0.0
    """From here on a person is asked."""
    margin: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 3.0
    """By so much the best candidate must beat any other thing."""
    expected: Annotated[float, Field(gt=0, le=10)] = 0.2
    """How many of a thing's records are expected among the others: fixes the prior."""
    shared_by: Annotated[int, Field(ge=1, le=64)] = 5
    """A phone or address that more records have says nothing."""
    largest: Annotated[int, Field(ge=2, le=10_000)] = 50
    """A thing of more records than this grows only by a person's word."""
    within_system: bool = False
    """Two records of one system may be linked without a person."""

    @model_validator(mode="after")
    def _in_order(self) -> KindSpec:
        if self.review > self.link:
            raise ValueError("review must not be above link")
        return self

    @property
    def terms(self) -> Terms:
        return Terms(**self.model_dump())


class MatchingSpec(Spec):
    """Kinds that are matched; of others only a strong key or a person says what is one thing."""

    policy: Literal["matching"]
    kinds: dict[str, KindSpec] = {}

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: dict[str, KindSpec]) -> dict[str, KindSpec]:
        for name in kinds:
            if name not in SCHEMES:
                raise ValueError(f"records of kind {name!r} are not compared; {among(name, sorted(SCHEMES))}")
        return kinds


@dataclass(frozen=True, slots=True)
class Matching:
    """The policy as the program uses it."""

    terms: Mapping[str, Terms]


def _compile(spec: MatchingSpec) -> Matching:
    return Matching({name: kind.terms for name, kind in spec.kinds.items()})


KIND: PolicyKind[MatchingSpec, Matching] = PolicyKind("matching", MatchingSpec, _compile)
