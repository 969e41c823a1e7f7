"""The mapping language: one expression per field, compiled once, with its exact field graph and its replay.

`load_mapping` reads a YAML mapping, `compile_expression` one condition; `RECORDS` are the canonical records they aim
at. The language is described in docs/mapping-language.md.
"""

from mappings.edges import EVERY_FIELD, Dependency, Edge
from mappings.errors import EvaluationError, ExpressionError, LibraryError, MappingError, Problem, WeftMappingError
from mappings.evaluation import Explanation, Part, TraceStep
from mappings.expression import Expression, compile_expression
from mappings.loading import load_library, load_mapping
from mappings.mapping import FieldError, Mapping, Result, TestFailure, Trace
from mappings.record_types import Field, RecordType
from mappings.records import PRIORITIES, RECORDS, SEVERITIES
from mappings.tree import Path, format_path
from mappings.values import Kind

__all__ = [
    "EVERY_FIELD",
    "PRIORITIES",
    "RECORDS",
    "SEVERITIES",
    "Dependency",
    "Edge",
    "EvaluationError",
    "Explanation",
    "Expression",
    "ExpressionError",
    "Field",
    "FieldError",
    "Kind",
    "LibraryError",
    "Mapping",
    "MappingError",
    "Part",
    "Path",
    "Problem",
    "RecordType",
    "Result",
    "TestFailure",
    "Trace",
    "TraceStep",
    "WeftMappingError",
    "compile_expression",
    "format_path",
    "load_library",
    "load_mapping",
]
