"""The policy `storms`: what happens around a P0 event: its room, its briefs, its announcement, what is put off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from gateway.automation.specs import Name, Spec
from gateway.clock import MINUTE
from gateway.config.durations import Duration
from gateway.errors import Problem
from gateway.policies.conduct import unknown_people
from gateway.policies.kind import PolicyKind, Surroundings


class Room(Spec):
    """Where those who work on it talk: a connection whose operation makes a group, or one that posts to a board."""

    connection: Name | None = Field(None, description="default: the first chat connection that can do one of the two")
    create: list[str] = Field(
        ["create_group", "create_chat"], description="operations that make a group, the best first"
    )
    post: list[str] = Field(["send_app", "send"], description="operations that post to a board, the best first")


class StormsSpec(Spec):
    policy: Literal["storms"]
    up_to: Literal["P0", "P1", "P2", "P3"] = Field("P1", description="storms this urgent or more are events")
    brief_every: Duration = Field(30 * MINUTE, ge=MINUTE)
    participants: list[str] = Field(
        [], description="li.na, role:NAME or group:NAME, besides the ticket's group and its lead"
    )
    room: Room = Room()
    approvers: list[str] = Field([], description="who may release an announcement; default: anybody but its author")
    postpone_below: Literal["P1", "P2", "P3"] | None = Field(
        "P2", description="open work of the same people of this priority or less counts as put off; null: none does"
    )


@dataclass(frozen=True, slots=True)
class Storms:
    """The compiled policy."""

    up_to: int
    brief_every: int
    participants: tuple[str, ...]
    room: Room
    approvers: tuple[str, ...]
    postpone_from: int | None
    """The most urgent priority (0 to 3) that is put off."""


def _compile(spec: StormsSpec) -> Storms:
    least = None if spec.postpone_below is None else int(spec.postpone_below[1])
    return Storms(
        int(spec.up_to[1]), spec.brief_every, tuple(spec.participants), spec.room, tuple(spec.approvers), least
    )


def _check(spec: StormsSpec, around: Surroundings) -> Sequence[Problem]:
    found = [
        *unknown_people("participants", spec.participants, around),
        *unknown_people("approvers", spec.approvers, around),
    ]
    room = spec.room.connection
    if room is not None and room not in around.connections:
        there = ", ".join(sorted(around.connections)) or "none"
        found.append(Problem("room.connection", f"there is no enabled connection {room!r}", f"there are: {there}"))
    return found


KIND: PolicyKind[Any, Storms] = PolicyKind("storms", StormsSpec, _compile, _check)
