"""What becomes of a mail, told by how far it came."""

from __future__ import annotations

import email
import email.policy
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from connectors.channels import Message, Target
from connectors.contract import Command, Outcome
from connectors.errors import Ambiguous, AuthProblem, BadRecord, ConfigProblem, InvalidConfig, Transient
from connectors.settings import parse_config
from connectors.smtp import EmailConfig, EmailConnector
from connectors.smtp.messages import mail, receivers
from connectors.smtp.sandbox import Sandbox

LOGIN = ("weft@example.com", "a-password-of-the-test")
AT = datetime(2026, 11, 22, 4, 5, 6, tzinfo=UTC)


class Post:
    """A mail server, and connectors on it."""

    def __init__(self, **options: Any) -> None:
        self.sandbox = Sandbox(**options)
        self.port = self.sandbox.serve()

    def connector(self, **more: Any) -> EmailConnector:
        given = {"host": "127.0.0.1", "port": self.port, "security": "none", "from_address": "weft@example.com"}
        given |= {"default_to": ["duty@example.com"], "timeout_s": 2, **more}
        parsed: Any = parse_config(EmailConnector, given)
        return EmailConnector(parsed, clock=lambda: AT)


@pytest.fixture
def post() -> Iterator[Post]:
    made = Post()
    yield made
    made.sandbox.close()


def say(title: str = "7 号冲压机过热", *, id: str = "c-1", key: Any = None, **body: Any) -> Command:
    return Command(id, "send", {"to": "default"} if key is None else key, {"title": title, **body})


def test_a_mail_has_subject_text_link_and_its_number(post: Post) -> None:
    command = say(text="主轴 **95 ℃**", link="https://hub.test/t/1", priority="P0", thread="TKT-1")
    receipt = post.connector(default_cc=["boss@example.com"]).write(command)
    arrived = post.sandbox.messages[0]
    assert arrived.to == ("duty@example.com", "boss@example.com")
    assert arrived.title == "🔴 P0 7 号冲压机过热"
    assert arrived.text.splitlines() == ["🔴 P0 7 号冲压机过热", "", "主轴 95 ℃", "", "https://hub.test/t/1"]
    headers = arrived.payload
    assert headers["message-id"] == receipt.external_id == f"<{command.idempotency_key}.weft@example.com>"
    assert (headers["auto-submitted"], headers["importance"]) == ("auto-generated", "High")
    assert headers["date"] == "Sun, 22 Nov 2026 04:05:06 +0000"


def test_a_command_has_one_number_at_every_try_and_a_ticket_one_thread(post: Post) -> None:
    mailer = post.connector()
    for id_ in ("1", "1", "2"):
        mailer.write(say(id=id_, thread="TKT-1"))
    first, again, other = (m.payload for m in post.sandbox.messages)
    assert first["message-id"] == again["message-id"] != other["message-id"]
    assert first["references"] == other["references"]


@pytest.mark.parametrize(
    "word", ["\r\nBcc: evil@elsewhere.test", "\nBcc: evil@elsewhere.test", "\x0bBcc: x", "a\u2028Bcc: x"]
)
def test_no_title_begins_another_header(post: Post, word: str) -> None:
    assert post.connector().write(say(f"hello{word}")).outcome is Outcome.applied
    arrived = post.sandbox.messages[0]
    assert arrived.to == ("duty@example.com",)
    assert "bcc" not in arrived.payload


