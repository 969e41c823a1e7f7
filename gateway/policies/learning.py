"""Policy `learning`: what counts as alike, as enough data, as idle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.automation.specs import Spec
from gateway.clock import DAY, HOUR, MINUTE
from gateway.config.durations import Duration
from gateway.policies.kind import PolicyKind

Share = Annotated[float, Field(gt=0, lt=1)]
Span = Annotated[Duration, Field(ge=MINUTE, le=3_660 * DAY)]


class Problems(Spec):
    """Clusters of tickets that tell of one trouble."""

    window: Span = Field(90 * DAY, description="tickets opened within it are compared")
    alike: Share = Field(0.45, description="the least likeness (cosine) of a ticket to the first of its cluster")
    least: int = Field(3, ge=2, le=1000, description="so many tickets make a problem")
    fresh: Span = Field(14 * DAY, description="a problem seen first within it is new")
    recent: Span = Field(7 * DAY, description="what grows is measured by its tickets within it")


class Solved(Spec):
    """When a solution is believed."""

    held: Span = Field(30 * DAY, description="not opened again for so long")


class Promises(Spec):
    """Promises proposed from history."""

    history: Span = Field(1_096 * DAY, description="how far back tickets count")
    least: int = Field(60, ge=20, le=1_000_000, description="tickets of one kind, priority and season it takes")
    share: Share = Field(0.9, description="the share of tickets that shall keep the promise")
    confidence: Share = Field(0.95, description="of the bounds of that quantile")
    spread: float = Field(0.5, gt=0, le=5, description="the bounds may be so far apart, as a share of the value")
    change: float = Field(0.15, ge=0, le=5, description="a promise that is less than this off is left alone")
    ahead: Span = Field(14 * DAY, description="a quarter's promises are proposed so long before it begins")


class Articles(Spec):
    """Knowledge articles drafted from solved tickets."""

    least: int = Field(15, ge=1, le=10_000, description="characters a resolution must have to teach anything")
    alike: Share = Field(0.75, description="where an article shares so many terms already, none is proposed")


class Zombies(Spec):
    """Open tickets nobody will ever finish."""

    idle: Mapping[Literal["P0", "P1", "P2", "P3"], Span] = Field(
        {"P0": 3 * DAY, "P1": 7 * DAY, "P2": 21 * DAY, "P3": 45 * DAY},
        description="without any activity for so long, if the source ended or the device is gone; twice that otherwise",
    )

    @model_validator(mode="after")
    def _all_there(self) -> Zombies:
        if missing := sorted({"P0", "P1", "P2", "P3"} - set(self.idle)):
            raise ValueError(f"idle says nothing of {', '.join(missing)}")
        return self


class Duplicates(Spec):
    """Open tickets about one trouble with different fingerprints."""

    within: Span = Field(24 * HOUR, description="opened no further apart")
    alike: Share = Field(0.8, description="the least share of terms their titles have in common")
    window: Span = Field(14 * DAY, description="tickets opened within it are compared")


class Learning(Spec):
    """Everything the hub learns by; each part has its defaults."""

    policy: Literal["learning"]
    problems: Problems = Problems()
    solved: Solved = Solved()
    promises: Promises = Promises()
    plan: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(
        ("pending", "in_progress", "resolved", "closed"), min_length=2, max_length=30,
        description="the path of states that is planned",
    )  # fmt: skip
    articles: Articles = Articles()
    zombies: Zombies = Zombies()
    duplicates: Duplicates = Duplicates()


KIND: PolicyKind[Learning, Learning] = PolicyKind("learning", Learning, lambda spec: spec)
