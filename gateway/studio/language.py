"""What an editor completes and explains: functions, canonical records, and what rules may read."""

from __future__ import annotations

from functools import cache
from typing import Any

from core_tickets import KINDS
from gateway.automation.rules import BESIDES
from gateway.automation.specs import PASSING, STANDING
from mappings import PRIORITIES, RECORDS, SEVERITIES
from mappings.registry import FUNCTIONS


@cache
def language() -> dict[str, Any]:
    """Functions with signature, meaning and true examples; records with their fields; the names of rules."""
    return {
        "functions": [
            {"name": f.name, "signature": f.signature, "doc": f.doc, "group": f.group, "examples": list(f.examples),
             "returns": str(f.returns), "fallible": f.fallible}
            for _, f in sorted(FUNCTIONS.items())
        ],
        "records": [
            {"name": r.name, "doc": r.doc, "key": list(r.key),
             "fields": [{"name": f.name, "kind": str(f.kind), "doc": f.doc, "required": f.required, "unit": f.unit,
                         "choices": list(f.choices)} for f in r.fields.values()]}
            for r in RECORDS.values()
        ],
        "mapping_keys": ["mapping", "description", "from", "to", "where", "tables", "let", "fields", "tests"],
        "rule_keys": ["id", "title", "on", "when", "suppress", "ticket", "tables", "fingerprint", "threshold", "batch", "for",
                      "since", "until", "at_end", "reopen_within", "flap", "storm"],
        "rules_on": ["Alert", "Reading", *sorted(STANDING | PASSING)],
        "rule_names": list(BESIDES), "kinds": sorted(KINDS), "priorities": list(PRIORITIES), "severities": list(SEVERITIES),
    }  # fmt: skip
