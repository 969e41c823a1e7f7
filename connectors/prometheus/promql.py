"""PromQL that is safe to put a device's name into, and what its answers mean.

https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from urllib.parse import quote

from connectors.errors import BadRecord, ConfigProblem

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\x00"})
_REGEX_CHARS = re.compile(r"[\\.+*?()|\[\]{}^$]")
_PORT = re.compile(r"(?<=[^:]):\d{1,5}\Z")


class Sample(NamedTuple):
    """One series of an instant query: its labels, its value (None for NaN and ±Inf) and the moment it is of."""

    labels: Mapping[str, str]
    value: Decimal | None
    at: datetime


def quoted(text: str) -> str:
    """A PromQL string literal for any text."""
    return '"' + text.translate(_ESCAPES) + '"'


def regex_quoted(text: str) -> str:
    """The text as a regular expression (RE2) that matches only it."""
    return _REGEX_CHARS.sub(lambda found: "\\" + found[0], text)


def selector(label: str, device: str) -> str:
    """The label matcher for a device. In `instance` it may stand as `name:port`, `[name]:port` or in a URL."""
    if label == "instance":
        name = device if device.count(":") > 1 else _PORT.sub("", device)
        pattern = r"(https?://)?\[?" + regex_quoted(name) + r"\]?(:[0-9]+)?(/.*)?"
        return f"instance=~{quoted(pattern)}"
    return f"{label}={quoted(device)}"


def for_device(templates: Sequence[str], labels: Sequence[str], device: str) -> str:
    """One query that answers with the first template, then the first label, that has data for the device."""
    return " or ".join(f"({t.replace('$selector', selector(label, device))})" for t in templates for label in labels)


def usable_device(value: Any) -> str:
    """A device's name as it was asked for. Raises BadRecord when it cannot be one."""
    if not isinstance(value, str) or not value.strip():
        raise BadRecord(
            "inputs.device: expected the name of a device, got nothing" if not value else "inputs.device: expected text"
        )
    if len(value) > 256:
        raise BadRecord("inputs.device: longer than 256 characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadRecord("inputs.device: not valid Unicode") from None
    return value.strip()


def samples(result: Any) -> list[Sample]:
    """The series of an instant vector, as Prometheus' API returns it. Raises ConfigProblem when it is no vector: the
    query of the settings is then of another type, or another program answers at the address."""
    if not isinstance(result, list):
        raise ConfigProblem(f"Prometheus answered with {type(result).__name__}, expected a list of series")
    return [_sample(item) for item in result]


def graph_link(base: str, query: str, hours: int = 1) -> str:
    """Where a person sees the query as a graph. Prometheus 3 redirects this address to its own /query."""
    return f"{base}/graph?g0.expr={quote(query, safe='')}&g0.tab=0&g0.range_input={hours}h"


def _sample(item: Any) -> Sample:
    try:
        labels, (at, text) = item["metric"], item["value"]
        value = Decimal(text)
        moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=at)
    except (KeyError, TypeError, ValueError, InvalidOperation, OverflowError) as error:
        hint = "the query must give an instant vector: no range such as [1h] at its end"
        raise ConfigProblem(
            f"Prometheus answered with something that is no sample: {str(item)[:120]}", hint=hint
        ) from error
    return Sample(dict(labels), value if value.is_finite() else None, moment)
