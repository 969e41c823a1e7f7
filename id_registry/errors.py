"""What can go wrong in the registry, grouped by what must happen next.

RegistryError
├── BadInput               the caller must give something else; also a ValueError
│   ├── BadGlobalId        text or number that is no global id
│   ├── UnknownKind        a kind the registry does not know
│   ├── BadKey             a (kind, system, local) that cannot be kept
│   ├── BadObservation     a value that cannot be kept
│   ├── BadPolicy          a survivorship policy that cannot be followed
│   ├── BadCursor          a page cursor that this registry did not give
│   ├── BadTime            a `now` that is not microseconds since 1970 UTC
│   └── BadTransaction     an isolation level that cannot see what others have just merged
├── NotFound               nothing by that name; ask for another
│   ├── UnknownGlobalId    an id that was never handed out
│   ├── UnknownMerge       a merge that never happened
│   └── UnknownReview      a review that is not in the queue
├── Refused                well formed, but the registry must not do it as things stand; a person decides
│   ├── KindsDiffer        things of two kinds are never one thing
│   ├── SameId             an id and itself
│   ├── MergeForbidden     somebody has said that these are two things
│   └── AlreadyMerged      they count as one thing now; undo that first
├── ConcurrentChange       roll back and run the transaction again
└── NumbersExhausted       a kind has used up its numbers of a year; an operator must act
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AlreadyMerged",
    "BadCursor",
    "BadGlobalId",
    "BadInput",
    "BadKey",
    "BadObservation",
    "BadPolicy",
    "BadTime",
    "BadTransaction",
    "ConcurrentChange",
    "KindsDiffer",
    "MergeForbidden",
    "NotFound",
    "NumbersExhausted",
    "Refused",
    "RegistryError",
    "SameId",
    "UnknownGlobalId",
    "UnknownKind",
    "UnknownMerge",
    "UnknownReview",
]


class RegistryError(Exception):
    """The registry could not do what was asked."""

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().split("\n")[0])
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(kind: type[RegistryError], args: tuple[Any, ...], state: dict[str, Any]) -> RegistryError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


# -- the caller must give something else --------------------------------------------------------------------------


class BadInput(RegistryError, ValueError):
    """What was given cannot be used; `path` names the part at fault, `hint` says what to give instead."""

    def __init__(self, message: str = "", *, value: Any = None, path: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.value = value
        self.path = path


class BadGlobalId(BadInput):
    """This is no global id."""


class UnknownKind(BadInput):
    """The registry knows no such kind of thing."""


class BadKey(BadInput):
    """This key cannot be kept."""


class BadObservation(BadInput):
    """This observed value cannot be kept."""


class BadPolicy(BadInput):
    """This survivorship policy cannot be followed."""


class BadCursor(BadInput):
    """This page cursor was not given by this registry."""


class BadTime(BadInput):
    """This is no time in microseconds since 1970 UTC."""


class BadTransaction(BadInput):
    """Merges need a transaction at READ COMMITTED."""


# -- nothing by that name -----------------------------------------------------------------------------------------


class NotFound(RegistryError):
    """There is nothing by that name."""


class UnknownGlobalId(NotFound):
    """This id was never handed out."""

    def __init__(self, message: str = "", *, gid: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.gid = gid


class UnknownMerge(NotFound):
    """There is no merge with this number."""

    def __init__(self, message: str = "", *, event_id: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.event_id = event_id


class UnknownReview(NotFound):
    """There is no review with this number."""

    def __init__(self, message: str = "", *, number: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.number = number


# -- not as things stand ------------------------------------------------------------------------------------------


class Refused(RegistryError):
    """The registry must not do this as things stand; `a` and `b` are the two ids it is about."""

    def __init__(self, message: str = "", *, a: int = 0, b: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.a = a
        self.b = b


class KindsDiffer(Refused):
    """Things of two different kinds are never one thing."""


class SameId(Refused):
    """This takes two different ids."""


class MergeForbidden(Refused):
    """Somebody has said that these are two things; `pairs` are the forbidden pairs that the merge would join."""

    def __init__(
        self, message: str = "", *, a: int = 0, b: int = 0, pairs: tuple[tuple[int, int], ...] = (), hint: str = ""
    ) -> None:
        super().__init__(message, a=a, b=b, hint=hint)
        self.pairs = pairs


class AlreadyMerged(Refused):
    """These ids count as one thing now; `event_id` is the merge that joined them."""

    def __init__(self, message: str = "", *, a: int = 0, b: int = 0, event_id: int = 0, hint: str = "") -> None:
        super().__init__(message, a=a, b=b, hint=hint)
        self.event_id = event_id


# -- try again, or call an operator -------------------------------------------------------------------------------


class ConcurrentChange(RegistryError):
    """Another transaction came between; roll back and run this one again."""


class NumbersExhausted(RegistryError):
    """A kind has used up its numbers of one year."""

    def __init__(self, message: str = "", *, kind: str = "", year: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.year = year
