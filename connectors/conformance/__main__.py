"""`python -m connectors.conformance [PATH ...] [--save]`: take the exams found there (default: tests/conformance) and
print each connector's grade; `--save` keeps it with each connector that comes with Weft. Exit 1 when one has no grade."""

from __future__ import annotations

import argparse
import sys

import pytest

from connectors.conformance.case import Grade
from connectors.conformance.grading import Recorder, Report, worst
from connectors.grades import save
from connectors.registry import installed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m connectors.conformance", description=__doc__)
    parser.add_argument("paths", nargs="*", default=["tests/conformance"], help="test files or folders with exams")
    parser.add_argument(
        "--save", action="store_true", help="write grade.json beside each connector that comes with Weft"
    )
    given = parser.parse_args()
    recorder = Recorder()
    status = pytest.main(["-q", "--no-header", *given.paths], plugins=[recorder])
    if status in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.INTERRUPTED):
        return int(status)
    reports = recorder.reports()
    sys.stdout.write("\n".join(_lines(reports)) + "\n")
    grades = _grades(reports)
    if given.save:
        comes_with_weft = set(installed().good.values())
        for connector, grade in grades.items():
            if connector in comes_with_weft:
                save(connector, grade)
    return 0 if grades and None not in grades.values() else 1


def _grades(reports: list[Report]) -> dict[type, Grade | None]:
    found: dict[type, list[Grade | None]] = {}
    for each in reports:
        found.setdefault(each.connector, []).append(each.grade)
    return {connector: worst(grades) for connector, grades in found.items()}


def _lines(reports: list[Report]) -> list[str]:
    lines = ["", f"{'connector':<14}{'exam':<28}{'grade':<9}{'passed':>9}   what the next grade lacks"]
    for each in reports:
        name = getattr(each.connector, "name", each.connector.__name__)
        lacks = ", ".join(each.missing[:3]) + (f" and {len(each.missing) - 3} more" if len(each.missing) > 3 else "")
        lines.append(f"{name:<14}{each.suite:<28}{each.grade or 'none':<9}{each.passed:>4}/{each.total:<4}   {lacks}")
    return lines or ["no exam found"]


if __name__ == "__main__":
    raise SystemExit(main())
