"""Records of one shape held by columns: what a database gives thousands of at a time, without an object for each.

A `Table` is a sequence of records like any other, so whoever takes a `Batch` need not know it; each record is made when
it is asked for. A bulk read that is kept as it came (`gateway.sync`) never asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, overload


class Table(Sequence[dict[str, Any]]):
    """Records with the fields `names`; `columns` has the values of each field, all of one length, and is not changed any
    more. Raises ValueError where they don't fit."""

    __slots__ = ("columns", "names")

    def __init__(self, names: Sequence[str], columns: Sequence[Sequence[Any]]) -> None:
        if len(names) != len(columns) or len(set(names)) != len(names) or len(set(map(len, columns))) > 1:
            raise ValueError("a table needs a column for each name, every name once, and columns of one length")
        self.names = tuple(names)
        self.columns = tuple(columns)

    @classmethod
    def of_rows(cls, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
        """Rows of one length that have a value for each name, in this order. Raises ValueError where the first does not."""
        if rows and len(rows[0]) != len(names):
            raise ValueError(f"a row has {len(rows[0])} values, and there are {len(names)} names")
        return cls(names, [list(map(itemgetter(place), rows)) for place in range(len(names))])

    def replaced(self, name: str, values: Sequence[Any]) -> Table:
        """The same with other values of one field. Raises ValueError where there is no such field."""
        place = self.names.index(name)
        return Table(self.names, [*self.columns[:place], values, *self.columns[place + 1 :]])

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        names = self.names
        return (dict(zip(names, row, strict=True)) for row in zip(*self.columns, strict=True))

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> Table: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | Table:
        if isinstance(place, slice):
            return Table(self.names, [column[place] for column in self.columns])
        return {name: column[place] for name, column in zip(self.names, self.columns, strict=True)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Table({len(self)} records of {', '.join(self.names)})"
