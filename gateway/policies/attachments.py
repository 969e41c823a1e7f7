"""The policy `attachments`: how large, how many, of which types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.automation.specs import Spec
from gateway.policies.kind import PolicyKind

MEGABYTE = 1_000_000
ACTIVE = frozenset({"image/svg+xml", "text/html", "text/x-script"})
"""What a browser or a shell would run: allowed only where it is named itself."""


class AttachmentsSpec(Spec):
    policy: Literal["attachments"]
    max_megabytes: int = Field(25, ge=1, le=2_000)
    per_ticket: int = Field(100, ge=1, le=1_000)
    types: list[Annotated[str, Field(pattern=r"^[a-z]+/([a-z0-9.+-]+|\*)$")]] = Field(
        min_length=1, description="media types found in the contents themselves, such as image/png or image/*"
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """The compiled policy. `max_bytes` of one attachment."""

    max_bytes: int
    per_ticket: int
    types: tuple[str, ...]

    def allows(self, media_type: str) -> bool:
        family = media_type.partition("/")[0] + "/*"
        return media_type in self.types or (family in self.types and media_type not in ACTIVE)


def _compile(spec: AttachmentsSpec) -> Limits:
    return Limits(spec.max_megabytes * MEGABYTE, spec.per_ticket, tuple(spec.types))


KIND: PolicyKind[Any, Limits] = PolicyKind("attachments", AttachmentsSpec, _compile)
