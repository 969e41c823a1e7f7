"""Lineage: where every value came from, what depends on it, and whether it is still what its inputs say."""

from lineage.codec import Gone
from lineage.errors import (
    BadInput,
    Damaged,
    EmissionFailed,
    Erased,
    LineageError,
    NoOrigin,
    NotFound,
    UnknownOrigin,
    UnknownPlan,
    UnstorableValue,
)
from lineage.landing import SourceRead, land
from lineage.plans import Plan, plan
from lineage.recording import Effect, Fact, Write, note_effects, record
from lineage.runs import Run, close_run, open_run
from lineage.tables import metadata

__all__ = [
    "BadInput",
    "Damaged",
    "Effect",
    "EmissionFailed",
    "Erased",
    "Fact",
    "Gone",
    "LineageError",
    "NoOrigin",
    "NotFound",
    "Plan",
    "Run",
    "SourceRead",
    "UnknownOrigin",
    "UnknownPlan",
    "UnstorableValue",
    "Write",
    "close_run",
    "land",
    "metadata",
    "note_effects",
    "open_run",
    "plan",
    "record",
]
