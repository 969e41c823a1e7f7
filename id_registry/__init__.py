"""The master-ID registry: one live id for one thing across all systems.

Every function takes the caller's `Connection` and never commits; times (`now`) are microseconds since 1970 UTC.
"""

from id_registry.crosswalk import Xref, XrefPage, crosswalk, search
from id_registry.errors import (
    AlreadyMerged,
    BadCursor,
    BadGlobalId,
    BadInput,
    BadKey,
    BadObservation,
    BadPolicy,
    BadTime,
    BadTransaction,
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
from id_registry.keys import Key
from id_registry.merging import (
    ForbiddenPair,
    MergeEvent,
    MergePreview,
    allow,
    forbid,
    forbidden,
    history,
    merge,
    preview,
    undo,
)
from id_registry.minting import mint, was_minted
from id_registry.resolving import live, lookup, resolve
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
    "BadTransaction",
    "ConcurrentChange",
    "ForbiddenPair",
    "Key",
    "Kind",
    "KindsDiffer",
    "MergeEvent",
    "MergeForbidden",
    "MergePreview",
    "NotFound",
    "NumbersExhausted",
    "Refused",
    "RegistryError",
    "SameId",
    "UnknownGlobalId",
    "UnknownKind",
    "UnknownMerge",
    "Xref",
    "XrefPage",
    "allow",
    "crosswalk",
    "forbid",
    "forbidden",
    "format_id",
    "history",
    "kind_of",
    "live",
    "lookup",
    "merge",
    "metadata",
    "mint",
    "parse_id",
    "preview",
    "resolve",
    "search",
    "undo",
    "was_minted",
]
