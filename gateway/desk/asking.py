"""What a list of tickets is asked for: the parameters of `GET /v1/tickets`, of its export, its counts, and saved filters."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

import core_tickets
import id_registry
from core_tickets.rights import Asker
from gateway import clock

_ID = re.compile(r"TKT-\d{4}-\d{6,9}", re.IGNORECASE)
SOON = 2 * clock.HOUR
"""A promise due within this is at risk."""


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL")
    return text


Word = Annotated[str, Field(max_length=500), AfterValidator(_storable)]
Words = Annotated[list[Word], Field(max_length=50)]


class Question(BaseModel):
    """Everything given must hold; of a list, one of it."""

    model_config = ConfigDict(extra="forbid")

    q: Word | None = Field(None, description="part of the title, any case; or a ticket's id")
    open: bool = Field(False, description="neither resolved nor closed")
    status: Words | None = None
    priority: list[Literal["P0", "P1", "P2", "P3"]] | None = None
    kind: Words | None = None
    assignee: Word | None = None
    mine: bool = Field(False, description="held by whoever asks")
    unassigned: bool = Field(False, description="held by nobody")
    group: Words | None = None
    ungrouped: bool = Field(False, description="of no group")
    my_groups: bool = Field(False, description="of a group that whoever asks is in, leads or directs")
    device: Word | None = Field(None, description="global id, such as DEV-2026-000001")
    customer: Word | None = Field(None, description="global id, such as CUST-2026-000001")
    storm: Word | None = Field(None, description="members of the storm with this ticket")
    folded: bool | None = Field(None, description="true: only members of storms; false: none of them")
    source: Word | None = Field(None, description="the connection it came from")
    sla: Literal["at_risk", "overdue"] | None = Field(
        None,
        description="open, and a promise that runs is overdue, or due within two hours (at_risk, which has no overdue ones)",
    )
    order: Literal["newest", "recent", "urgent", "due"] = Field(
        "newest",
        description="newest; latest changed; most urgent, the eldest first; next to be resolved (without those that have "
        "no such promise)",
    )

    def filters(self, asker: Asker, actor: str, now: int) -> core_tickets.Filters:
        """As the ticket core takes them. Raises id_registry.BadGlobalId, core_tickets.InvalidInput."""
        by_id = _ID.fullmatch(self.q.strip()) if self.q else None
        groups = set(self.group) if self.group is not None else None
        if self.my_groups:
            groups = set(asker.groups) & groups if groups is not None else set(asker.groups)
        return core_tickets.Filters(
            ids=None if by_id is None else [id_registry.parse_id(by_id[0].upper())],
            q=None if by_id is not None else self.q,
            open=self.open,
            status=self.status,
            priority=[int(p[1]) for p in self.priority] if self.priority else None,
            kind=self.kind,
            assignee=actor if self.mine else self.assignee,
            unassigned=self.unassigned,
            ungrouped=self.ungrouped,
            groups=None if groups is None else sorted(groups),
            device=id_registry.parse_id(self.device) if self.device else None,
            customer=id_registry.parse_id(self.customer) if self.customer else None,
            storm_id=id_registry.parse_id(self.storm) if self.storm else None,
            folded=self.folded,
            source=self.source,
            due_before=None if self.sla is None else now if self.sla == "overdue" else now + SOON,
            due_from=now if self.sla == "at_risk" else None,
        )


class PageQuestion(Question):
    """One page of it."""

    cursor: Word | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
