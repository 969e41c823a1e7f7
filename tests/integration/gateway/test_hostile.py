"""Whatever is sent to the door: an answer that says what is wrong, nothing lost, nobody else disturbed."""

from __future__ import annotations

import copy
import gzip
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.alerts import BEARER, CONNECTION, TOKEN, alert, message
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import Api, open_api

DOOR = "/v1/inbound/am"
ZABBIX = {
    "id": "zbx",
    "connector": "zabbix",
    "config": {"url": "http://127.0.0.1:1", "token": "x", "webhook_token": TOKEN},
}
NASTY = [
    "'; DROP TABLE ticket; --", "\" OR 1=1 --", "{{7*7}}", "${jndi:ldap://x}", "__import__('os').system('x')", "%s%n%d", "%(a)s",
    "../../../etc/passwd",
    "\r\nX-Injected: 1", "<script>alert(1)</script>", "\u202e\u200b\ufeff", "a\u0000b", "\ufffe", "💥" * 200,
    ":bind", "a" * 5000, "\\", "concat(title, title)", "NULL", "nan", "１２３", "Ω≈ç√∫", " ", "",
]  # fmt: skip


@pytest.fixture
def api(build: Build) -> Iterator[Api]:
    with open_api(build({"connections": [CONNECTION, ZABBIX]}, start=False)) as opened:
        yield opened


def post(api: Api, body: bytes, door: str = DOOR, **headers: str) -> Any:
    given = {"content-type": "application/json", **BEARER, **{k.replace("_", "-"): v for k, v in headers.items()}}
    answer = api.client.post(door, content=body, headers=given)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    return answer


GOOD = orjson.dumps(message(alert(1)))
PROBLEM = orjson.dumps(
    {"event_source": "0", "event_id": "4711", "event_value": "1", "event_update_status": "0", "event_name": "Press 7 is hot",
     "event_nseverity": "4", "event_date": "2026.11.22", "event_time": "05:30:07", "event_tags": "[]", "trigger_id": "13491",
     "host": "press-7", "x": "node"}
)  # fmt: skip
DEEP = b"[" * 100_000 + b"]" * 100_000
BOMB = gzip.compress(b" " * (200 << 20))


def bodies(good: bytes) -> dict[str, tuple[bytes, dict[str, str], int]]:
    """Bodies for a connection that takes `good`: each with its headers and the answer."""
    return {
        "nothing": (b"", {}, 422),
        "null": (b"null", {}, 422),
        "a number": (b"1e999", {}, 422),
        "deeply nested": (DEEP, {}, 422),
        "deeply nested within": (good.replace(b'"node"', b'{"a":' * 5000 + b"1" + b"}" * 5000), {}, 422),
        "utf-16": (good.decode().encode("utf-16"), {}, 422),
        "latin-1": ('{"a": "é"}'.encode("latin-1"), {}, 422),
        "invalid utf-8": (b'{"a": "\xff\xfe"}', {}, 422),
        "a lone surrogate": (b'{"version": "4", "alerts": ["\\ud800"]}', {}, 422),
        "raw NUL": (b"\0" * 100, {}, 422),
        "too large": (b"x" * (2 << 20), {}, 413),
        "a gzip bomb": (BOMB, {"content_encoding": "gzip"}, 413),
        "cut gzip": (gzip.compress(good)[:-9], {"content_encoding": "gzip"}, 415),
        "no gzip": (good, {"content_encoding": "gzip"}, 415),
        "another encoding": (zlib.compress(good), {"content_encoding": "br"}, 415),
        "good gzip": (gzip.compress(good), {"content_encoding": "gzip"}, 202),
        "gzip in two members": (gzip.compress(good[:50]) + gzip.compress(good[50:]), {"content_encoding": "gzip"}, 202),
        "a wrong content type": (good, {"content_type": "text/html; charset=utf-16"}, 202),
    }


