"""The master-ID registry: one live id for one thing across all systems.

Every function takes the caller's `Connection` and never commits; times (`now`) are microseconds since 1970 UTC.
"""

from id_registry.errors import (
    AlreadyMerged,
    BadCursor,
    BadGlobalId,
    BadInput,
    BadKey,
    BadObservation,
    BadPolicy,
    BadTime,
    ConcurrentChange,
    KindsDiffer,
    MergeForbidden,
    NotFound,
    NumbersExhausted,
    Refused,
    RegistryError,
    SameId,
    UnknownGlobalId,
    UnknownKind,
    UnknownMerge,
)
from id_registry.global_ids import KINDS, Kind, format_id, kind_of, parse_id
from id_registry.minting import mint
from id_registry.resolving import Key, live, lookup, resolve
from id_registry.tables import metadata

__all__ = [
    "KINDS",
    "AlreadyMerged",
    "BadCursor",
    "BadGlobalId",
    "BadInput",
    "BadKey",
    "BadObservation",
    "BadPolicy",
    "BadTime",
    "ConcurrentChange",
    "Key",
    "Kind",
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
    "format_id",
    "kind_of",
    "live",
    "lookup",
    "metadata",
    "mint",
    "parse_id",
    "resolve",
]
