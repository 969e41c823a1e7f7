"""The public holidays of mainland China and the weekends worked instead (调休), as the State Council announces them.

Kept by `chinesecalendar`, which is released anew within days of each year's notice and has no dependencies. (`holidays`
knows more countries, but tells a make-up day only by way of a second lookup and brings date libraries along.)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

__all__ = ["known_until", "statutory"]


@cache
def _announced() -> Mapping[int, Mapping[date, bool]]:
    from chinese_calendar import constants  # read when the first calendar needs it: it holds twenty years of days

    years: dict[int, dict[date, bool]] = {}
    for working, days in ((False, constants.holidays), (True, constants.workdays)):
        for day in days:
            years.setdefault(day.year, {})[day] = working
    return years


def statutory(year: int) -> Mapping[date, bool]:
    """The days of a year that are not as the week says: True is worked, False is free. Empty for a year that has not been
    announced (see `known_until`)."""
    return _announced().get(year, {})


def known_until() -> int:
    """The last year whose holidays have been announced; after it the week alone counts."""
    return max(_announced())
