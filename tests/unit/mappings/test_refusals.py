"""What is refused before any record is seen, and what the refusal says."""

from __future__ import annotations

import gc
import pickle
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mappings import ExpressionError, MappingError, compile_expression
from mappings.parsing import MAX_DEPTH
from mappings.source_text import MAX_CHARACTERS, MAX_NODES, SourceText

HOSTILE = {
    "dunder attribute": "().__class__.__bases__[0].__subclasses__()",
    "dunder of a field": "name.__class__",
    "dunder name": "__builtins__",
    "import": "__import__('os').system('true')",
    "open": "open('/etc/passwd')",
    "eval": "eval('1+1')",
    "getattr": "getattr(name, 'x')",
    "repeated text": "'a' * 10**10",
    "a huge repetition": "'ab' * 9999999999",
    "power bomb": "9**9**9**9",
    "shift bomb": "1 << 99999999999",
    "3,000 parentheses": "(" * 3000 + "1" + ")" * 3000,
    "900 parentheses": "(" * 900 + "1" + ")" * 900,
    "900 brackets": "[" * 900 + "1" + "]" * 900,
    "900 minus signs": "-" * 900 + "1",
    "900 nots": "not " * 450 + "x",
    "50,000 plus signs": "1" + "+1" * 50_000,
    "600 plus signs": "1" + "+1" * 600,
    "format leak": "'{0.__class__}'.format(name)",
    "f-string": "f'{name.__class__}'",
    "percent format": "'%1000000d' % 5",
    "endless comprehension": "[x for x in iter(int, 1)]",
    "generator": "sum(x for x in y)",
    "lambda": "(lambda: 1)()",
    "walrus": "(x := 5)",
    "star": "concat(*names)",
    "double star": "concat(**names)",
    "star in a list": "[*names]",
    "set": "{1, 2}",
    "tuple": "(1, 2)",
    "slice": "name[1:2]",
    "computed key": "name[key]",
    "bytes": "b'abc'",
    "complex": "5j",
    "ellipsis": "...",
    "await": "await x",
    "yield": "(yield x)",
    "statement": "x = 5",
    "two statements": "x; y",
    "matrix": "a @ b",
    "bit operations": "a & b",
    "inversion": "~a",
    "null byte": "a\x00b",
    "half a character": "'\ud800'",
    "escaped half a character": r"'\ud800'",
    "a number of 5,000 digits": "9" * 5_000,
    "a number of 100 digits": "9" * 100,
    "a number beyond all bounds": "1e99999",
    "huge text": "'" + "x" * 1_000_000 + "'",
    "call of a call": "lower(x)(y)",
    "call of an item": "x[0](y)",
    "call of a text": "'x'()",
    "backspace in a pattern": "matches(x, '\\bweb')",
    "nested quantifiers": "matches(x, '(a*)*b')",
    "a pattern that counts too far": "matches(x, 'a{1000000}')",
    "a pattern that multiplies": "matches(x, '((a{99}){99}){99}')",
    "a pattern from the data": "matches(x, y)",
    "a backward reference": r"matches(x, r'(a)\1')",
    "a look-ahead": "matches(x, 'a(?=b)')",
    "nothing": "",
    "blank": "  \n ",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_expressions_are_refused_at_once(name: str) -> None:
    started = time.process_time()
    with pytest.raises(ExpressionError) as refusal:
        compile_expression(HOSTILE[name])
    assert time.process_time() - started < 1
    problem = refusal.value.problems[0]
    assert problem.line >= 1
    assert problem.column >= 1
    assert len(str(refusal.value)) < 5_000


def refused(text: str, **options: object) -> str:
    with pytest.raises(ExpressionError) as refusal:
        compile_expression(text, **options)  # type: ignore[arg-type]
    return str(refusal.value)


def test_bounds_hold_exactly() -> None:
    fits = "a" + " + a" * (MAX_NODES // 2 - 1)
    assert compile_expression(fits).evaluate({"a": 1}) == MAX_NODES // 2
    assert "more than 200 parts" in refused(fits + " + a + a")
    pad = "'" + "x" * (MAX_CHARACTERS - 2) + "'"
    assert compile_expression(pad).evaluate({}) == "x" * (MAX_CHARACTERS - 2)
    assert "2001 characters" in refused(pad + "+")
    nested = "lower(" * (MAX_DEPTH - 1) + "a" + ")" * (MAX_DEPTH - 1)
    assert compile_expression(nested).evaluate({"a": "A"}) == "a"
    assert "nested deeper than 60" in refused(f"lower({nested})")


def test_the_deepest_accepted_expressions_compile() -> None:
    for text in (
        "'x' if a == 1 else (" * 39 + "'y'" + ")" * 39,
        "(" * 45 + "a == 1" + " and a == 2 or first(b, c) == 3)" * 17 + ")" * 28,
        "first(a, " * 55 + "b" + ")" * 55,
        "not (" * 55 + "a == 1" + ")" * 55,
        "[" * 55 + "a" + "]" * 55,
        " or ".join(f"first(a, {n}) == {n}" for n in range(39)),
    ):
        compile_expression(text)


def test_a_problem_names_line_column_and_the_nearest_right_name() -> None:
    text = "concat(a,\n       lowwer(b))"
    with pytest.raises(ExpressionError) as refusal:
        compile_expression(text)
    (problem,) = refusal.value.problems
    assert (problem.line, problem.column) == (2, 8)
    assert problem.message == "there is no function lowwer()"
    assert problem.hint == "did you mean 'lower'?"


def test_columns_count_characters_not_bytes() -> None:
    with pytest.raises(ExpressionError) as refusal:
        compile_expression("concat('设备报警', nope(x))")
    assert refusal.value.problems[0].column == 16


def test_all_problems_are_listed() -> None:
    text = refused("concat(lowwer(a), uper(b)) if c == None else d.strip()")
    assert text.count("\n") == 3
    for part in ("'lower'", "'upper'", "c is None", "write strip(value)"):
        assert part in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a && b", "write and"),
        ("a || b", "write or"),
        ("!a", "write not"),
        ("a = 5", "=="),
        ("x == null", "write None"),
        ("true", "write True"),
        ("labels.class", "labels['class']"),
        ("a == None", "write a is None"),
        ("a != None", "write a is not None"),
        ("a is True", "compare values with =="),
        ("'a' + b", "join texts with concat()"),
        ("lower(5)", "convert it with text()"),
        ("round('5')", "convert it with num()"),
        ("lower()", "lower(value)"),
        ("lower(a, b)", "at most 1 arguments, got 2"),
        ("lower(None)", "lower() of None is None"),
        ("round(a, 1.5)", "takes a whole number as 'digits'"),
        ("date(x, zon='UTC')", "did you mean 'zone'?"),
        ("lower(a, value=b)", "given twice"),
        ("x if 5 else y", "a condition is true or false, this is int"),
        ("not lower(x)", "a condition is true or false, this is text"),
        ("lower(x) and y", "a condition is true or false, this is text"),
        ("lower(x) == 5", "text and int are never equal"),
        ("lower(x) < 5", "text and int cannot be ordered"),
        ("True < x", "bool has no order"),
        ("5 in lower(x)", "convert it with text()"),
        ("x in 5", "nothing can be 'in' int"),
        ("lower(x).y", "a text has no parts"),
        ("a // b", "write floor(a / b)"),
        ("lookup(x, nope)", "there is no table 'nope'"),
        ("date(x, '%Q')", "unknown or repeated '%Q'"),
        ("date(x, '%Y')", "needs a year, a month and a day"),
        ("datetime(x, zone='Asia/Shanhai')", "there is no time zone"),
        ("convert(x, 'Psi', 'bar')", "did you mean 'psi'?"),
        ("convert(x, 'psi', 'C')", "psi (pressure) cannot be C (temperature)"),
        ("matches(x, '[a')", "it ends too early"),
        ("{'a': 1, 'a': 2}", "stands twice"),
        ("{a: 1}", "literal texts"),
        ("a # b", "a comment cannot stand in an expression"),
        ("row[0]", "the record has named fields"),
    ],
)
def test_a_refusal_says_what_to_write_instead(text: str, said: str) -> None:
    assert said in refused(text)


def test_a_sign_for_comments_may_stand_in_a_text() -> None:
    assert compile_expression("concat('#', a)").evaluate({"a": 5}) == "#5"


def test_errors_survive_pickling() -> None:
    with pytest.raises(ExpressionError) as refusal:
        compile_expression("lowwer(a)")
    copy = pickle.loads(pickle.dumps(refusal.value))
    assert isinstance(copy, MappingError)
    assert copy.problems == refusal.value.problems
    assert str(copy) == str(refusal.value)


class _SlowToGo:
    """Garbage whose end runs Python code, so that another thread may come in between."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads change and garbage is looked for as often as can be."""
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*threshold)


def test_expressions_read_by_several_threads_at_once_are_all_read(restless: None) -> None:
    """CPython 3.11 counts the depth of all threads' trees together (gh-106905)."""

    def read(depth: int) -> int:
        if depth:
            return read(depth - 1)
        for _ in range(200):
            _SlowToGo()
            assert SourceText("a" + " + a" * 40).parse() is not None
        return 200

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(read, range(0, 56, 7))) == 8 * 200
