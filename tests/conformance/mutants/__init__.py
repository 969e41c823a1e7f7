"""Broken versions of the reference connector, each an ordinary mistake: one passage of its source replaced by another.

The reference itself is the proof that every case can be passed.
"""

from tests.conformance.mutants.asking import ASKING
from tests.conformance.mutants.failing import FAILING
from tests.conformance.mutants.form import FORM
from tests.conformance.mutants.mutant import PRELUDE, Mutant
from tests.conformance.mutants.reading import READING
from tests.conformance.mutants.receiving import RECEIVING
from tests.conformance.mutants.source import SOURCE
from tests.conformance.mutants.subscribing import SUBSCRIBING
from tests.conformance.mutants.writing import WRITING

MUTANTS = [*READING, *RECEIVING, *SUBSCRIBING, *ASKING, *WRITING, *FAILING, *FORM, *SOURCE]

__all__ = ["MUTANTS", "PRELUDE", "Mutant"]
