"""What the benchmark of mappings compares is the same work."""

from __future__ import annotations

from benchmarks.mapping import MAPPING as TWELVE_FIELDS
from benchmarks.mapping import by_hand
from mappings import load_mapping


def test_the_benchmark_compares_equal_work() -> None:
    mapping = load_mapping(TWELVE_FIELDS)
    record = dict(mapping.cases[0].record)
    assert mapping.run(record).values == by_hand(record)
