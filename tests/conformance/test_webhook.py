"""Manifests of kind `webhook` take the exam: the scaffold, and one for each proof of origin."""

from __future__ import annotations

from typing import Any

from connectors.conformance.exam import suite_of
from connectors.manifest import connector_of, kinds, yaml_text

TestScaffold = suite_of(connector_of(kinds()["webhook"].scaffold("bell")))


def _manifest(name: str, signature: dict[str, Any], *, sample: str = "", **inbound: Any) -> str:
    message = {
        "stream": "event",
        "key": "id",
        "fields": {"id": "text", "at": "datetime", "amount": "number"},
        "samples": [{"id": "A", "at": "2026-11-01T08:00:00Z", "amount": 1}],
    }
    secret = {
        "type": "secret",
        "description": "what messages are signed with",
        **({"sample": sample} if sample else {}),
    }
    return yaml_text.dump(
        {
            "connector": name,
            "kind": "webhook",
            "title": "A sender",
            "title_zh": "某系统",
            "config": {"user": {"description": "its name"}, "key": secret},
            "inbound": {"signature": signature, "messages": [message], **inbound},
        }
    )


def _hmac(**more: Any) -> dict[str, Any]:
    return {"kind": "hmac", "secrets": "{config.key}", **more}


TestAsGitHubSigns = suite_of(
    connector_of(_manifest("github_like", _hmac(header="X-Hub-Signature-256", format="sha256={signature}")))
)
TestAsStripeSigns = suite_of(
    connector_of(
        _manifest("stripe_like", _hmac(header="Stripe-Signature", format="t={timestamp},v1={signature}",
                                       signed="{timestamp}.{body}"), id="id")
    )
)  # fmt: skip
TestAsSlackSigns = suite_of(
    connector_of(
        _manifest("slack_like", _hmac(header="X-Slack-Signature", format="v0={signature}", signed="v0:{timestamp}:{body}",
                                      timestamp_header="X-Slack-Request-Timestamp"))
    )
)  # fmt: skip
TestAsShopifySigns = suite_of(
    connector_of(_manifest("shopify_like", _hmac(header="X-Shopify-Hmac-Sha256", encoding="base64")))
)
TestStandardWebhooks = suite_of(
    connector_of(
        _manifest("standard", {"kind": "standard", "secrets": ["{config.key}"]}, sample="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    )
)  # fmt: skip
TestBearerToken = suite_of(connector_of(_manifest("bearer_hook", {"kind": "bearer", "token": "{config.key}"})))
TestBasicLogin = suite_of(
    connector_of(
        _manifest("basic_hook", {"kind": "basic", "username": "{config.user}", "password": "{config.key}"})
    )
)  # fmt: skip
