"""Lineage: where every value came from, what depends on it, and whether it is still what its inputs say.

`land` keeps what the sources said, `plan` which mappings are used, `record` which fields of a record were written from
them; `drill` replays all this for one value. `docs/lineage.md` is the guide.
"""

from lineage.blocks import is_row, land_block, land_texts, raw_text, record_of
from lineage.codec import Gone, decode, encode
from lineage.cold import Segment, keep_segments
from lineage.cold import listed as listed_segments
from lineage.columns import Column, Columns, Texts, column, columns_of, joined, raw_texts, texts_of
from lineage.drilldown import drill, drill_row, history
from lineage.erasure import Erasure, erase, erase_facts, rebuild, versions
from lineage.errors import (
    BadInput,
    Damaged,
    EmissionFailed,
    LineageError,
    NoOrigin,
    NotFound,
    UnknownOrigin,
    UnknownPlan,
    UnstorableValue,
)
from lineage.graph import FieldGraph
from lineage.impacts import Impact, impact, readers
from lineage.landing import SourceRead, fetch, land, object_prefix, object_prefixes
from lineage.origins import FactOrigin, How, Origin, SourceField, Verdict
from lineage.plans import Plan, allow_functions, plan
from lineage.recording import Effect, Fact, Write, note_effects, record
from lineage.replay import Withheld
from lineage.replay import run as run_plan
from lineage.runs import Run, close_run, open_run
from lineage.sealing import prune, seal_blocks, seal_landing, seal_records, sweep
from lineage.tables import metadata
from lineage.verification import Report, Standing, verify
from lineage.walk import GraphEdge, Node, Subgraph
from lineage.writes import recorded_fields

__all__ = [
    "BadInput",
    "Column",
    "Columns",
    "Damaged",
    "Effect",
    "EmissionFailed",
    "Erasure",
    "Fact",
    "FactOrigin",
    "FieldGraph",
    "Gone",
    "GraphEdge",
    "How",
    "Impact",
    "LineageError",
    "NoOrigin",
    "Node",
    "NotFound",
    "Origin",
    "Plan",
    "Report",
    "Run",
    "Segment",
    "SourceField",
    "SourceRead",
    "Standing",
    "Subgraph",
    "Texts",
    "UnknownOrigin",
    "UnknownPlan",
    "UnstorableValue",
    "Verdict",
    "Withheld",
    "Write",
    "allow_functions",
    "close_run",
    "column",
    "columns_of",
    "decode",
    "drill",
    "drill_row",
    "encode",
    "erase",
    "erase_facts",
    "fetch",
    "history",
    "impact",
    "is_row",
    "joined",
    "keep_segments",
    "land",
    "land_block",
    "land_texts",
    "listed_segments",
    "metadata",
    "note_effects",
    "object_prefix",
    "object_prefixes",
    "open_run",
    "plan",
    "prune",
    "raw_text",
    "raw_texts",
    "readers",
    "rebuild",
    "record",
    "record_of",
    "recorded_fields",
    "run_plan",
    "seal_blocks",
    "seal_landing",
    "seal_records",
    "sweep",
    "texts_of",
    "verify",
    "versions",
]
