"""The parts of docs/mapping-language.md that follow from the code: functions and canonical records.

`python -m mappings.document` writes them anew between their marks; with `--check` it only says whether they are
current.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import mappings.builtin as builtin
from mappings.record_types import RecordType
from mappings.records import RECORDS
from mappings.registry import FUNCTIONS, Function

PAGE = Path(__file__).parents[1] / "docs" / "mapping-language.md"


def functions_section() -> str:
    """Every function by group: signature, meaning, examples."""
    parts = []
    for group in builtin.__all__:
        title = (importlib.import_module(f"mappings.builtin.{group}").__doc__ or "").strip()
        members = sorted((f for f in FUNCTIONS.values() if f.group == group), key=lambda f: f.name)
        parts.append(f"### {title.splitlines()[0].rstrip('.')}\n\n" + "\n".join(map(_function, members)))
    return "\n\n".join(parts)


def _function(function: Function) -> str:
    notes = [
        *(["can fail"] if function.fallible else []),
        *(["false with null"] if function.predicate else []),
        *(["masks"] if function.masking else []),
        *([f"version {function.version}"] if function.version > 1 else []),
    ]
    said = f" _({', '.join(notes)})_" if notes else ""
    text = " ".join(function.doc.split())
    examples = "".join(f"\n    {example}" for example in function.examples)
    return f"**`{function.signature}`**{said}: {text}\n{examples}\n"


def records_section() -> str:
    """Every canonical record as a table."""
    return "\n\n".join(map(_record, RECORDS.values()))


def _record(record: RecordType) -> str:
    rows = ["| field | type | unit | |", "|---|---|---|---|"]
    for field in record.fields.values():
        kind = f"{field.type}, required" if field.required else field.type
        allowed = f"; one of {', '.join(field.choices)}" if field.choices else ""
        rows.append(f"| `{field.name}` | {kind} | {field.unit} | {field.doc}{allowed} |")
    key = ", ".join(f"`{name}`" for name in record.key)
    return f"### {record.name}\n\n{record.doc} Identified by {key}.\n\n" + "\n".join(rows)


def written(page: str) -> str:
    """The page with these parts as they should be. Raises ValueError when a mark is missing."""
    for name, text in (("functions", functions_section()), ("records", records_section())):
        begin, end = f"<!-- {name}: written by python -m mappings.document -->", f"<!-- {name}: end -->"
        if begin not in page or end not in page:
            raise ValueError(f"the page lacks the marks {begin!r} and {end!r}")
        head, _, rest = page.partition(begin)
        page = f"{head}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}"
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is not current")
    options = parser.parse_args()
    old = PAGE.read_text("utf-8")
    new = written(old)
    if options.check:
        return int(old != new)
    PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
