"""Errors of the registry: grouped by what must happen next, with fields, and able to cross a process border."""

from __future__ import annotations

import pickle

import pytest

import id_registry
from id_registry import errors

ALL = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_explains_itself_without_a_message(kind: type[errors.RegistryError]) -> None:
    assert str(kind()) == (kind.__doc__ or "").split("\n")[0].strip()


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_in_the_tree_and_offered_by_the_package(kind: type[errors.RegistryError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert getattr(id_registry, kind.__name__) is kind


def test_an_error_keeps_its_fields_through_a_pickle() -> None:
    error = errors.MergeForbidden("no", a=1, b=2, pairs=((1, 2),), hint="allow() it")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (errors.MergeForbidden, "no", vars(error))


def test_bad_input_can_be_caught_as_a_value_error() -> None:
    assert issubclass(errors.BadInput, ValueError)
