"""A mapped record costs at most twice the same work written by hand."""

from __future__ import annotations

from benchmarks.mapping import MAPPING as TWELVE_FIELDS
from benchmarks.mapping import by_hand, measure
from mappings import load_mapping


def test_the_benchmark_compares_equal_work() -> None:
    mapping = load_mapping(TWELVE_FIELDS)
    record = dict(mapping.cases[0].record)
    assert mapping.run(record).values == by_hand(record)


def test_a_mapped_record_costs_at_most_twice_the_same_work_by_hand() -> None:
    ratios = []
    for _ in range(5):
        ratios.append(measure(count=4_000, passes=5)["ratio"])
        if ratios[-1] <= 2:
            return
    raise AssertionError(f"never at most 2: {ratios}")
