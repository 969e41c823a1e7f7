"""Does a ticket fit a condition? Pure; every answer comes with its reason. Grading and routing ask the same way."""

from core_tickets.matching.condition import Condition, Pattern, Seen, Verdict, see
from core_tickets.matching.words import Word, near, normal_forms, normalised, squeezed

__all__ = ["Condition", "Pattern", "Seen", "Verdict", "Word", "near", "normal_forms", "normalised", "see", "squeezed"]
