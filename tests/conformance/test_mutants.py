"""The exam is itself examined: every deliberately broken connector fails the case that is there to notice."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import connectors.conformance.reference as reference
from connectors.conformance import Conformance
from connectors.conformance.case import cases_of
from connectors.conformance.cases import subscribes
from connectors.conformance.exam import take
from tests.conformance import test_reference
from tests.conformance.mutants import MUTANTS, PRELUDE, Mutant

SOURCE = Path(reference.__file__).parent
CRASHES = {
    "NameError",
    "AttributeError",
    "ImportError",
    "ModuleNotFoundError",
    "SyntaxError",
    "UnboundLocalError",
    "Refused",
}
FOLDER_ONLY = {"test_it_comes_with_a_sandbox_to_try_it_on"}
"""Asks only whether a file is there, and the reference's World needs it."""
PACKAGE = "connectors.conformance.reference"


@pytest.fixture
def suite(mutant: Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Conformance]]:
    """The exam of one mutant: the reference's folder, copied as a package of its own, with one passage replaced."""
    package = "acme_" + re.sub(r"\W+", "_", mutant.name)
    folder = tmp_path / package
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    target = folder / mutant.file
    text = target.read_text(encoding="utf-8")
    assert text.count(mutant.before) == 1, (
        f"{mutant.name}: the passage to replace is there {text.count(mutant.before)} times"
    )
    target.write_text(text.replace(mutant.before, mutant.after), encoding="utf-8")
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8").replace(PACKAGE, package)
        head = "from __future__ import annotations\n"
        path.write_text(text.replace(head, head + PRELUDE.get(path.name, ""), 1), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(subscribes, "PATIENCE_S", 2.0)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # a mutant's thread may well die
    world = importlib.import_module(f"{package}.world").AcmeWorld
    yield type("Exam", (Conformance,), {"world_type": world})
    for thread in threading.enumerate():
        if thread.name == "acme-feed":
            thread.join(10)
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_dies(mutant: Mutant, suite: type[Conformance]) -> None:
    verdicts = {case: take(suite, case) for case in mutant.by}
    for case, why in verdicts.items():
        print(f"{mutant.name}: killed by {case}: {why[:150]}")
    survived = [case for case, why in verdicts.items() if not why]
    assert not survived, f"{mutant.name} passes {', '.join(survived)}"
    clumsy = [why for why in verdicts.values() if why.split(":")[0] in CRASHES]
    assert mutant.crashes or not clumsy, f"{mutant.name} does not even run: {clumsy}"


def test_every_mutant_has_its_own_name() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(names) == len(set(names))
    assert len(names) >= 19


def test_every_case_of_the_exam_is_proven_by_a_mutant() -> None:
    cases = cases_of(test_reference.TestReference).keys()
    assert {case for mutant in MUTANTS for case in mutant.by} | FOLDER_ONLY == cases


@pytest.mark.campaign
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_which_cases_kill_it(mutant: Mutant, suite: type[Conformance]) -> None:
    killers = [case for case in cases_of(suite) if take(suite, case)]
    print(f"{mutant.name}: {', '.join(killers)}")
    assert set(mutant.by) <= set(killers)
