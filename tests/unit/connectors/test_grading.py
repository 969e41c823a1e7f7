"""A grade is computed from results, kept with a digest of what was examined, and void once that has changed."""

import importlib
import shutil
from pathlib import Path

import pytest

from connectors import grades
from connectors.conformance import Conformance
from connectors.conformance import reference as folder
from connectors.conformance.case import cases_of
from connectors.conformance.grading import report, worst
from connectors.conformance.reference.world import AcmeWorld
from connectors.conformance.suite import _check_world

GOLD_CASE = "test_every_answer_links_into_its_source"
SILVER_CASE = "test_check_tells_the_version_it_met"
BRONZE_CASE = "test_a_full_read_is_the_truth"


class Exam(Conformance):
    world_type = AcmeWorld


class ExamWithExemption(Conformance):
    world_type = AcmeWorld
    exempt = {SILVER_CASE: "Acme hides its version"}


def _outcomes(changed: dict[str, str] | None = None, suite: type[Conformance] = Exam) -> dict[str, str]:
    return {**dict.fromkeys(cases_of(suite), "passed"), **(changed or {})}


def test_all_passed_is_gold() -> None:
    found = report(Exam, _outcomes())
    assert (found.grade, found.missing, found.passed) == ("gold", (), found.total)


@pytest.mark.parametrize(("case", "grade"), [(GOLD_CASE, "silver"), (SILVER_CASE, "bronze"), (BRONZE_CASE, None)])
def test_one_failure_costs_its_own_level_and_all_above(case: str, grade: str | None) -> None:
    found = report(Exam, _outcomes({case: "failed"}))
    assert (found.grade, found.missing) == (grade, (case,))


def test_a_case_that_was_not_taken_is_not_passed() -> None:
    outcomes = _outcomes()
    del outcomes[BRONZE_CASE]
    assert report(Exam, outcomes).grade is None


def test_what_does_not_apply_costs_nothing() -> None:
    assert report(Exam, _outcomes({SILVER_CASE: "skipped"})).grade == "gold"


def test_an_exemption_keeps_the_grade_below_its_level() -> None:
    found = report(ExamWithExemption, _outcomes(suite=ExamWithExemption))
    assert found.grade == "bronze"
    assert "Acme hides its version" in found.missing[0]


def test_bronze_has_no_exemptions_and_every_exemption_has_a_reason() -> None:
    for exempt in ({BRONZE_CASE: "too hard"}, {SILVER_CASE: ""}, {"test_no_such_case": "why not"}):
        with pytest.raises(TypeError, match="exempt"):
            type("Lazy", (Conformance,), {"world_type": AcmeWorld, "exempt": exempt})


def test_several_exams_of_one_connector_give_the_lowest_grade() -> None:
    assert worst(["gold", "bronze", "silver"]) == "bronze"
    assert worst(["gold", None]) is None


def test_a_world_that_lacks_what_its_connector_needs_is_refused_with_the_names() -> None:
    members = {
        name: value for name, value in vars(AcmeWorld).items() if name not in ("asks", "__dict__", "__weakref__")
    }
    with pytest.raises(TypeError, match="lacks asks of AnsweringWorld"):
        _check_world(type("Half", (), members))


def test_cases_that_do_not_apply_are_not_there() -> None:
    class Silent(AcmeWorld):
        breaks = frozenset({"cut"})

    suite = type("Silent", (Conformance,), {"world_type": Silent})
    assert suite.test_a_read_tells_when_to_come_back is None  # type: ignore[attr-defined]
    assert "test_a_run_cut_at_any_call_resumes_without_loss" in cases_of(suite)


def test_a_saved_grade_counts_until_the_sources_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(Path(folder.__file__).parent, tmp_path / "graded_acme")
    for path in (tmp_path / "graded_acme").glob("*.py"):
        path.write_text(path.read_text().replace("connectors.conformance.reference", "graded_acme"))
    monkeypatch.syspath_prepend(str(tmp_path))
    connector = importlib.import_module("graded_acme").AcmeConnector
    assert grades.grade_of(connector) is None
    grades.save(connector, "silver")
    assert grades.grade_of(connector) == "silver"
    readme = tmp_path / "graded_acme" / "README.md"
    readme.write_text(readme.read_text() + "\nMore.\n")
    assert grades.grade_of(connector) is None