BODIES = {
    "am": bodies(GOOD) | {"another version": (orjson.dumps(message(alert(1)) | {"version": "5"}), {}, 422)},
    "zbx": bodies(PROBLEM),
}


@pytest.mark.parametrize(("connection", "name"), [(c, name) for c in BODIES for name in BODIES[c]])
def test_every_body_has_its_answer_and_what_was_taken_is_in_the_ledger(api: Api, connection: str, name: str) -> None:
    body, headers, status = BODIES[connection][name]
    answer = post(api, body, f"/v1/inbound/{connection}", **headers)
    assert answer.status_code == status, answer.text[:300]
    ends = api.house.ends()
    if status == 422:  # stored as a dead letter, and said so
        assert ends == {"dead": 1}
        assert api.ask("GET", f"/v1/messages/{answer.json()['message_id']}").json()["events"][0]["end"] == "dead"
        assert api.ask("POST", f"/v1/dead-letters/{_letter(api)}/replay").json()["end"] == "dead"
        assert api.house.ends() == {"dead": 1}
    else:
        assert ends == ({"ticketed": 1} if status == 202 else {})


def _letter(api: Api) -> str:
    return str(api.ask("GET", "/v1/dead-letters").json()["items"][0]["message_id"])


def test_thousands_of_alerts_in_one_message_each_have_their_end(api: Api) -> None:
    small = [{"status": "firing", "labels": {"alertname": "K", "instance": f"w{n}"}, "annotations": {},
              "startsAt": "2026-11-22T04:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": f"{n:016x}"}
             for n in range(4500)]  # fmt: skip
    small[7]["startsAt"] = "never"
    assert post(api, orjson.dumps(message(*small))).status_code == 202
    ends = api.house.ends()
    assert sum(ends.values()) == 4500
    assert ends["dead"] == 1


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from _places(each, (*path, n))


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    made = copy.copy(value)
    made[path[0]] = _with(value[path[0]], path[1:], new)
    return made


WRONG: list[Any] = [None, True, 0, -1, 10**30, 1.5, "", "x", [], [1], {}, {"a": {"b": []}}, [[]], "0001-01-01T00:00:00+14:00",
                    "9999-12-31T23:59:59-14:00"]  # fmt: skip


def test_a_wrong_type_at_any_place_of_a_message_loses_nothing_of_the_rest(api: Api) -> None:
    whole = message(alert(1), alert(2))
    number, sent = 10, 0
    for path in _places(whole):
        for wrong in WRONG:
            number += 2
            fresh = message(alert(number), alert(number + 1))
            body = orjson.dumps(_with(fresh, path, wrong), default=str) if wrong != 10**30 else orjson.dumps(
                _with(fresh, path, "#")).replace(b'"#"', b"1" + b"0" * 30)  # fmt: skip
            answer = post(api, body)
            sent += 1
            assert answer.status_code in (202, 422), (path, wrong, answer.text)
            if len(path) > 2 and path[:2] == ("alerts", 0):
                events = api.ask("GET", f"/v1/messages/{answer.json()['message_id']}").json()["events"]
                assert events[1]["end"] in ("ticketed", "merged"), (path, wrong, events)
    assert sum(api.house.ends().values()) >= sent


