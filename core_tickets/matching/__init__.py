"""Does a ticket fit a condition? Pure; every answer comes with its reason. Grading and routing ask the same way."""

from core_tickets.matching.condition import Condition, Pattern, Seen, Verdict, see
from core_tickets.matching.words import Word, near, normalised, squeezed

__all__ = ["Condition", "Pattern", "Seen", "Verdict", "Word", "near", "normalised", "see", "squeezed"]
