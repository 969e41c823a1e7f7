"""What a SOAP fault means, named by what must happen next.

A fault comes with HTTP 500 whoever is to blame, so the status says nothing; the code does. `Client` (1.2: `Sender`):
the very same request will fail again. `Server` (`Receiver`): the service broke down over it, which passes, but a write
may have taken effect before. WS-Security codes and `Client.Authentication`: the credentials. Many services give every
refusal as `Server`; for these the settings tell the faults apart by their texts (`FaultRule`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, field_validator

from connectors.contract import Settings
from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, ConnectorError, Transient

Means = Literal["auth", "refused", "unknown", "busy"]
_AUTH = frozenset(
    {
        "failedauthentication",
        "failedcheck",
        "invalidsecurity",
        "invalidsecuritytoken",
        "messageexpired",
        "securitytokenunavailable",
        "unsupportedsecuritytoken",
        "authentication",
        "unauthorized",
        "notauthorized",
        "accessdenied",
    }
)
_CALLER = frozenset({"client", "sender", "dataencodingunknown"})


class FaultRule(Settings):
    """What a service's fault means, where its code does not say so."""

    match: str = Field(
        min_length=1,
        max_length=500,
        description="Regular expression, searched without regard to case in the fault's code, reason and detail.",
    )
    means: Means = Field(
        description="auth: the credentials; refused: for good; unknown: there is no such thing; busy: later again."
    )

    @field_validator("match")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return value


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as the service sent it: its codes (subcodes too) without prefixes, its reason and its detail as text."""

    codes: tuple[str, ...]
    reason: str
    detail: str = ""

    @property
    def text(self) -> str:
        said = self.reason if not self.detail or self.detail in self.reason else f"{self.reason} ({self.detail})"
        return f"{' '.join(self.codes) or 'no code'}: {said}"[:600]


class Refused(ConfigProblem):
    """The service understood the call and refuses it for good. `fault` holds its own words."""

    def __init__(self, message: str = "", *, fault: Fault | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.fault = fault or Fault((), message)


class Unknown(Refused):
    """The service says that what the call asks about does not exist."""


def fault_of(body: Any) -> Fault | None:
    """The fault in a SOAP body (1.1 or 1.2), None when there is none."""
    found = next((child for child in body.iterchildren(tag="*") if _local(child) == "Fault"), None)
    if found is None:
        return None
    parts = {_local(child): child for child in found.iterchildren(tag="*")}
    if "faultcode" in parts:
        codes = [parts["faultcode"].text or ""]
        reason = _text(parts.get("faultstring"))
    else:
        codes = [node.text or "" for node in found.iter("{*}Value")]
        reason = _text(parts.get("Reason"))
    names = tuple(code.strip().rpartition(":")[2] for code in codes if code.strip())
    return Fault(names, reason or "no reason given", _text(parts.get("detail", parts.get("Detail"))))


def error_of(fault: Fault, operation: str, rules: Iterable[FaultRule], *, write: bool) -> ConnectorError:
    """The error to raise for a fault; `write`: the call has an effect."""
    said = f"The service answers {operation} with a fault: {fault.text}"
    whole = "\n".join((*fault.codes, fault.reason, fault.detail))
    rule = next((rule for rule in rules if re.search(rule.match, whole, re.IGNORECASE)), None)
    means = rule.means if rule is not None else _meaning(fault)
    if means == "auth":
        return AuthProblem(said, hint="Check the key, or user name and password, of this connection.")
    if means == "refused":
        return Refused(said, fault=fault)
    if means == "unknown":
        return Unknown(said, fault=fault)
    if means == "busy":
        return Transient(said)
    if means == "version":
        return ConfigProblem(said, hint="It speaks the other version of SOAP: change `soap_version`.")
    return Ambiguous(f"{said}; it may have taken effect.") if write else Transient(said)


def _meaning(fault: Fault) -> str:
    names = {part.lower() for code in fault.codes for part in code.split(".")}
    if names & _AUTH:
        return "auth"
    if names & {"versionmismatch", "mustunderstand"}:
        return "version" if "versionmismatch" in names else "refused"
    return "refused" if names & _CALLER else "broke"


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Any) -> str:
    return "" if element is None else " ".join(" ".join(element.itertext()).split())[:1000]
