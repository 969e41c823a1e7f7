"""Every error survives being sent to another process, with its fields."""

import copy
import inspect
import pickle

import pytest

from connectors import errors
from connectors.errors import ConnectorError, FieldProblem, InvalidConfig

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ConnectorError)]


def _example(kind: type[ConnectorError]) -> ConnectorError:
    error = InvalidConfig([FieldProblem("url", "required")]) if kind is InvalidConfig else kind("why", hint="do this")
    error.extra = {"a": 1}  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("kind", KINDS)
def test_it_survives_pickling_and_copying(kind: type[ConnectorError]) -> None:
    error = _example(kind)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert str(again) == str(error)
        assert vars(again) == vars(error)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_in_the_tree_drawn_on_top_and_exported(kind: type[ConnectorError]) -> None:
    assert f" {kind.__name__} " in f" {errors.__doc__} ".replace("\n", " ")
    assert kind.__name__ in errors.__all__


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not InvalidConfig])
def test_its_docstring_is_its_default_message(kind: type[ConnectorError]) -> None:
    assert kind.__doc__
    assert str(kind()) == kind.__doc__.strip().split("\n")[0]
