"""Logging in, TLS, and what is said when a broker refuses, is silent, or is no broker at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from connectors.errors import AuthProblem, ConfigProblem, ConnectorError, Transient
from tests.integration.mqtt.conftest import Inbox, Sender, connector, subscribed, wait_until
from tests.real.mosquitto import Mosquitto, running

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Mosquitto]:
    """Asks for passwords and rights; TLS on a second port."""
    acl = [
        "user hub",
        "topic read dt/#",
        "topic read response/#",
        "topic write cmd/#",
        "user device",
        "topic readwrite #",
    ]
    users = {"hub": PASSWORD, "device": "device-password"}
    with running(users=users, acl=acl, tls=True) as broker:
        yield broker


@contextmanager
def scripted(*answers: bytes) -> Iterator[int]:
    """A server on `port` that gives these bytes, one piece for each packet that comes, then closes."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client, suppress(OSError):
                for answer in answers:
                    client.recv(4096)
                    client.sendall(answer)
                client.recv(4096)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(server.getsockname()[1])
    stop.set()
    with suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def refusal(url: str, **settings: Any) -> ConnectorError:
    with pytest.raises(ConnectorError) as raised:
        connector(url, **settings).subscribe(Inbox())
    assert PASSWORD not in f"{raised.value} {raised.value.hint} {raised.value!r}"
    return raised.value


# -- who we are -------------------------------------------------------------------------------------------------------


def test_the_right_password_opens(guarded: Mosquitto) -> None:
    inbox = Inbox()
    with subscribed(guarded, inbox, username="hub", password=PASSWORD) as subscription:
        device = Sender(guarded, username="device", password="device-password")
        device.publish("dt/p/d/t", "1")
        inbox.wait_for(1)
        assert PASSWORD not in repr(subscription) + str(subscription.detail())
        device.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize(
    "account", [{"username": "hub", "password": "wrong"}, {"username": "nobody", "password": "x"}, {}]
)
def test_a_wrong_account_is_a_matter_for_a_person(guarded: Mosquitto, protocol: str, account: dict[str, str]) -> None:
    error = refusal(guarded.url, protocol=protocol, **account)
    assert isinstance(error, AuthProblem)
    assert "`username`" in error.hint


def test_a_password_that_is_changed_meanwhile_ends_the_subscription() -> None:
    with running(users={"hub": PASSWORD}) as broker:
        subscription = connector(broker, username="hub", password=PASSWORD).subscribe(Inbox())
        broker.kill()
        broker.users = {"hub": "another"}
        broker.start()
        wait_until(lambda: not subscription.alive(), "it sees that it can't recover by itself")
        assert "refused the login" in subscription.detail()["error"]
        subscription.close()


def test_mosquitto_grants_a_subscription_that_it_forbids(guarded: Mosquitto) -> None:
    """Why the README tells people to watch that readings arrive: no client can see this."""
    secret = [{"topic": "secret/{device}/{metric}"}]
    with subscribed(
        guarded, Inbox(), username="hub", password=PASSWORD, client_id="other", topics=secret
    ) as subscription:
        assert subscription.alive()


# -- TLS --------------------------------------------------------------------------------------------------------------


def test_the_broker_s_own_authority_is_trusted_when_it_is_given(guarded: Mosquitto) -> None:
    inbox = Inbox()
    settings = {
        "url": guarded.tls_url,
        "ca_file": str(guarded.certificates.ca),
        "username": "hub",
        "password": PASSWORD,
    }
    with subscribed(guarded, inbox, client_id="tls", **settings) as subscription:
        device = Sender(guarded, username="device", password="device-password")
        device.publish("dt/p/d/t", "x" * 500_000)
        for number in range(50):
            device.publish("dt/p/d/t", str(number))
        assert len(inbox.wait_for(51)[0]) == 500_000
        wait_until(lambda: subscription.detail()["acknowledged"] == 51, "all are acknowledged")
        device.close()


def test_an_unknown_authority_is_refused_with_a_remedy(guarded: Mosquitto) -> None:
    error = refusal(guarded.tls_url, username="hub", password=PASSWORD)
    assert isinstance(error, ConfigProblem)
    assert "`ca_file`" in error.hint


def test_checking_can_be_switched_off(guarded: Mosquitto) -> None:
    health = connector(
        guarded, url=guarded.tls_url, verify_tls=False, username="hub", password=PASSWORD, client_id="unchecked"
    ).check()
    assert health.ok


def test_a_certificate_for_another_host_is_refused(guarded: Mosquitto) -> None:
    url = guarded.tls_url.replace("127.0.0.1", "127.0.0.2")
    error = refusal(url, ca_file=str(guarded.certificates.ca), username="hub", password=PASSWORD)
    assert isinstance(error, (ConfigProblem, Transient))


def test_encryption_at_the_plain_port_says_so(guarded: Mosquitto) -> None:
    error = refusal(f"mqtts://127.0.0.1:{guarded.port}", ca_file=str(guarded.certificates.ca))
    assert "speak TLS" in f"{error} {error.hint}"


def test_no_encryption_at_the_encrypted_port_says_so(guarded: Mosquitto) -> None:
    error = refusal(f"mqtt://127.0.0.1:{guarded.tls_port}")
    assert isinstance(error, Transient)
    assert "TLS" in error.hint


