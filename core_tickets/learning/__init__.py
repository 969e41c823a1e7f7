"""What tickets tell about themselves once there are many. Pure: entries and numbers in, findings out; no database, no clock."""

from core_tickets.learning.paths import STATES, Deviation, Mined, Plan, Stay, Trace, Variant, mine, trace
from core_tickets.learning.quantiles import ENDLESS, Estimate, estimate, nearest_rank
from core_tickets.learning.worth import Outcome, Part, Worth, wilson, worth

__all__ = [
    "ENDLESS",
    "STATES",
    "Deviation",
    "Estimate",
    "Mined",
    "Outcome",
    "Part",
    "Plan",
    "Stay",
    "Trace",
    "Variant",
    "Worth",
    "estimate",
    "mine",
    "nearest_rank",
    "trace",
    "wilson",
    "worth",
]
