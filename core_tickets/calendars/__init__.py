"""Working time: which moments count, by zone, week, holidays and make-up days. Pure; exact in microseconds."""

from core_tickets.calendars.calendar import ALWAYS, NINE_TO_SIX, Calendar, Hours
from core_tickets.calendars.china import known_until, statutory

__all__ = ["ALWAYS", "NINE_TO_SIX", "Calendar", "Hours", "known_until", "statutory"]
