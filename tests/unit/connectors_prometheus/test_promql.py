"""Queries that hold a device's name, and what their answers mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadRecord, ConfigProblem
from connectors.prometheus.promql import for_device, graph_link, quoted, regex_quoted, samples, selector, usable_device
from connectors.prometheus.questions import QUESTIONS
from connectors.prometheus.sandbox_queries import SeriesStore

names = st.text(min_size=1, max_size=20).map(str.strip).filter(bool)


def matches_instance(device: str, instance: str) -> bool:
    """Whether the matcher for this device finds a series of this instance."""
    store = SeriesStore()
    store.set("up", "1", instance=instance)
    return bool(store.query("up{" + selector("instance", device) + "}"))


@given(names)
def test_a_quoted_name_is_one_matcher_that_finds_only_it(name: str) -> None:
    store = SeriesStore()
    store.set("up", "1", device=name)
    store.set("up", "2", device=name + "x")

    assert [value for _, value in store.query(f"up{{device={quoted(name)}}}")] == ["1"]


@given(names, names)
def test_as_a_regular_expression_a_name_matches_only_itself(name: str, other: str) -> None:
    assert (re.fullmatch(regex_quoted(name), other) is not None) == (name == other)


@pytest.mark.parametrize(
    ("device", "instance"),
    [
        ("pump-7", "pump-7"),
        ("pump-7", "pump-7:9100"),
        ("pump-7:9100", "pump-7:9100"),
        ("2001:db8::7", "[2001:db8::7]:9100"),
        ("shop.example", "https://shop.example/health"),
    ],
)
def test_a_device_is_found_as_an_instance_however_it_is_written(device: str, instance: str) -> None:
    assert matches_instance(device, instance)


@pytest.mark.parametrize("instance", ["pump-77:9100", "xpump-7:9100", "pump-7.example:9100", "pump-7:http"])
def test_another_instance_is_not_taken_for_the_device(instance: str) -> None:
    assert not matches_instance("pump-7", instance)


def test_templates_and_labels_are_tried_in_order() -> None:
    query = for_device(["a{$selector}", "b{$selector}"], ["device", "instance"], "p")

    found = re.findall(r"\((\w)\{(\w+)=", query)
    assert found == [("a", "device"), ("a", "instance"), ("b", "device"), ("b", "instance")]


@pytest.mark.parametrize("value", [None, "", "   ", 5, ["x"], "x" * 257, "\ud800"])
def test_what_cannot_be_a_device_is_refused_by_name(value: object) -> None:
    with pytest.raises(BadRecord, match=r"inputs\.device"):
        usable_device(value)


def test_a_sample_is_exact_and_dated() -> None:
    (sample,) = samples([{"metric": {"a": "b"}, "value": [1795324181.026, "42.123456789012345678"]}])

    assert sample.value == Decimal("42.123456789012345678")
    assert sample.at == datetime(2026, 11, 22, 5, 9, 41, 26000, tzinfo=UTC)


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf"])
def test_no_number_is_no_value(text: str) -> None:
    assert samples([{"metric": {}, "value": [0, text]}])[0].value is None


@pytest.mark.parametrize(
    "result", [[{"metric": {}, "values": [[0, "1"]]}], [1795324181, "5"], {"a": 1}, [{"value": [0, "x"]}]]
)
def test_an_answer_that_is_no_vector_is_a_problem_of_the_settings(result: object) -> None:
    with pytest.raises(ConfigProblem):
        samples(result)


def test_a_link_holds_the_whole_query() -> None:
    assert graph_link("http://p:9090", 'up{a="b&c"}').startswith("http://p:9090/graph?g0.expr=up%7Ba%3D%22b%26c%22%7D&")


def answer(question: str, *series: tuple[dict[str, str], str]) -> dict[str, object] | None:
    result = [{"metric": labels, "value": [1795324181, value]} for labels, value in series]
    given = QUESTIONS[question].answer(samples(result))
    return None if given is None else dict(given.values)


def test_the_fullest_disk_comes_first() -> None:
    told = answer("disk_free", ({"mountpoint": "/"}, "40"), ({"mountpoint": "/data"}, "7.5"), ({"volume": "C:"}, "NaN"))

    assert told == {
        "percent": Decimal("7.5"),
        "unit": "%",
        "disk": "/data",
        "count": 2,
        "disks": [{"disk": "/data", "percent": Decimal("7.5")}, {"disk": "/", "percent": Decimal(40)}],
    }


def test_a_load_that_is_no_number_is_no_answer() -> None:
    assert answer("cpu_mean_1h", ({}, "NaN")) is None


def test_many_alerts_are_counted_and_some_are_shown() -> None:
    series = [
        ({"__name__": "ALERTS", "alertname": f"A{n:02}", "alertstate": "firing", "pod": "x"}, "1") for n in range(30)
    ]

    told = answer("firing_alerts", *series, series[0])

    assert told is not None
    assert told["count"] == 30
    assert told["alerts"][:1] == [{"alert": "A00", "severity": "", "labels": {"pod": "x"}}]  # type: ignore[index]
    assert len(told["alerts"]) == 20  # type: ignore[arg-type]


def test_targets_that_are_down_come_first() -> None:
    told = answer("targets_up", ({"job": "a", "instance": "i"}, "1"), ({"job": "b", "instance": "j"}, "0"))

    assert told == {
        "count": 2,
        "down": 1,
        "targets": [{"job": "b", "instance": "j", "up": False}, {"job": "a", "instance": "i", "up": True}],
    }