ADDRESSES = [
    "a@b.c\r\nBcc: x@example.com",
    "a@b.c>",
    "Duty <duty@example.com>",
    "a b@example.com",
    "duty",
    "@example.com",
    "值班@example.com",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_no_plain_one_is_rejected(post: Post, address: str) -> None:
    receipt = post.connector().write(say(key={"users": [address]}))
    assert (receipt.outcome, receipt.reason.startswith("key.users")) == (Outcome.rejected, True)
    assert post.sandbox.sessions == 0


@given(title=st.text(max_size=80), text=st.text(max_size=200))
def test_whatever_is_said_a_mail_can_be_made_and_read_again(title: str, text: str) -> None:
    config = EmailConfig(host="h", from_address="weft@example.com", default_to=("a@example.com",))
    try:
        message = Message.of({"title": title, "text": text})
    except BadRecord:
        return
    made = mail(config, ["a@example.com"], [], message, "0" * 32, AT)
    read = email.message_from_bytes(made, policy=email.policy.default)
    assert set(read.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Type",
        "Content-Transfer-Encoding", "MIME-Version",
    }  # fmt: skip
    assert read["To"] == "a@example.com"


def test_a_line_that_begins_with_a_dot_arrives_as_it_was(post: Post) -> None:
    post.connector().write(say(text=".\n..\n.hidden"))
    assert post.sandbox.messages[0].text.splitlines()[2:] == [".", "..", ".hidden"]


# -- answers -----------------------------------------------------------------------------------------------------------


def test_some_receivers_refused_is_a_mail_to_the_others(post: Post) -> None:
    receipt = post.connector().write(say(key={"users": "gone@example.com|zhang@example.com"}))
    assert receipt.outcome is Outcome.applied
    assert receipt.values["left_out"] == {"gone@example.com": "550 5.1.1 User unknown"}
    assert post.sandbox.messages[0].to == ("zhang@example.com",)


def test_all_receivers_refused_is_a_rejection_with_the_servers_words(post: Post) -> None:
    receipt = post.connector().write(say(key={"users": "gone@example.com"}))
    assert (receipt.outcome, receipt.reason) == (Outcome.rejected, "gone@example.com: 550 5.1.1 User unknown")


def test_all_receivers_refused_for_now_come_back_later(post: Post) -> None:
    with pytest.raises(Transient, match="Greylisted"):
        post.connector().write(say(key={"users": "later@example.com"}))


def test_a_busy_server_is_tried_again(post: Post) -> None:
    post.sandbox.be_busy()
    with pytest.raises(Transient, match="451"):
        post.connector().write(say())
    assert post.connector().write(say()).outcome is Outcome.applied


def test_a_mail_over_the_servers_size_is_rejected_before_it_is_sent() -> None:
    post = Post(limit=2000)
    try:
        receipt = post.connector().write(say(text="x" * 3000))
        assert receipt.outcome is Outcome.rejected
        assert "2000" in receipt.reason
        assert post.sandbox.messages == []
    finally:
        post.sandbox.close()


def test_a_sender_that_the_server_does_not_take_needs_a_person(post: Post) -> None:
    with pytest.raises(ConfigProblem, match="553") as raised:
        post.connector(from_address="weft@elsewhere.test").write(say())
    assert "from_address" in raised.value.hint


def test_a_line_that_breaks_after_the_mail_is_a_doubt_and_before_it_is_none() -> None:
    troubles = iter(["", "ambiguous", "cut", ""])
    post = Post(trouble=lambda mail: next(troubles))
    try:
        with pytest.raises(Ambiguous):
            post.connector().write(say())
        with pytest.raises(Transient):
            post.connector().write(say())
    finally:
        post.sandbox.close()


def test_nobody_there_is_passing() -> None:
    post = Post()
    post.sandbox.close()
    with pytest.raises(Transient, match="can't be reached"):
        post.connector().write(say())


# -- TLS and login -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    made, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return context, path


@pytest.fixture
def secured(authority: tuple[ssl.SSLContext, Path]) -> Iterator[tuple[Post, dict[str, Any]]]:
    made = Post(tls=authority[0], login=LOGIN)
    login = {"security": "starttls", "ca_file": str(authority[1]), "username": LOGIN[0], "password": LOGIN[1]}
    yield made, login
    made.sandbox.close()


def test_a_login_goes_under_tls(secured: tuple[Post, dict[str, Any]]) -> None:
    post, login = secured
    assert post.connector(**login).write(say()).outcome is Outcome.applied


def test_a_refused_login_needs_a_person(secured: tuple[Post, dict[str, Any]]) -> None:
    post, login = secured
    mailer = post.connector(**login)
    assert mailer.check().ok
    post.sandbox.lock_out()
    for call in (mailer.check, lambda: mailer.write(say())):
        with pytest.raises(AuthProblem, match="535") as raised:
            call()
        assert LOGIN[1] not in str(raised.value)
    post.sandbox.let_in()
    assert mailer.check().ok


def test_a_certificate_of_an_unknown_authority_is_a_wrong_setting(secured: tuple[Post, dict[str, Any]]) -> None:
    post, login = secured
    with pytest.raises(ConfigProblem, match="certificate") as raised:
        post.connector(**{**login, "ca_file": ""}).write(say())
    assert "ca_file" in raised.value.hint


def test_a_server_without_starttls_is_not_written_to_in_clear(post: Post) -> None:
    with pytest.raises(ConfigProblem, match="STARTTLS"):
        post.connector(security="starttls").write(say())
    assert post.sandbox.messages == []


def test_tls_where_there_is_none_is_a_wrong_setting(post: Post) -> None:
    with pytest.raises(ConfigProblem, match="no TLS"):
        post.connector(security="tls").write(say())


def test_a_server_that_wants_a_login_says_so(authority: tuple[ssl.SSLContext, Path]) -> None:
    post = Post(tls=authority[0], login=LOGIN)
    try:
        with pytest.raises(AuthProblem, match="530"):
            post.connector(security="starttls", ca_file=str(authority[1])).write(say())
    finally:
        post.sandbox.close()


@pytest.mark.parametrize(
    ("given_", "path"),
    [
        ({"from_address": "Weft <weft@example.com>"}, "from_address"),
        ({"default_to": ["duty@example.com", "x\nBcc: y"]}, "default_to"),
        ({"username": "weft"}, ""),
        ({"username": "weft", "password": "a-password-of-the-test"}, ""),
        ({"host": "smtp://mail"}, "host"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_their_path(given_: dict[str, Any], path: str) -> None:
    base = {"host": "mail", "from_address": "weft@example.com", "security": "none"}
    with pytest.raises(InvalidConfig) as raised:
        parse_config(EmailConnector, {**base, **given_})
    assert [p.path for p in raised.value.problems] == [path]


def test_a_check_finds_a_receiver_that_is_gone_and_sends_nothing(post: Post) -> None:
    with pytest.raises(ConfigProblem, match="550"):
        post.connector(default_to=["gone@example.com"]).check()
    assert post.sandbox.messages == []


def test_nobody_to_send_to_is_told_by_the_setting() -> None:
    config = EmailConfig(host="h", from_address="weft@example.com")
    with pytest.raises(BadRecord, match="default_to"):
        receivers(config, Target(default=True), Message("t"))
