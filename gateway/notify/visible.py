"""What of a ticket somebody may read in a message. The rights put their own in the place of `everything`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core_tickets.people import Person

Values = Mapping[str, Any]
Visible = Callable[[Values, Person], Values]


def everything(values: Values, _person: Person) -> Values:
    return values


_rule: list[Visible] = [everything]


def visible(values: Values, person: Person) -> Values:
    """The values that this person may see: `title`, `description`, `device`, `customer`, `snapshot.<section>.<field>` ..."""
    return _rule[-1](values, person)
