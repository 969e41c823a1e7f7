"""Figures one can trust: named, versioned formulas over the events of tickets. docs/figures.md explains them.

    entries ──tell──> Story ──Metric.facts──> facts ──grouped──> sums by group ──value──> the figure

Everything is pure but `entries_of`, which reads; nothing here keeps a result.
"""

from core_tickets.figures.days import day_of, days_between, span
from core_tickets.figures.metric import DIMENSIONS, STAGED, Fact, Metric, Scene, Terms
from core_tickets.figures.reading import entries_of, stories
from core_tickets.figures.registry import METRICS
from core_tickets.figures.story import Signal, Story, tell
from core_tickets.figures.summing import NOTHING, Sum, grouped, keys, summed, value
from core_tickets.figures.versions import version

__all__ = [
    "DIMENSIONS",
    "METRICS",
    "NOTHING",
    "STAGED",
    "Fact",
    "Metric",
    "Scene",
    "Signal",
    "Story",
    "Sum",
    "Terms",
    "day_of",
    "days_between",
    "entries_of",
    "grouped",
    "keys",
    "span",
    "stories",
    "summed",
    "tell",
    "value",
    "version",
]
