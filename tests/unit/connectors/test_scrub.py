"""No secret in any text that leaves a connection."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.scrub import MASK, Scrubber

SECRET = 'p@ss "w0rd"/+ü'
FORMS = {
    "plain": SECRET,
    "URL-encoded": quote(SECRET, safe=""),
    "form-encoded": quote_plus(SECRET),
    "in JSON": json.dumps(SECRET),
    "in JSON, not ASCII": json.dumps(SECRET, ensure_ascii=False),
    "in a repr": repr({"password": SECRET}),
    "in base64": base64.b64encode(SECRET.encode()).decode(),
    "in a basic login": base64.b64encode(f"weft:{SECRET}".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_masked_in_whatever_form_it_comes(form: str) -> None:
    told = Scrubber([SECRET], ["weft"]).text(f"GET /x?key={FORMS[form]} failed")
    assert "w0rd" not in told
    assert FORMS[form] not in told
    assert MASK in told


@given(st.text(min_size=4, max_size=30), st.text(max_size=40), st.text(max_size=40))
def test_no_text_keeps_a_secret(secret: str, before: str, after: str) -> None:
    assert not Scrubber([secret]).leaks(Scrubber([secret]).text(before + secret + after)) or secret in MASK


def test_a_very_short_secret_does_not_blank_out_words() -> None:
    scrub = Scrubber(["ab"])
    assert scrub.text("about ab: cab") == f"about {MASK}: cab"


def test_of_two_secrets_the_longer_one_is_masked_whole() -> None:
    assert Scrubber(["abcd", "abcdefgh"]).text("abcdefgh") == MASK


def test_values_are_masked_at_any_depth_and_others_left_alone() -> None:
    assert Scrubber(["s3cret"]).value({"a": ["xs3cretx", 5, None], "s3cret": b"s3cret"}) == {
        "a": [f"x{MASK}x", 5, None],
        MASK: MASK.encode(),
    }


def test_causes_and_tracebacks_are_masked() -> None:
    scrub = Scrubber(["s3cret"])
    error = ValueError("no")
    error.__cause__ = OSError("login weft:s3cret refused")
    assert scrub.causes(error) == [f"caused by builtins.OSError: login weft:{MASK} refused"]
    assert scrub.trace(error).splitlines()[0] == f"OSError: login weft:{MASK} refused"


def test_without_secrets_nothing_changes() -> None:
    assert Scrubber([""]).text("anything") == "anything"
    assert repr(Scrubber(["s3cret"])) == "Scrubber(…)"
