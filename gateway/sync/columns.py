"""A mapping by columns: most fields of a bulk load are a column of the source as it is, and need nothing done to them.

What is computed is computed by the mapping's own compiled rules, record by record; what is a plain column of the kind
that the field asks for is that column. The outcome is the mapping's own, or there is none, and it is asked itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import lineage
from mappings import RECORDS, Field, Kind
from mappings import Mapping as FieldMapping
from mappings.assembling import assemble
from mappings.mapping import Result, Rule
from mappings.tree import LetRead, Read, reads_of, walk
from mappings.values import MAX_TEXT

_NOTHING = type(None)
_KINDS = {Kind.TEXT: str, Kind.NUMBER: Decimal, Kind.BOOL: bool, Kind.DATETIME: datetime}
_DIGITS = 60
"""A number written so short and without an exponent is as small and as exact as any field allows."""


class ByColumns:
    """One mapping, run over whole pages of plain records."""

    def __init__(self, mapping: FieldMapping) -> None:
        self._rules = mapping.rules
        lets = any(isinstance(part, LetRead) for tree in mapping.trees for part in walk(tree))
        self.possible = mapping.target in RECORDS and mapping.where is None and not lets
        self._same = {name: column for name, rule in mapping.rules.items() if (column := _column_of(rule))}
        self._reads: Sequence[str] | None = None
        self._compute = self._rest()

    def run(
        self, records: Sequence[Mapping[str, Any]], parts: Mapping[str, lineage.Column]
    ) -> dict[str, lineage.Column] | None:
        """Every field as a column; None where a record makes none, or more than plain columns."""
        unfit = [name for name, column in self._same.items() if not _fits(self._rules[name].field, parts.get(column))]
        if unfit:  # such a column is computed from now on
            for name in unfit:
                del self._same[name]
            self._compute = self._rest()
        found = {name: parts.get(column) or _empty(len(records)) for name, column in self._same.items()}
        if any(self._rules[name].field.required and _NOTHING in column.kinds for name, column in found.items()):
            return None
        if self._compute is not None:
            made = self._computed(records, parts)
            if any(result.dead is not None for result in made):
                return None
            for name in made[0].values:
                column = lineage.column([result.values[name] for result in made])
                if column is None:
                    return None
                found[name] = column
        return {name: found[name] for name in self._rules}

    def _computed(self, records: Sequence[Mapping[str, Any]], parts: Mapping[str, lineage.Column]) -> Sequence[Result]:
        """The other fields of each record: computed once for those that are alike in all that is read of them."""
        compute = self._compute
        assert compute is not None
        if self._reads is None:
            return list(map(compute, records))
        read = {name: parts[name] for name in self._reads if name in parts}
        alike = list(zip(*[part.texts for part in read.values()], strict=True)) if read else [()] * len(records)
        places = dict(zip(alike, range(len(records)), strict=True))
        if len(places) * 2 > len(records):
            self._reads = None  # it was not worth it
            return list(map(compute, records))
        made = {of: compute({name: part.values[place] for name, part in read.items()}) for of, place in places.items()}
        return [made[of] for of in alike]

    def _rest(self) -> Callable[[Mapping[str, Any]], Result] | None:
        """The mapping of the other fields alone. Sets the columns that it reads; None: more than that."""
        rules = {name: rule for name, rule in self._rules.items() if name not in self._same}
        reads = {path[0] if path else None for path in reads_of(*[rule.tree for rule in rules.values()])}
        self._reads = sorted(map(str, reads)) if all(isinstance(name, str) for name in reads) else None
        return assemble(None, {}, rules)[0] if rules and self.possible else None


def _column_of(rule: Rule) -> str:
    """The column that a field is; empty: it is more than that."""
    tree = rule.tree
    plain = isinstance(tree, Read) and len(tree.path) == 1 and isinstance(tree.path[0], str)
    if not plain or rule.field.choices or rule.field.scale is not None or rule.field.kind not in _KINDS:
        return ""
    return str(tree.path[0])  # type: ignore[attr-defined]


def _fits(field: Field, column: lineage.Column | None) -> bool:
    """Is every value of the column what the field asks for, so that nothing would be done to it?"""
    if column is None or column.kinds == {_NOTHING}:
        return True
    if column.kinds - {_NOTHING} != {_KINDS[field.kind]}:
        return False
    if field.kind is Kind.TEXT:
        return max(map(len, column.texts)) <= MAX_TEXT
    if field.kind is Kind.NUMBER:
        return max(map(len, column.texts)) <= _DIGITS and "E" not in "".join(column.texts)
    return True


def _empty(count: int) -> lineage.Column:
    return lineage.Column([None] * count, ["null"] * count, frozenset({_NOTHING}), "")
