"""Who sent it: the proofs of well-known senders, and what must not pass for one."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from connectors.contract import Delivery
from connectors.errors import AuthProblem
from connectors.manifest import BadManifest, connector_of, yaml_text
from connectors.settings import parse_config

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"id": "7", "at": "2026-11-22T08:00:00Z"}'


def receiver(signature: dict[str, Any], **config: str) -> Any:
    manifest = {
        "connector": "sender",
        "kind": "webhook",
        "title": "A sender",
        "title_zh": "某系统",
        "config": {
            "new": {"type": "secret", "description": "the key in use"},
            "old": {"type": "secret", "description": "the key before", "optional": True},
        },
        "inbound": {"signature": signature, "messages": [{"stream": "event", "key": "id"}]},
    }
    kind: Any = connector_of(yaml_text.dump(manifest))
    return kind(parse_config(kind, {"new": KEY, **config}))


def delivery(headers: dict[str, str], body: bytes = BODY, at: datetime = NOW) -> Delivery:
    return Delivery(body, headers, received_at=at)


def digest(text: bytes, key: str = KEY) -> str:
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()


STRIPE = {
    "kind": "hmac", "secrets": ["{config.new}", "{config.old}"], "header": "Stripe-Signature",
    "format": "t={timestamp},v1={signature}", "signed": "{timestamp}.{body}",
}  # fmt: skip
STANDARD = {"kind": "standard", "secrets": ["{config.new}", "{config.old}"]}


def stripe(at: datetime = NOW, key: str = KEY, body: bytes = BODY) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    return {"stripe-signature": f"t={stamp},v1={digest(stamp.encode() + b'.' + body, key)},v0=old"}


def standard(at: datetime = NOW, key: str = KEY, number: str = "msg_1") -> dict[str, str]:
    """As the library itself signs."""
    signature = Webhook(key).sign(number, at, BODY.decode())
    return {"webhook-id": number, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def test_what_the_library_of_standard_webhooks_signs_is_taken() -> None:
    (event,) = receiver(STANDARD).receive(delivery(standard()))
    assert (event.id, event.key) == ("msg_1:0", "7")


def test_standard_webhooks_may_carry_several_signatures_of_which_one_is_ours() -> None:
    headers = standard()
    headers["webhook-signature"] = f"v1a,abc v1,AAAA {headers['webhook-signature']}"
    assert receiver(STANDARD).receive(delivery(headers))


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_standard_webhooks_need_all_their_headers(missing: str) -> None:
    with pytest.raises(AuthProblem, match="needed"):
        receiver(STANDARD).receive(delivery({**standard(), missing: ""}))


def test_another_id_than_the_signed_one_is_a_forgery() -> None:
    with pytest.raises(AuthProblem):
        receiver(STANDARD).receive(delivery({**standard(), "webhook-id": "msg_2"}))


@pytest.mark.parametrize("off", [timedelta(minutes=-6), timedelta(minutes=6)])
@pytest.mark.parametrize(("form", "signed"), [(STRIPE, stripe), (STANDARD, standard)])
def test_an_old_message_and_one_from_the_future_are_refused(form: Any, signed: Any, off: timedelta) -> None:
    with pytest.raises(AuthProblem, match="away from the hub's"):
        receiver(form).receive(delivery(signed(NOW + off)))


@pytest.mark.parametrize(("form", "signed"), [(STRIPE, stripe), (STANDARD, standard)])
def test_the_old_secret_is_taken_as_long_as_it_is_filled_in(form: Any, signed: Any) -> None:
    other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    assert receiver(form, old=other).receive(delivery(signed(key=other)))
    with pytest.raises(AuthProblem):
        receiver(form).receive(delivery(signed(key=other)))


def test_an_empty_old_secret_signs_nothing() -> None:
    forged = stripe(key="")
    with pytest.raises(AuthProblem):
        receiver(STRIPE, old="").receive(delivery(forged))


def test_without_any_secret_everything_is_refused_and_check_says_so() -> None:
    closed = receiver({**STRIPE, "secrets": ["{config.old}"]})
    with pytest.raises(AuthProblem, match="no secret"):
        closed.receive(delivery(stripe(key="")))
    health = closed.check()
    assert not health.ok
    assert "no secret" in health.message


def test_slack_signs_a_header_of_its_own_with_the_time() -> None:
    form = {"kind": "hmac", "secrets": "{config.new}", "header": "X-Slack-Signature", "format": "v0={signature}",
            "signed": "v0:{timestamp}:{body}", "timestamp_header": "X-Slack-Request-Timestamp"}  # fmt: skip
    stamp = str(int(NOW.timestamp()))
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": "v0=" + digest(f"v0:{stamp}:".encode() + BODY)}
    assert receiver(form).receive(delivery(headers))
    with pytest.raises(AuthProblem):
        receiver(form).receive(delivery({**headers, "x-slack-request-timestamp": str(int(stamp) + 1)}))


def test_the_body_is_signed_byte_for_byte() -> None:
    spaced = BODY.replace(b": ", b":  ")
    with pytest.raises(AuthProblem):
        receiver(STRIPE).receive(delivery(stripe(), spaced))
    assert receiver(STRIPE).receive(delivery(stripe(body=spaced), spaced))


def test_a_token_may_come_as_the_last_part_of_the_address_only_where_that_is_allowed() -> None:
    bare = Delivery(BODY, {}, path_token=KEY, received_at=NOW)
    assert receiver({"kind": "bearer", "token": "{config.new}", "in_path": True}).receive(bare)
    with pytest.raises(AuthProblem):
        receiver({"kind": "bearer", "token": "{config.new}"}).receive(bare)


@given(st.dictionaries(st.sampled_from(["stripe-signature", "webhook-id", "authorization"]), st.text(max_size=80)))
def test_no_header_whatever_it_holds_passes_for_a_proof(headers: dict[str, str]) -> None:
    for form in (STRIPE, STANDARD, {"kind": "basic", "username": "u", "password": "{config.new}"}):
        with pytest.raises(AuthProblem):
            receiver(form).receive(delivery(headers))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"secrets": "literal"}, "a secret stands in no manifest"),
        ({"secrets": "{config.nothing}"}, "config.nothing"),
        ({"format": "{sig}"}, "write parts such as"),
        ({"signed": "{body}"}, "a time protects only when it is signed"),
        ({"format": "v1={signature}"}, "a time protects only when it is signed"),
        ({"signed": "{timestamp}"}, "signed uses {body}"),
    ],
)
def test_a_signature_that_protects_nothing_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(BadManifest) as refusal:
        receiver({**STRIPE, **change})
    assert told in str(refusal.value)
