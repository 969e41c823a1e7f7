"""60,000 random expressions: each is refused with a place and a reason, or means what the reference says; never a
crash."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mappings import EvaluationError, Expression, ExpressionError, compile_expression
from mappings.values import same
from tests.unit.mappings import reference
from tests.unit.mappings.grammar import Grammar, damaged, record, rubbish

CHUNKS = 10
GRAMMATICAL, DAMAGED, RUBBISH = 2_500, 1_500, 2_000


def outcome(expression: Expression, given: dict[str, Any]) -> tuple[Any, str | None]:
    try:
        return expression.evaluate(given), None
    except EvaluationError as error:
        return None, str(error)


def compiled(text: str) -> Expression | ExpressionError:
    try:
        return compile_expression(text)
    except ExpressionError as refusal:
        return refusal


def agrees(text: str, given: dict[str, Any], expression: Expression) -> None:
    plain = " ".join(text.strip().splitlines())
    try:
        wanted, failed = reference.evaluate(plain, given), False
    except reference.Wrong:
        wanted, failed = None, True
    value, error = outcome(expression, given)
    assert failed is (error is not None), f"{text!r} over {given} is {wanted!r}, got {value!r} ({error})"
    assert same(wanted, value), f"{text!r} over {given} is {wanted!r}, got {value!r}"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_expressions_are_refused_or_right(chunk: int) -> None:
    source = random.Random(1_000 + chunk)
    grammar = Grammar(source)
    accepted = 0
    for number in range(GRAMMATICAL + DAMAGED + RUBBISH):
        if number < GRAMMATICAL:
            text = grammar.expression(depth=source.choice([1, 2, 3, 4]))
        elif number < GRAMMATICAL + DAMAGED:
            text = damaged(source, grammar.expression(depth=2))
        else:
            text = rubbish(source)
        expression = compiled(text)
        if isinstance(expression, ExpressionError):
            assert number >= GRAMMATICAL, f"{text!r} was refused: {expression}"
            problem = expression.problems[0]
            assert problem.message
            assert 1 <= problem.line <= text.count("\n") + 1
            assert 1 <= problem.column <= len(text) + 2
            continue
        accepted += 1
        agrees(text, record(source), expression)
    assert accepted >= GRAMMATICAL + 100


def test_the_chunks_make_sixty_thousand() -> None:
    assert CHUNKS * (GRAMMATICAL + DAMAGED + RUBBISH) == 60_000
