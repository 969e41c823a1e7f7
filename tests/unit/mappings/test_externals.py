"""Python functions behind a field: declared, confined, watched."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from mappings import Mapping, MappingError, load_mapping
from mappings.functions.notes import clean


@pytest.fixture
def plugin() -> Iterator[types.ModuleType]:
    """An importable package `site_functions` with one module."""
    package, module = types.ModuleType("site_functions"), types.ModuleType("site_functions.stock")
    package.__path__ = []

    def honest(record: dict[str, Any]) -> Any:
        return f"{record['a']}/{record['labels']['b']}"

    def greedy(record: dict[str, Any]) -> Any:
        return record.get("secret") or record["labels"].get("other") or record["a"]

    def broken(record: dict[str, Any]) -> Any:
        return record["a"].upper()

    def strange(record: dict[str, Any]) -> Any:
        return object()

    for function in (honest, greedy, broken, strange):
        function.__module__ = "site_functions.stock"
        setattr(module, function.__name__, function)
    module._private = honest  # type: ignore[attr-defined]
    module.foreign = clean  # type: ignore[attr-defined]
    sys.modules |= {"site_functions": package, "site_functions.stock": module}
    yield module
    del sys.modules["site_functions"], sys.modules["site_functions.stock"]


def mapping(call: str, reads: str = "[a, labels.b]") -> Mapping:
    text = "mapping: m\nfrom: {connector: c, stream: s}\nto: {dataset: own, key: [id]}\nfields:\n  id: id\n"
    text += f"  note: {{call: '{call}', reads: {reads}}}\n"
    text += "tests: [{in: {id: 1, a: x, labels: {b: y, other: z}, secret: s}, out: {id: 1}}]\n"
    return load_mapping(text, "m.yaml", allow=["site_functions", "mappings.functions"])


def test_a_function_gets_exactly_what_it_declares(plugin: types.ModuleType) -> None:
    rule = mapping("site_functions.stock:honest")
    assert rule.run({"id": 1, "a": "x", "labels": {"b": "y"}, "secret": "s"}).values["note"] == "x/y"
    assert rule.run({"id": 1}).values["note"] == "None/None"
    assert rule.check() == []


def test_a_function_that_reads_more_than_it_declares_fails_its_test(plugin: types.ModuleType) -> None:
    rule = mapping("site_functions.stock:greedy")
    assert rule.run({"id": 1, "a": "x", "secret": "s"}).values["note"] == "x"
    messages = [failure.message for failure in rule.check()]
    assert messages == [
        "site_functions.stock:greedy reads 'secret', which note does not declare",
        "site_functions.stock:greedy reads 'labels.other', which note does not declare",
    ]


def test_a_function_that_fails_is_an_error_of_the_field(plugin: types.ModuleType) -> None:
    (error,) = mapping("site_functions.stock:broken").run({"id": 1, "a": 5}).errors
    assert error.message == "site_functions.stock:broken failed: AttributeError: 'int' object has no attribute 'upper'"
    (error,) = mapping("site_functions.stock:strange").run({"id": 1}).errors
    assert "a value of type object is not known here" in error.message


def test_a_function_is_traced_with_its_inputs(plugin: types.ModuleType) -> None:
    trace = mapping("site_functions.stock:honest").trace("note", {"a": "x", "labels": {"b": "y"}})
    assert trace.value == "x/y"
    assert trace.steps[-1].inputs == (("a", "x"), ("labels.b", "y"))


@pytest.mark.parametrize(
    ("call", "reads", "said"),
    [
        ("os:system", "[a]", "functions of 'os' may not be called; allowed are site_functions"),
        ("site_functionsx.y:z", "[a]", "may not be called"),
        ("site_functions.stock", "[a]", "not of the form package.module:function"),
        ("site_functions.stock:no-such", "[a]", "not of the form"),
        ("site_functions.stock:missing", "[a]", "has no function 'missing' of its own"),
        ("site_functions.stock:foreign", "[a]", "has no function 'foreign' of its own"),
        ("site_functions.stock:_private", "[a]", "private"),
        ("site_functions.gone:f", "[a]", "cannot be imported"),
        ("site_functions.stock:honest", "[]", "'call' needs the list of fields it reads"),
        ("site_functions.stock:honest", "a", "'call' needs the list of fields it reads"),
        ("site_functions.stock:honest", "[a, a.b]", "lies inside another one"),
        ("site_functions.stock:honest", "[lower(a)]", "is not a path"),
        ("site_functions.stock:honest", "['a[0]']", "a named field is needed"),
        ("site_functions.stock:honest", "[row]", "a named field is needed"),
    ],
)
def test_a_call_that_may_not_be_is_refused(plugin: types.ModuleType, call: str, reads: str, said: str) -> None:
    with pytest.raises(MappingError, match="line 6") as refusal:
        mapping(call, reads)
    assert said in str(refusal.value)


def test_notes_lose_markup_and_space_and_nothing_else() -> None:
    assert clean({"memo": "<p>Pump&nbsp;3  is <b>hot</b></p>\n\n call  me"}) == "Pump 3 is hot\ncall me"
    assert clean({"memo": " ", "remark": "x < y"}) == "x < y"
    assert clean({"memo": None, "remark": 5}) is None
