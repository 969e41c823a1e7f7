"""The policy `scheduling`: who begins syncs and the hub's own jobs, and when the jobs run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from gateway.automation.specs import Spec
from gateway.config.syncs import Timing
from gateway.errors import Problem
from gateway.policies.kind import PolicyKind, Surroundings
from mappings.suggestions import among

FRESHNESS = "freshness"
"""Runs in every worker, whoever schedules the rest: it notices that nobody does."""


class SchedulingSpec(Spec):
    policy: Literal["scheduling"]
    scheduler: Literal["embedded", "airflow"] = Field(
        "embedded", description="embedded: the workers begin syncs and jobs; airflow: the DAGs of dags/ do"
    )
    jobs: dict[str, Timing | Literal["off"]] = Field({}, description="job: when; what is not named runs as built in")


@dataclass(frozen=True, slots=True)
class Scheduling:
    """The policy as it runs. `jobs`: those that are not off."""

    airflow: bool
    jobs: Mapping[str, Timing]


def _compile(spec: SchedulingSpec) -> Scheduling:
    given = {**_builtin(), **spec.jobs}
    jobs = {name: timing for name, timing in given.items() if isinstance(timing, Timing)}
    return Scheduling(spec.scheduler == "airflow", jobs)


def _builtin() -> Mapping[str, Timing | Literal["off"]]:
    return KIND.builtin().jobs


def _check(spec: SchedulingSpec, _around: Surroundings) -> Sequence[Problem]:
    known = sorted(_builtin())
    return [Problem(f"jobs.{n}", f"there is no job {n!r}", among(n, known)) for n in spec.jobs if n not in known]


KIND: PolicyKind[SchedulingSpec, Scheduling] = PolicyKind("scheduling", SchedulingSpec, _compile, _check)