def test_texts_that_mean_something_elsewhere_are_only_texts_here(api: Api) -> None:
    for n, nasty in enumerate(NASTY):
        made = alert(n, name=nasty)
        made["labels"] |= {"device": nasty, "customer": nasty, "x" + nasty: nasty}
        made["annotations"] = {"summary": nasty, "description": nasty, "runbook_url": nasty}
        assert post(api, orjson.dumps(message(made))).status_code == 202, nasty
        api.ask("GET", "/v1/tickets", params={"q": nasty})
        api.ask("GET", f"/v1/tickets/{quote(nasty, safe='')}")
        api.ask("GET", "/v1/ids", params={"system": nasty, "kind": "device", "local_id": nasty})
        api.ask("POST", "/v1/tickets", json={"title": nasty, "labels": {nasty: nasty}, "device": nasty})
        api.ask("POST", "/v1/connections", json={"id": nasty, "connector": nasty, "config": {nasty: nasty}})
        api.ask("GET", "/v1/lineage/graph", params={"dataset": nasty, "field": nasty})
        api.ask("POST", "/v1/connections/am/preview", json={"stream": "alert", "record": {nasty: nasty}})
    assert api.house.ends()["ticketed"] > 15
    api.house.verify()
    for ticket in api.ask("GET", "/v1/tickets", params={"limit": 100}).json()["items"]:
        api.ask("GET", f"/v1/tickets/{ticket['id']}/explain")
        api.ask("GET", f"/v1/tickets/{ticket['id']}/lineage", params={"field": "title"})


@pytest.mark.parametrize(
    "body",
    [b'{"title": "\\ud800"}', b'{"\\ud800": 1}', b'{"title": 1e999}', b'{"title": "x", "labels": {"\\udfff": "x"}}', b"\xff",
     b"[", DEEP, b'{"title": "x", "priority": NaN}', b'{"a": ' + b"9" * 5000 + b"}", b"null", b'{"title":"\\u0000"}',
     b'{"id": "x", "connector": "robot", "config": {"a": 1' + b"0" * 400 + b"}}",
     b'{"id": "x", "connector": "robot", "config": {"\\ud800": "\\ud800"}}', b'{"stream": "alert", "record": {"a": "\\ud800"}}',
     b'{"stream": "alert", "record": {"a": NaN, "b": 100000000000000000000000}}', b'{"a": "TKT-2026-000001", "b": "\\ud800"}'],
    ids=range(16),
)  # fmt: skip
def test_no_json_of_a_stranger_breaks_the_api(api: Api, body: bytes) -> None:
    for path in ("/v1/tickets", "/v1/connections", "/v1/connections/am/preview", "/v1/ids/merge", "/v1/tokens"):
        api.ask("POST", path, content=body, headers={"content-type": "application/json"})


def test_a_request_that_is_too_large_is_told_so(api: Api) -> None:
    body = b'{"title": "' + b"x" * (2 << 20) + b'"}'
    answer = api.ask("POST", "/v1/tickets", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_ids_of_any_shape_are_simply_not_found(api: Api) -> None:
    for each in (
        "..%2f..%2fetc%2fpasswd",
        "TKT-2026-999999999999",
        "TKT-99999-1",
        "%00",
        "0",
        "-1",
        "9" * 400,
        "%F0%9F%92%A5",
        "a%0d%0ab",
    ):
        for path in ("/v1/tickets/{}", "/v1/ids/{}", "/v1/messages/{}", "/v1/connections/{}", "/v1/dead-letters/{}",
                     "/v1/tickets/{}/context", "/v1/inbound/{}"):  # fmt: skip
            assert api.ask("GET", path.format(each)).status_code in (404, 405, 422), (path, each)


def test_a_secret_that_is_wrong_is_refused_before_anything_is_stored(api: Api) -> None:
    for token in ("Bearer wrong", "Basic Og==", "Bearer ", "", "Bearer \xff"):
        answer = api.client.post(DOOR, content=GOOD, headers={b"authorization": token.encode("latin-1")})
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"]
    assert api.house.ends() == {}


_texts = st.text(max_size=20, alphabet=st.characters(exclude_categories=["Cs"]))
_names = st.sampled_from(["alerts", "version", "status", "labels", "x"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=200) | _json.map(orjson.dumps))
def test_any_bytes_are_either_stored_or_refused(api: Api, body: bytes) -> None:
    before = sum(api.house.ends().values())
    answer = post(api, body)
    assert sum(api.house.ends().values()) == before + (1 if answer.status_code in (202, 422) else 0)
