"""Patterns find what Python's own finds, in linear time."""

from __future__ import annotations

import random
import re
import time

import pytest

from mappings import EvaluationError
from mappings.regular import Pattern


def _pattern(source: random.Random, depth: int) -> str:
    choice = source.random()
    if depth <= 0 or choice < 0.35:
        return source.choice(["a", "b", "c", ".", "[ab]", "[^a]", r"\d", "1", r"\w", r"\s", r"[a\d]", r"\."])
    inner = _pattern(source, depth - 1)
    if choice < 0.55:
        return inner + _pattern(source, depth - 1)
    if choice < 0.65:
        return f"({inner}|{_pattern(source, depth - 1)})"
    if choice < 0.72:
        return f"(?:{inner}|{_pattern(source, depth - 1)}|)"
    if choice < 0.9:
        counts = ["*", "+", "?", "{2}", "{1,2}", "{0,2}", "*?", "+?", "??", "{2,}", "{1,3}?"]
        return f"(?:{inner})" + source.choice(counts)
    return "^" + inner if choice < 0.95 else inner + "$"


def _compiled(text: str) -> Pattern | str:
    try:
        return Pattern(text)
    except EvaluationError as error:
        return str(error)


def test_random_patterns_find_what_pythons_own_find() -> None:
    source = random.Random(1)
    compared = 0
    for _ in range(3_000):
        text = _pattern(source, 4)
        pattern = _compiled(text)
        if isinstance(pattern, str):
            assert "may be empty" in pattern or "too large" in pattern, text
            continue
        reference = re.compile(text.replace("$", r"\Z"))
        for _ in range(4):
            subject = "".join(source.choice("abc1 \n.") for _ in range(source.randrange(9)))
            found = reference.search(subject)
            assert pattern.found_in(subject) is (found is not None), (text, subject)
            if reference.groups == 0:
                assert pattern.extract(subject) == (found.group(0) if found else None), (text, subject)
            compared += 1
    assert compared > 8_000


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"on (\S+) is", "CPU on web-1 is hot", "web-1"),
        (r"(\d+)%", "cpu 95%, mem 20%", "95"),
        (r"id=(\w+?);", "id=abc;d;", "abc"),
        (r"(?i)HOST:\s*(\S+)", "host: Web-1", "Web-1"),
        (r"(a)|b", "b", None),
        (r"^(.*):(\d+)$", "a:b:80", "a:b"),
        (r"[\]\-x]+", "a]-x", "]-x"),
        (r"[^a-c]+", "abcxyz", "xyz"),
        (r"\$\{(\w+)\}", "${name}", "name"),
        ("报警.*", "设备报警了", "报警了"),
        ("", "", None),
    ],
)
def test_the_first_group_is_extracted(pattern: str, text: str, found: str | None) -> None:
    if not pattern:
        with pytest.raises(EvaluationError, match="1 to 500 characters"):
            Pattern(pattern)
        return
    assert Pattern(pattern).extract(text) == found


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(a", "')' is missing"),
        ("a)", "')' without '('"),
        ("*a", "nothing stands before '*'"),
        ("a**", "a repetition of a repetition"),
        ("(a?)*", "may be empty"),
        ("a{3,1}", "turned round"),
        ("[z-a]", "turned round"),
        ("a{x}", "a count is needed"),
        (r"\bfoo", "word borders are not"),
        ("(?P<x>a)", "not supported"),
        ("(?<=a)b", "not supported"),
        ("(" * 30 + "a" + ")" * 30, "nested too deeply"),
        ("x" * 501, "1 to 500"),
        ("(a{50}){50}", "too large"),
        ("\\", "ends too early"),
        ("^*", "cannot be repeated"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused_with_the_reason(pattern: str, said: str) -> None:
    with pytest.raises(EvaluationError) as refusal:
        Pattern(pattern)
    assert said in str(refusal.value)


def test_extracting_takes_linear_time_too_when_the_match_comes_late() -> None:
    started = time.process_time()
    assert Pattern(r"(?:x+x+)+(y+)").extract("x" * 2_000 + "z" + "xxxyy") == "yy"
    assert Pattern(r"^(?:(?:a|b|ab)+;)+(\w+)$").extract("ab" * 30 + ";" + "ab" * 200 + ";end") == "end"
    assert time.process_time() - started < 3


def test_what_a_pattern_learns_about_texts_is_bounded() -> None:
    pattern = Pattern("a.{3}b")
    source = random.Random(2)
    for _ in range(40):
        pattern.found_in("".join(chr(source.randrange(0x4E00, 0x9000)) + "ab" for _ in range(500)))
    assert pattern._moves <= 5_001
