"""What can go wrong in lineage, named by what must happen next.

LineageError
├── BadInput            the caller passed something that can't be kept; nothing was written
│   ├── UnstorableValue  * a value of a source record or a fact has no JSON form
│   ├── UnknownOrigin      a field is to be recorded that neither plan, nor source, nor fact explains
│   └── UnknownPlan        a mapping text of a stored plan no longer compiles, or there is no such plan
├── NotFound            there is nothing to show
│   └── NoOrigin           the record or the field was never written through the hub
├── Damaged             a stored row can't be read back: restore it from a backup, verify() names all of them
└── EmissionFailed      an OpenLineage event did not reach its receiver; log it and go on

The one marked * goes to the dead letters with its record; all others are for the caller.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BadInput",
    "Damaged",
    "EmissionFailed",
    "LineageError",
    "NoOrigin",
    "NotFound",
    "UnknownOrigin",
    "UnknownPlan",
    "UnstorableValue",
]


class LineageError(Exception):
    """Lineage could not do what was asked."""

    def __init__(self, message: str = "", **fields: Any) -> None:
        super().__init__(message or (self.__doc__ or "").strip().split("\n")[0])
        self.__dict__.update(fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(kind: type[LineageError], args: tuple[Any, ...], state: dict[str, Any]) -> LineageError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class BadInput(LineageError):
    """The caller passed something that can't be kept."""


class UnstorableValue(BadInput):
    """A value has no JSON form. `path` says where it is in the record."""

    path: str

    def __init__(self, path: str, value: object, remedy: str = "") -> None:
        remedy = remedy or (
            "use text, int, Decimal, bool, null, a date, an aware datetime, or lists and maps (with text keys) of these"
        )
        super().__init__(f"{path or 'the record'}: a {type(value).__name__} can't be kept; {remedy}", path=path)


class UnknownOrigin(BadInput):
    """A field is to be recorded that neither the plan, nor a source, nor a fact explains. `field` names it."""

    field: str

    def __init__(self, field: str, known: tuple[str, ...] = ()) -> None:
        hint = f"; the plan gives {', '.join(known)}" if known else ""
        super().__init__(
            f"field {field!r} has no origin: pass its value in `facts`, a landing id in `sources`, "
            f"or a plan that sets it{hint}",
            field=field,
        )


class UnknownPlan(BadInput):
    """A stored plan can't be replayed. `plan` is its id."""

    plan: int

    def __init__(self, plan: int, why: str) -> None:
        super().__init__(f"plan {plan} can't be replayed: {why}", plan=plan)


class NotFound(LineageError):
    """There is nothing to show."""


class NoOrigin(NotFound):
    """The record or the field was never written through the hub."""

    rec: int
    field: str

    def __init__(self, rec: int, field: str) -> None:
        super().__init__(f"no write of field {field!r} of record {rec} is known", rec=rec, field=field)


class Damaged(LineageError):
    """A stored row can't be read back."""


class EmissionFailed(LineageError):
    """An OpenLineage event did not reach its receiver. `target` names the receiver, `reason` says why not."""

    target: str
    reason: str

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"OpenLineage event not delivered to {target}: {reason}", target=target, reason=reason)
