"""What the sandbox understands of PromQL: enough to answer this connector's queries and to refuse what is no PromQL.

It does not calculate. A value is stored for a series, and an expression's value is that of the series its first
selector matches; `a or b` takes the first part that has any. Label matchers, quoting and errors are as in Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_STRING = r'"(?:[^"\\\n]|\\.)*"' + r"|'(?:[^'\\\n]|\\.)*'" + r"|`[^`]*`"
_TOKEN = re.compile(rf"(?P<string>{_STRING})|(?P<name>[a-zA-Z_:][\w:]*)|(?P<number>\d[\w.]*)|(?P<sign>=~|!~|!=|\S)")
_ESCAPED = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'"}
_PAIRS = {")": "(", "]": "[", "}": "{"}
_AGGREGATIONS = frozenset({"sum", "avg", "min", "max", "count", "bottomk", "topk"})

Labels = dict[str, str]
Matcher = Callable[[Labels], bool]


class BadQuery(ValueError):
    """The query is no PromQL."""


@dataclass
class SeriesStore:
    """The series the sandbox knows, with the value that an expression over each has."""

    values: dict[tuple[tuple[str, str], ...], str] = field(default_factory=dict)

    def set(self, metric: str, value: str | None, **labels: str) -> None:
        """The value of a series as Prometheus writes it, e.g. "42.5" or "NaN"; None removes the series."""
        key = tuple(sorted({"__name__": metric, **labels}.items()))
        self.values.pop(key, None)
        if value is not None:
            self.values[key] = value

    def query(self, text: str) -> list[tuple[Labels, str]]:
        """The labels and value of each series the query gives. Raises BadQuery."""
        if not text.strip():
            raise BadQuery("no expression found in input")
        tokens = list(_tokens(text))
        _check_pairs(tokens)
        if len(tokens) == 1 and tokens[0][0] == "number":
            return [({}, tokens[0][1])]
        found: dict[tuple[tuple[str, str], ...], str] = {}
        for part in _alternatives(tokens):
            matchers, aggregated = _first_selector(part)
            part_found = {key: value for key, value in self.values.items() if all(m(dict(key)) for m in matchers)}
            if aggregated and part_found:
                found.setdefault((), next(iter(part_found.values())))
            elif not aggregated:
                found = {**part_found, **found}
        return [(dict(key), value) for key, value in found.items()]


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TOKEN.match(text, place)
        if match is None or match[0] in "\"'`":
            raise BadQuery(f"1:{place + 1}: parse error: unterminated quoted string")
        yield str(match.lastgroup), match[0]
        place = match.end()


def _check_pairs(tokens: list[tuple[str, str]]) -> None:
    opened: list[str] = []
    for kind, text in tokens:
        if kind == "sign" and text in "([{":
            opened.append(text)
        elif kind == "sign" and text in ")]}" and (not opened or opened.pop() != _PAIRS[text]):
            raise BadQuery(f'parse error: unexpected "{text}"')
    if opened:
        raise BadQuery(f'parse error: unclosed "{opened[-1]}"')


def _alternatives(tokens: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    depth, part = 0, list[tuple[str, str]]()
    for token in tokens:
        depth += (token[1] in "([{") - (token[1] in ")]}") if token[0] == "sign" else 0
        if token == ("name", "or") and depth == 0:
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _first_selector(tokens: list[tuple[str, str]]) -> tuple[list[Matcher], bool]:
    """The matchers of the first `name{…}`, and whether an aggregation before it drops the labels."""
    aggregated = False
    for place, (kind, text) in enumerate(tokens):
        following = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        if kind == "name" and following == "{":
            return [_equals("__name__", text), *_matchers(tokens[place + 2 :])], aggregated
        aggregated = aggregated or (kind == "name" and text in _AGGREGATIONS and following == "(")
    raise BadQuery("the sandbox needs a selector with braces, as in up{}")


def _matchers(tokens: list[tuple[str, str]]) -> Iterator[Matcher]:
    place = 0
    while tokens[place][1] != "}":
        (kind, name), (_, operator), (last, literal) = tokens[place : place + 3]
        if kind != "name" or last != "string" or operator not in ("=", "!=", "=~", "!~"):
            raise BadQuery(f'parse error: unexpected "{literal}" in label matching')
        yield _matcher(name, operator, _unquoted(literal))
        place += 3
        if tokens[place][1] == ",":
            place += 1


def _matcher(name: str, operator: str, value: str) -> Matcher:
    if operator in ("=", "!="):
        return _equals(name, value, negated=operator == "!=")
    try:
        pattern = re.compile(value, re.DOTALL)
    except re.error as error:
        raise BadQuery(f"error parsing regexp: {error}") from None
    return lambda labels: (pattern.fullmatch(labels.get(name, "")) is not None) == (operator == "=~")


def _equals(name: str, value: str, *, negated: bool = False) -> Matcher:
    return lambda labels: (labels.get(name, "") == value) != negated


def _unquoted(literal: str) -> str:
    def plain(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        if code not in _SIMPLE:
            raise BadQuery(f"unknown escape sequence \\{code}")
        return _SIMPLE[code]

    return literal[1:-1] if literal[0] == "`" else _ESCAPED.sub(plain, literal[1:-1])
