"""Figures in the field graph: `Figure.overdue` is made of `Ticket.resolution_due`, of entries and of other events.

So `weft lineage impact Ticket priority` names the figures a field feeds, and the graph upstream of a figure names its
sources all the way to the systems they came from; which tickets and entries make one number, `weft figures tickets` tells.
"""

from __future__ import annotations

from core_tickets.figures import METRICS, Terms, version
from lineage import FieldGraph, Node

FIGURE = "Figure"
_GROUPED = ("assignee", "group", "kind", "priority")


def add_figures(graph: FieldGraph, terms: Terms) -> None:
    """Every figure, with the version of its formula as what made it."""
    for metric in METRICS.values():
        target, via = Node(FIGURE, (metric.name,)), f"figure {metric.name} {version(metric, terms)[:12]}"
        for read in metric.reads:
            kind, _, name = read.rpartition(":")
            dataset = {"": "Ticket", "entry": "TicketEntry", "signal": "TicketSignal"}[kind]
            graph.connect(Node(dataset, (name,)), target, "DIRECT", "AGGREGATION", via=via)
        for name in _GROUPED:
            graph.connect(Node("Ticket", (name,)), target, "INDIRECT", "GROUP_BY", via=via)
