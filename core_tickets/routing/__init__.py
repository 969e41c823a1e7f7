"""Who gets a ticket: ordered rules to a group, within it by skill, shift and load; a pool so that nothing is unowned. Pure."""

from core_tickets.routing.policy import Decision, Load, Routing, RoutingRule
from core_tickets.routing.route import Avoid, Step, candidates, route, steps

__all__ = ["Avoid", "Decision", "Load", "Routing", "RoutingRule", "Step", "candidates", "route", "steps"]
