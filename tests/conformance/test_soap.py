"""Manifests of kind `soap` take the exam: the scaffold, and one for each way to show who calls."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.conformance.exam import suite_of
from connectors.manifest import connector_of, kinds, yaml_text

SCAFFOLD = kinds()["soap"].scaffold("orders")
TestScaffold = suite_of(connector_of(SCAFFOLD))

QUESTION = {
    "title": "The order",
    "title_zh": "工单",
    "needs": ["reference"],
    "call": {"operation": "FindReport", "arguments": {"reference": "{input.reference}"}},
    "values": {"report": "text"},
    "link": "{config.url}/reports/{input.reference}",
    "samples": [
        {"inputs": {"reference": "x-1"}, "answer": {"reference": "x-1", "report": "R-7"}, "values": {"report": "R-7"}}
    ],
}


def changed(name: str, **more: Any) -> Any:
    return connector_of(yaml_text.dump(yaml_text.load(SCAFFOLD) | {"connector": name} | more))


def _stream(**more: Any) -> dict[str, Any]:
    return {"order": yaml_text.load(SCAFFOLD)["streams"]["order"] | more}


_USER = {"username": "{config.user}", "password": "{config.password}"}
_ALL = {"operation": "GetOrders", "arguments": {"page": 1, "size": 1000}}
TestBasicAuthenticationAndAQuestion = suite_of(
    changed("basic_orders", auth={"kind": "basic", **_USER}, questions={"report_of": QUESTION})
)
TestPasswordDigestAndOffsets = suite_of(
    changed(
        "digest_orders",
        auth={"kind": "wsse", "digest": True, **_USER},
        streams=_stream(
            call={
                "operation": "GetOrders",
                "arguments": {"changedSince": "{since}", "page": "{page.offset}", "size": "{page.size}"},
            },
            paging={"kind": "offset", "total": "total"},
        ),
    )
)
TestKeyInASoapHeader = suite_of(
    changed("key_orders", auth={"kind": "element", "name": "{urn:orders}Key", "value": {"Token": "{config.password}"}})
)
TestKeyInAnHttpHeaderAndAListReadWhole = suite_of(
    changed(
        "whole_orders",
        auth={"kind": "header", "name": "X-Key", "value": "{config.password}"},
        streams={
            "order": {
                "call": _ALL, "records": "order", "key": "no", "absent_is_deleted": True,
                "fields": {"no": "text", "item": "text", "quantity": "number", "changedAt": "datetime"},
                "samples": [{"no": "W-1", "quantity": 1, "changedAt": "2026-11-01T08:00:00Z"}],
            }
        },
    )
)  # fmt: skip


@pytest.mark.parametrize("wsdl", ["", "<html/>", "<definitions xmlns='http://schemas.xmlsoap.org/wsdl/'/>"])
def test_without_a_usable_wsdl_there_is_no_exam(wsdl: str) -> None:
    world = suite_of(changed("broken_orders", wsdl_text=wsdl)).world_type
    with pytest.raises(ValueError, match="WSDL") if not wsdl else pytest.raises(Exception, match="WSDL"):
        world()