def test_a_client_certificate_is_our_account() -> None:
    with running(tls=True, require_certificate=True) as broker:
        made = broker.certificates.make("hub")
        ca = {"ca_file": str(made.ca)}
        own = {"cert_file": str(made.certificate("hub")), "key_file": str(made.key("hub"))}
        assert connector(broker.tls_url, **ca, **own).check().ok
        error = refusal(broker.tls_url, **ca)
        assert isinstance(error, AuthProblem)
        assert "`cert_file`" in error.hint


def test_a_key_that_does_not_belong_to_its_certificate_is_refused(guarded: Mosquitto) -> None:
    made = guarded.certificates.make("a").make("b")
    error = refusal(guarded.tls_url, cert_file=str(made.certificate("a")), key_file=str(made.key("b")))
    assert isinstance(error, ConfigProblem)
    assert "key_file" in str(error)


# -- check ------------------------------------------------------------------------------------------------------------


def test_check_logs_in_and_leaves_a_running_subscription_alone(broker: Mosquitto, own: dict[str, Any]) -> None:
    with subscribed(broker, Inbox(), **own) as subscription:
        health = connector(broker, **own).check()
        assert health.ok
        assert health.remote_version.startswith("mosquitto version 2")
        assert subscription.detail()["connected"]
        assert subscription.detail()["reconnects"] == 0


def test_check_names_each_topic_that_is_refused() -> None:
    version = b"\x30\x19\x00\x13$SYS/broker/version\x00abc"
    with scripted(
        bytes([0x20, 3, 0, 0, 0]), b"\x90\x04\x00\x01\x00\x87", b"\x90\x04\x00\x02\x00\x00" + version
    ) as port:
        health = connector(f"mqtt://127.0.0.1:{port}", topics=[{"topic": "dt/{device}/{metric}"}]).check()
    assert not health.ok
    assert health.remote_version == "abc"
    assert [m.right for m in health.missing_rights] == ["subscribe to dt/+/+"]
    assert health.missing_rights[0].grant_at


def test_a_check_that_is_broken_off_says_so() -> None:
    with scripted(bytes([0x20, 3, 0, 0, 0])) as port, pytest.raises(Transient, match="during the check"):
        connector(f"mqtt://127.0.0.1:{port}", timeout_s=1).check()


# -- brokers that refuse, and what is no broker -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0x86, AuthProblem),
        (0x87, AuthProblem),
        (0x8A, AuthProblem),
        (0x84, ConfigProblem),
        (0x85, ConfigProblem),
        (0x9D, ConfigProblem),
        (0x88, Transient),
        (0x89, Transient),
        (0x9F, Transient),
    ],
)
def test_every_refusal_says_what_must_happen_next(code: int, kind: type[ConnectorError]) -> None:
    with scripted(bytes([0x20, 3, 0, code, 0])) as port:
        assert type(refusal(f"mqtt://127.0.0.1:{port}")) is kind


@pytest.mark.parametrize(
    ("code", "kind"), [(0x87, AuthProblem), (0x8F, ConfigProblem), (0x9E, ConfigProblem), (0x97, Transient)]
)
def test_a_refused_subscription_names_the_topic(code: int, kind: type[ConnectorError]) -> None:
    with scripted(bytes([0x20, 3, 0, 0, 0]), b"\x90\x04\x00\x01\x00" + bytes([code])) as port:
        error = refusal(f"mqtt://127.0.0.1:{port}")
        assert type(error) is kind
        assert "dt/+/+/+" in str(error)


def test_an_old_broker_refuses_a_subscription_without_reason() -> None:
    with scripted(bytes([0x20, 2, 0, 0]), b"\x90\x03\x00\x01\x80") as port:
        assert "dt/+/+/+" in str(refusal(f"mqtt://127.0.0.1:{port}", protocol="3.1.1"))


def test_a_session_that_is_taken_over_says_so() -> None:
    with scripted(bytes([0x20, 3, 0, 0, 0]), b"\x90\x04\x00\x01\x00\x01" + b"\xe0\x02\x8e\x00") as port:
        error = refusal(f"mqtt://127.0.0.1:{port}")
    assert "Session taken over" in str(error)
    assert "`client_id`" in str(error)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\xff\xff\xff\xff", b"SSH-2.0-x\r\n", b""]
)
def test_what_is_no_broker_is_a_typed_error(answer: bytes) -> None:
    with scripted(answer) as port:
        assert isinstance(refusal(f"mqtt://127.0.0.1:{port}", timeout_s=1), (Transient, ConfigProblem))


def test_silence_is_not_waited_for_longer_than_the_setting() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    error = refusal(f"mqtt://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.3)
    assert "did not answer as a broker" in str(error)
    server.close()


def test_nobody_there_is_said_plainly() -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    error = refusal(f"mqtt://127.0.0.1:{port}")
    assert isinstance(error, Transient)
    assert "can't be reached" in str(error)


def test_a_host_that_does_not_exist_is_said_plainly() -> None:
    assert "unknown" in str(refusal("mqtt://no-such-host.invalid"))
