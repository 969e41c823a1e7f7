"""Lists and maps."""

from __future__ import annotations

import json as standard_json
from decimal import Decimal
from typing import Any

from mappings import operators
from mappings.errors import EvaluationError
from mappings.registry import function
from mappings.values import MAX_TEXT, Kind, as_text, kind_of, plain, same, short_enough, size


@function(aggregate=True)
def length(value: Any) -> int:
    """How many characters a text has, or items a list or map.

    length('设备') == 2
    length([1, 2, 3]) == 3
    """
    if kind_of(value) not in (Kind.TEXT, Kind.LIST, Kind.MAP):
        raise EvaluationError("length() takes a text, a list or a map")
    return len(value)


_NOWHERE = 10**9
"""A position beyond any list."""


@function()
def get(container: Any, key: Any) -> Any:
    """What a map has under a key, or a list at a position (from 0; from the end: -1); null when there is nothing.

    get({'a': 1}, 'a') == 1
    get([1, 2], -1) == 2
    get({'a': 1}, 'b') is None
    """
    if isinstance(key, Decimal) and key == key.to_integral_value():
        key = int(key) if key.adjusted() < 9 else _NOWHERE
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise EvaluationError("get() takes a text or a position as key")
    return operators.step(container, key)


@function()
def keys(value: dict[str, Any]) -> list[Any]:
    """The keys of a map, in order.

    keys({'b': 1, 'a': 2}) == ['a', 'b']
    """
    return sorted(key for key in value if isinstance(key, str))


@function(aggregate=True)
def pluck(items: list[Any], key: str) -> list[Any]:
    """From a list of maps, what each has under the key; null where it has nothing.

    pluck([{'host': 'a'}, {'host': 'b'}], 'host') == ['a', 'b']
    """
    return [operators.step(item, key) for item in items]


@function()
def find(items: list[Any], key: str, value: Any) -> Any:
    """From a list of maps, the first that has this value under the key; null when none has.

    find([{'tag': 'a', 'value': 1}, {'tag': 'b', 'value': 2}], 'tag', 'b').value == 2
    """
    return next((item for item in items if same(operators.step(item, key), value)), None)


@function(aggregate=True)
def to_map(items: list[Any], key: str, value: str) -> dict[str, Any]:
    """A map out of a list of maps, from what each has under `key` and `value`, as tags are often sent. The last one
    of a key counts; items without a key are left out.

    to_map([{'tag': 'env', 'value': 'prod'}], 'tag', 'value') == {'env': 'prod'}
    """
    pairs = ((operators.step(item, key), operators.step(item, value)) for item in items)
    return {as_text(name): content for name, content in pairs if name is not None}


@function()
def pick(value: dict[str, Any], names: list[Any]) -> dict[str, Any]:
    """The map with only these keys, as far as it has them.

    pick({'a': 1, 'b': 2}, ['a', 'c']) == {'a': 1}
    """
    return {name: value[name] for name in names if isinstance(name, str) and name in value}


@function()
def without(value: dict[str, Any], names: list[Any]) -> dict[str, Any]:
    """The map without these keys.

    without({'a': 1, 'b': 2}, ['b']) == {'a': 1}
    """
    left_out = {name for name in names if isinstance(name, str)}
    return {key: item for key, item in value.items() if key not in left_out}


@function()
def merge(value: dict[str, Any] | None, *values: dict[str, Any] | None) -> dict[str, Any]:
    """One map out of several; of a key that several have, the last counts. A null counts as an empty map.

    merge({'a': 1, 'b': 1}, missing, {'b': 2}) == {'a': 1, 'b': 2}
    """
    merged: dict[str, Any] = {}
    for part in (value, *values):
        merged.update(part or {})
    return merged


@function()
def unique(values: list[Any]) -> list[Any]:
    """The list with each text once, in order of first appearance; nulls left out.

    unique(['b', 'a', 'b', None]) == ['b', 'a']
    """
    if not all(value is None or isinstance(value, str) for value in values):
        raise EvaluationError("unique() takes a list of texts")
    return list(dict.fromkeys(value for value in values if value is not None))


@function()
def json(value: Any) -> str:
    """The value as JSON: keys sorted, numbers exact, times as text.

    json({'b': [1, 2.50], 'a': None}) == '{"a":null,"b":[1,2.50]}'
    """
    size(value)
    return short_enough(_json(value))


@function(fallible=True)
def parse_json(value: str) -> Any:
    """What a JSON text says; numbers with a fraction stay exact. Fails for anything that is not JSON.

    parse_json('{"a": [1]}').a[0] == 1
    """
    try:
        parsed = standard_json.loads(short_enough(value), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise EvaluationError(f"the text is not JSON: {error}") from error
    size(parsed)
    return parsed


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _json(value: Any) -> str:
    kind = kind_of(value)
    match kind:
        case Kind.NULL:
            return "null"
        case Kind.MAP:
            named = sorted((as_text(key), item) for key, item in value.items())
            return "{" + ",".join(f"{_quoted(key)}:{_json(item)}" for key, item in named) + "}"
        case Kind.LIST:
            return "[" + ",".join(map(_json, value)) + "]"
        case Kind.BOOL:
            return "true" if value else "false"
        case Kind.INT:
            return as_text(value)
        case Kind.NUMBER:
            return plain(Decimal(repr(value)) if isinstance(value, float) else value)
    return _quoted(as_text(value))


def _quoted(text: str) -> str:
    if len(text) > MAX_TEXT:
        short_enough(text)
    return standard_json.dumps(text, ensure_ascii=False)
