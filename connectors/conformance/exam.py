"""Taking the exam without pytest's runner: one case, or all, of one suite; and the suite of a manifest's connector."""

from __future__ import annotations

from typing import Any, Final

import pytest

from connectors.conformance.case import cases_of, opened
from connectors.conformance.grading import Report, report
from connectors.conformance.suite import Conformance
from connectors.contract import Connector
from connectors.manifest import kinds

PASSED: Final = ""


def take(suite: type[Conformance], case: str) -> str:
    """Take one case in a new world. Empty: passed (or it does not apply after all); else the first line of why not."""
    try:
        with opened(suite.world_type) as world:
            getattr(suite(), case)(world)
    except pytest.skip.Exception:
        return PASSED
    except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001 - whatever a case raises, it failed
        return f"{type(failure).__name__}: {failure}".split("\n", 1)[0]
    return PASSED


def suite_of(connector: type[Connector]) -> type[Conformance]:
    """The exam of a connector made of a manifest, in the World made of it. Raises BadManifest when samples are missing."""
    told: Any = connector
    world = kinds()[told.manifest.kind].world(connector)
    return type(connector.__name__.removesuffix("Connector"), (Conformance,), {"world_type": world})


def examine(connector: type[Connector]) -> tuple[Report, dict[str, str]]:
    """The whole exam of a connector made of a manifest; and every case that failed, with the reason."""
    suite = suite_of(connector)
    with opened(suite.world_type):
        """A World that cannot be made at all says so once, not case by case."""
    told = {case: take(suite, case) for case in cases_of(suite)}
    outcomes = {case: "failed" if why else "passed" for case, why in told.items()}
    return report(suite, outcomes), {case: why for case, why in told.items() if why}
