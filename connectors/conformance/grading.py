"""From the results of the cases to a grade: computed, never declared.

bronze: nothing lost, doubled or leaked. silver: one can operate it. gold: nothing is left to wish for. A grade needs
every applicable case of its own level and of those below; an exempt case counts as not passed.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import pytest

from connectors.conformance.case import GRADES, Grade, cases_of
from connectors.conformance.suite import Conformance


@dataclass(frozen=True, slots=True)
class Report:
    """What one exam found. `missing`: what stands in the way of the next grade."""

    connector: type
    suite: str
    grade: Grade | None
    passed: int
    total: int
    missing: tuple[str, ...]


def report(suite: type[Conformance], outcomes: Mapping[str, str]) -> Report:
    """`outcomes`: case → passed, failed or skipped, of every case that was taken."""
    marks = cases_of(suite)
    lacking = {level: [c for c, m in marks.items() if m.grade == level and not _good(outcomes, c)] for level in GRADES}
    for name in suite.exempt:
        lacking[_level_of_exempt(suite, name)].append(f"{name} (exempt: {suite.exempt[name]})")
    grade: Grade | None = None
    for level in GRADES:
        if lacking[level]:
            break
        grade = level
    missing = next((found for found in lacking.values() if found), [])
    passed = sum(_good(outcomes, case) for case in marks)
    total = len(marks) + len(suite.exempt)
    return Report(suite.world_type.connector_type, suite.__name__, grade, passed, total, tuple(sorted(missing)))


def worst(grades: list[Grade | None]) -> Grade | None:
    """A connector examined in several Worlds has the lowest of the grades."""
    return min(grades, key=lambda grade: -1 if grade is None else GRADES.index(grade))


class Recorder:
    """A pytest plugin that runs only exams and remembers how every case ended."""

    def __init__(self) -> None:
        self.outcomes: dict[type[Conformance], dict[str, str]] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if _suite_of(item) is not None]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        result = yield
        suite = _suite_of(item)
        if suite is not None:
            outcomes = self.outcomes.setdefault(suite, {})
            name = item.name.partition("[")[0]
            if result.when == "call" or result.outcome != "passed":
                outcomes[name] = "failed" if "failed" in (result.outcome, outcomes.get(name)) else result.outcome
        return result

    def reports(self) -> list[Report]:
        """One for each exam, by connector."""
        found = [report(suite, outcomes) for suite, outcomes in self.outcomes.items()]
        return sorted(found, key=lambda each: (each.connector.__module__, each.suite))


def _suite_of(item: pytest.Item) -> type[Conformance] | None:
    suite = getattr(item, "cls", None)
    return suite if isinstance(suite, type) and issubclass(suite, Conformance) else None


def _good(outcomes: Mapping[str, str], case: str) -> bool:
    return outcomes.get(case) in ("passed", "skipped")


def _level_of_exempt(suite: type[Conformance], name: str) -> Grade:
    marks = (vars(base)[name].case for base in suite.__mro__ if vars(base).get(name) is not None)
    level: Grade = next(marks).grade
    return level
