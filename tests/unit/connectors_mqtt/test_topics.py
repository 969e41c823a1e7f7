"""Topic templates: what is subscribed to, what a topic's levels mean, and where a command goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from connectors.mqtt.topics import TemplateError, TopicTable, TopicTemplate, Unfit

LEVEL = st.text(st.characters(blacklist_characters="/+#\x00", blacklist_categories=["Cs"]), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("template", "filter_"),
    [
        ("dt/{site}/{device}/{metric}", "dt/+/+/+"),
        ("plant/+/{device}/telemetry", "plant/+/+/telemetry"),
        ("a/{device}/{metric*}", "a/+/#"),
        ("spBv1.0/#", "spBv1.0/#"),
        ("#", "#"),
    ],
)
def test_a_template_says_what_to_subscribe_to(template: str, filter_: str) -> None:
    assert TopicTemplate(template).filter == filter_


@pytest.mark.parametrize(
    ("template", "topic", "names"),
    [
        ("dt/{site}/{device}/{metric}", "dt/p1/d7/temp", {"site": "p1", "device": "d7", "metric": "temp"}),
        ("dt/{site}/{device}/{metric}", "dt/p1/d7/temp/x", None),
        ("dt/{site}/{device}/{metric}", "dt/p1//temp", None),
        ("a/{device}/{metric*}", "a/d/x/y/z", {"device": "d", "metric": "x/y/z"}),
        ("a/{device}/{metric*}", "a/d", None),
        ("a/#", "a", {}),
        ("a/#", "a/b/c", {}),
        ("a/#", "ab", None),
        ("a/+/c", "a/b/c", {}),
        ("{device}/x", "$SYS/x", None),
        ("a.b/{device}", "aXb/d", None),
        ("a/{device}", "a/line\nbreak", {"device": "line\nbreak"}),
    ],
)
def test_a_topic_is_taken_apart(template: str, topic: str, names: dict[str, str] | None) -> None:
    assert TopicTemplate(template).match(topic) == names


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("", "such as dt/"),
        ("$share/g/a", "shared_group"),
        ("a/#/b", "write fixed text"),
        ("a/b{device}", "write fixed text"),
        ("a/{Device}", "write fixed text"),
        ("a/{device}/{device}", "stands twice"),
        ("a/{device*}/b", "must be the last"),
        ("a/b+", "write fixed text"),
    ],
)
def test_a_wrong_template_says_what_to_write(template: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said.replace("{", r"\{")):
        TopicTemplate(template)


def test_a_command_topic_is_filled() -> None:
    assert (
        TopicTemplate("cmd/{site}/{device}/{command}").fill({"site": 1, "device": "d", "command": "go"}) == "cmd/1/d/go"
    )


@pytest.mark.parametrize("value", ["", None, "a/b", "+", "#", "x#", "a\x00b", "d" * 501])
def test_what_can_not_stand_in_a_topic_is_refused(value: object) -> None:
    with pytest.raises(Unfit, match="device"):
        TopicTemplate("cmd/{device}").fill({"device": value})


def test_a_wildcard_can_not_be_published_to() -> None:
    with pytest.raises(Unfit, match="wildcard"):
        TopicTemplate("cmd/+/{device}").fill({"device": "d"})


def test_the_first_template_that_fits_counts() -> None:
    table = TopicTable([TopicTemplate("a/{device}/x"), TopicTemplate("a/{device}/{metric}")])
    assert table.find("a/d/x") == (0, {"device": "d"})
    assert table.find("a/d/y") == (1, {"device": "d", "metric": "y"})
    assert table.find("b/d/y") is None


@given(st.lists(LEVEL, min_size=1, max_size=5))
def test_filling_and_taking_apart_are_inverse(levels: list[str]) -> None:
    template = TopicTemplate("/".join(["dt", *(f"{{n{i}}}" for i in range(len(levels)))]))
    names = {f"n{i}": level for i, level in enumerate(levels)}
    topic = template.fill(names)
    assert template.match(topic) == names
    assert topic_matches_sub(template.filter, topic), "the broker would not have sent it"


@given(
    st.lists(st.sampled_from(["a", "b", "$x", ""]), min_size=1, max_size=4),
    st.sampled_from(["a/#", "#", "+/b", "a/+/#"]),
)
def test_wildcards_take_what_mqtt_takes(levels: list[str], filter_: str) -> None:
    topic = "/".join(levels)
    assert (TopicTemplate(filter_).match(topic) is not None) == topic_matches_sub(filter_, topic)
