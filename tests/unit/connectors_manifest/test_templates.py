"""Values put into requests, and what they must never be able to do there."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.errors import BadRecord
from connectors.manifest.matching import match, match_path, nested, put
from connectors.manifest.paths import at, steps
from connectors.manifest.templates import ABSENT, fill, fill_path, fill_text, names

VALUES = {
    "config": {"plant": "HZ", "key": SecretStr("s3cret"), "none": None},
    "since": 17,
    "body": {"qty": Decimal("1.50")},
}


def test_a_text_that_is_one_placeholder_keeps_the_values_type() -> None:
    assert fill({"a": "{since}", "b": "n {since}", "c": "{body.qty}"}, VALUES) == {
        "a": 17,
        "b": "n 17",
        "c": Decimal("1.50"),
    }


def test_what_has_no_value_is_left_out_of_maps_and_lists() -> None:
    assert fill({"a": "{config.none}", "b": ["{nothing}", 1], "c": {"d": "{nothing.at.all}"}}, VALUES) == {
        "b": [1],
        "c": {},
    }
    assert fill("{nothing}", VALUES) is ABSENT
    assert fill_text("<{nothing}>", VALUES) == "<>"


def test_braces_can_be_written() -> None:
    assert fill_text('{{"plant": "{config.plant}"}}', VALUES) == '{"plant": "HZ"}'


@pytest.mark.parametrize("text", ["{", "}", "a { b", "{a b}", "{}", "{a.b"])
def test_a_lone_brace_is_a_mistake(text: str) -> None:
    with pytest.raises(ValueError, match="single"):
        list(names(text))


def test_every_placeholder_is_known_with_its_place() -> None:
    tree = {"path": "/x/{a.b}", "params": {"q": ["{c}", "{{d}}"]}}
    assert list(names(tree)) == [("path", "a.b"), ("params.q[0]", "c")]


def test_secrets_are_opened_only_where_they_are_sent() -> None:
    assert fill_text("Bearer {config.key}", VALUES) == "Bearer s3cret"


def test_times_and_numbers_are_written_plainly() -> None:
    values = {"at": datetime(2026, 11, 22, 8, tzinfo=UTC), "n": Decimal("1E+3"), "yes": True}
    assert fill_text("{at} {n} {yes}", values) == "2026-11-22T08:00:00+00:00 1000 true"


@given(st.text(min_size=1, max_size=60))
def test_a_value_in_a_path_is_always_one_segment_and_comes_out_as_it_went_in(value: str) -> None:
    try:
        value.encode()
        path = fill_path("/a/{key.id}/b", {"key": {"id": value}})
    except UnicodeEncodeError:
        return
    except BadRecord:
        assert value in (".", "..")
        return
    parts = urlsplit("http://h" + path)
    assert parts.path == path
    segments = path.split("/")
    assert len(segments) == 4
    assert unquote(segments[2]) == value


JSON: st.SearchStrategy[Any] = st.recursive(
    st.integers() | st.text(max_size=8) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON, min_size=1))
def test_a_request_read_backwards_gives_the_values_it_was_made_of(body: dict[str, Any]) -> None:
    template = {"fixed": 1, "inner": {name: f"{{body.{name}}}" for name in body}}
    sent = fill(template, {"body": body})
    found: dict[str, Any] = {}
    assert match(template, sent, {}, found)
    assert nested(found)["body"] == body


def test_a_path_read_backwards_tells_its_values_and_no_other_path_matches() -> None:
    template = "/v1/{config.plant}/items/{key.id}"
    assert match_path(template, "/v1/HZ/items/a%2Fb", VALUES) == {"key.id": "a/b"}
    assert match_path(template, "/v1/SH/items/a", VALUES) is None
    assert match_path(template, "/v1/HZ/items/a/b", VALUES) is None


@given(st.lists(st.text(max_size=5).filter(lambda t: "'" not in t) | st.integers(0, 3), min_size=1, max_size=4), JSON)
def test_what_is_put_at_a_path_is_found_there(place: list[str | int], value: Any) -> None:
    path = "".join(f"[{step}]" if isinstance(step, int) else f"['{step}']" for step in place)
    assert steps(path) == tuple(place)
    assert at(put({}, path, value), path) == value


@pytest.mark.parametrize("path", ["a..b", "[x]", "a[", "a b", ".a.", "a['b]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        steps(path)


def test_a_path_that_leads_nowhere_is_nothing() -> None:
    tree = {"a": [{"b": 1}]}
    assert at(tree, "a[0].b") == 1
    assert at(tree, "a[-1].b") == 1
    assert at(tree, "") is tree
    for path in ("a[1].b", "a.b", "b", "a[0].b.c", "[0]"):
        assert at(tree, path) is None
