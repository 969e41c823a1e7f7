"""A subscription on a real mosquitto: what is acknowledged is stored, what is not stored comes again."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from typing import Any

import pytest

from connectors.contract import Delivery
from tests.integration.mqtt.conftest import Inbox, Sender, connector, subscribed, wait_until
from tests.real.mosquitto import Mosquitto, flood, running
from tests.real.mqtt_proxy import Proxy


def test_messages_come_in_their_order(broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str) -> None:
    inbox = Inbox()
    with subscribed(broker, inbox, **own) as subscription:
        for number in range(50):
            sender.publish(topic, str(number))
        assert inbox.wait_for(50) == [str(number).encode() for number in range(50)]
        wait_until(lambda: subscription.detail()["acknowledged"] == 50, "all are acknowledged")
    assert inbox.deliveries[0].topic == topic


def test_nothing_is_acknowledged_before_it_is_stored(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    first, second = Inbox(store=False), Inbox()
    with subscribed(broker, first, **own) as subscription:
        for number in range(5):
            sender.publish(topic, str(number))
        first.wait_for(5)
        first.acknowledge(0, 2)
        wait_until(lambda: subscription.detail()["acknowledged"] == 2, "two are acknowledged")
    with subscribed(broker, second, **own):
        assert second.wait_for(3) == [b"2", b"3", b"4"]


def test_acknowledgements_keep_the_order_of_the_messages(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    inbox = Inbox(store=False)
    with subscribed(broker, inbox, **own) as subscription:
        for number in range(4):
            sender.publish(topic, str(number))
        inbox.wait_for(4)
        inbox.acknowledge(1, 4)
        sender.publish(topic, "last")
        inbox.wait_for(5)
        assert subscription.detail()["acknowledged"] == 0, "MQTT wants PUBACKs in the order of the messages"
        inbox.acknowledge(0, 1)
        wait_until(lambda: subscription.detail()["acknowledged"] == 4, "the four that are stored are acknowledged")


def test_acknowledging_from_many_threads_is_safe(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    inbox = Inbox(store=False)
    with subscribed(broker, inbox, **own) as subscription:
        for number in range(200):
            sender.publish(topic, str(number))
        inbox.wait_for(200)
        threads = [threading.Thread(target=inbox.acknowledge, args=(start, start + 25)) for start in range(0, 200, 25)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: subscription.detail()["acknowledged"] == 200, "all are acknowledged")
    late = Inbox()
    with subscribed(broker, late, **own):
        sender.publish(topic, "new")
        assert late.wait_for(1) == [b"new"]


def test_what_was_sent_while_the_hub_was_down_comes_when_it_is_back(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    with subscribed(broker, Inbox(), **own):
        pass
    for number in range(300):
        sender.publish(topic, str(number))
    inbox = Inbox()
    with subscribed(broker, inbox, **own):
        assert inbox.wait_for(300) == [str(number).encode() for number in range(300)]


def test_without_a_session_nothing_is_kept(broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str) -> None:
    with subscribed(broker, Inbox(), session_expiry_s=0, **own):
        pass
    sender.publish(topic, "lost")
    inbox = Inbox()
    with subscribed(broker, inbox, session_expiry_s=0, **own):
        sender.publish(topic, "new")
        assert inbox.wait_for(1) == [b"new"]


def test_a_session_that_ran_out_is_not_missed_and_what_comes_after_it_arrives(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    sender.subscribe("$SYS/broker/clients/expired")

    def given_up() -> bool:  # what the broker keeps of its own figures it forgets after a minute: only news counts
        return any(int(figure.payload) for figure in sender.said if not figure.retain)

    with subscribed(broker, Inbox(), session_expiry_s=1, **own):
        pass
    sender.publish(topic, "lost")
    wait_until(given_up, "the broker gives the session up")
    inbox = Inbox()
    with subscribed(broker, inbox, session_expiry_s=1, **own):
        sender.publish(topic, "new")
        assert inbox.wait_for(1) == [b"new"]


def test_old_brokers_keep_a_session_too(broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str) -> None:
    first, second = Inbox(store=False), Inbox()
    with subscribed(broker, first, protocol="3.1.1", **own):
        sender.publish(topic, "1")
        first.wait_for(1)
    sender.publish(topic, "2")
    with subscribed(broker, second, protocol="3.1.1", **own):
        assert second.wait_for(2) == [b"1", b"2"]


def test_websockets_carry_the_same(broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str) -> None:
    inbox = Inbox()
    with subscribed(broker, inbox, **own | {"url": broker.ws_url}) as subscription:
        sender.publish(topic, "x" * 200_000)
        for number in range(100):
            sender.publish(topic, str(number))
        assert len(inbox.wait_for(101)[0]) == 200_000
        wait_until(lambda: subscription.detail()["acknowledged"] == 101, "all are acknowledged")


# -- a full inbox ------------------------------------------------------------------------------------------------------


def test_a_full_inbox_gets_the_messages_later_in_their_order(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    inbox = Inbox(full=True)
    with subscribed(broker, inbox, **own) as subscription:
        for number in range(20):
            sender.publish(topic, str(number))
        wait_until(lambda: subscription.detail()["held"] == 20, "all are held")
        assert subscription.detail()["acknowledged"] == 0
        inbox.full = False
        assert inbox.wait_for(20) == [str(number).encode() for number in range(20)]
        assert subscription.detail()["reconnects"] == 0


def test_a_full_inbox_holds_no_more_than_the_receive_maximum(
    broker: Mosquitto, own: dict[str, Any], topic: str
) -> None:
    inbox = Inbox(full=True)
    settings = {**own, "topics": [{"topic": "dt/{site}/{device}/{metric}"}], "receive_maximum": 20}
    with subscribed(broker, inbox, **settings) as subscription:
        flood(broker.port, 500)
        wait_until(lambda: subscription.detail()["held"] >= 20, "messages are held")
        assert subscription.detail()["received"] <= 25, "mosquitto keeps the receive maximum only roughly"
        inbox.full = False
        inbox.wait_for(500)


def test_a_full_inbox_leaves_qos_0_messages_unread(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    inbox = Inbox(full=True)
    with subscribed(broker, inbox, receive_maximum=10, keepalive_s=3600, **own) as subscription:
        for number in range(100_000):
            sender.client.publish(topic, f"{number:0100}", qos=0)
        sender.publish(topic, "end")
        wait_until(lambda: subscription.detail()["held"] > 10, "messages are held")
        assert subscription.detail()["held"] < 20_000, "it read on although nothing can be stored"


# -- a hub that fails --------------------------------------------------------------------------------------------------


def test_what_the_hub_took_and_did_not_store_is_asked_for_again(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    inbox = Inbox(store=False)
    with subscribed(broker, inbox, redeliver_after_s=1, **own) as subscription:
        sender.publish(topic, "1")
        inbox.wait_for(1)
        inbox.store = True
        assert inbox.wait_for(2) == [b"1", b"1"]
        wait_until(lambda: subscription.detail()["acknowledged"] == 1, "it is acknowledged")
        assert subscription.alive()


def test_an_inbox_that_breaks_ends_the_subscription_and_loses_nothing(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def offer(self, delivery: Delivery, acknowledge: Callable[[], None]) -> bool:
            raise ZeroDivisionError("a bug of the hub")

    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    subscription = connector(broker, **own).subscribe(Broken())
    sender.publish(topic, "1")
    wait_until(lambda: not subscription.alive(), "the subscription says that it is dead")
    wait_until(lambda: told, "the bug is told")
    assert told[0].exc_type is ZeroDivisionError
    subscription.close()
    inbox = Inbox()
    with subscribed(broker, inbox, **own):
        assert inbox.wait_for(1) == [b"1"]


# -- a broker that fails -----------------------------------------------------------------------------------------------


def test_a_killed_broker_is_found_again_and_what_was_not_stored_comes_again() -> None:
    with running(autosave_s=1) as broker:
        inbox = Inbox(store=False)
        with subscribed(broker, inbox) as subscription:
            sender = Sender(broker)
            sender.publish("dt/p/d/t", "1")
            inbox.wait_for(1)
            wait_until(lambda: _saved(broker), "mosquitto has saved its queue")
            broker.kill()
            wait_until(lambda: not subscription.detail()["connected"], "the loss is noticed")
            assert subscription.alive(), "it can recover by itself"
            broker.start()
            assert inbox.wait_for(2) == [b"1", b"1"]
            inbox.acknowledge()
            wait_until(lambda: subscription.detail()["acknowledged"] == 1, "the repeat is acknowledged")
            sender.client.reconnect()
            sender.publish("dt/p/d/t", "2")
            assert inbox.wait_for(3)[-1] == b"2"
            sender.close()


def test_a_repeat_of_a_bare_value_is_known_as_one() -> None:
    with running() as broker:
        inbox = Inbox(store=False)
        with subscribed(broker, inbox, redeliver_after_s=1) as subscription:
            sender = Sender(broker)
            sender.publish("dt/p/d/t", "21.5")
            sender.publish("dt/p/d/t", "21.5")
            inbox.wait_for(4)
            reader = connector(broker)
            ids = [reader.receive(delivery)[0].id for delivery in inbox.deliveries[:4]]
            assert ids[0] != ids[1], "two equal values are two readings"
            assert ids[2:] == ids[:2], "the broker's repeats are the same two"
            assert subscription.detail()["repeats"] >= 2
            sender.close()


def test_what_was_stored_while_the_line_was_down_is_acknowledged_without_asking_the_hub_again(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    proxy, inbox = Proxy(broker.port), Inbox(store=False)
    with subscribed(broker, inbox, **own | {"url": proxy.url}) as subscription:
        sender.publish(topic, "21.5")
        inbox.wait_for(1)
        proxy.cut()
        wait_until(lambda: not subscription.detail()["connected"], "the loss is noticed")
        inbox.acknowledge()
        wait_until(lambda: subscription.detail()["acknowledged"] == 1, "the broker's repeat is acknowledged")
        sender.publish(topic, "22.5")
        assert inbox.wait_for(2) == [b"21.5", b"22.5"]
    proxy.close()


def test_an_acknowledgement_that_comes_too_late_for_its_line_says_nothing_about_a_new_message() -> None:
    with running() as broker:
        proxy, inbox = Proxy(broker.port), Inbox(store=False)
        with subscribed(broker, inbox, url=proxy.url) as subscription:
            sender = Sender(broker)
            sender.publish("dt/p/d/t", "old")
            inbox.wait_for(1)
            broker.kill()
            shutil.rmtree(broker.folder / "data")  # the new broker knows nothing and counts its messages from one again
            broker.start()
            wait_until(lambda: subscription.detail()["reconnects"] == 1, "it is back")
            sender.client.reconnect()
            sender.publish("dt/p/d/t", "new")
            inbox.wait_for(2)
            inbox.acknowledge(0, 1)
            assert subscription.detail()["sessions_lost"] == 1
            sender.publish("dt/p/d/t", "newer")
            inbox.wait_for(3)
            assert subscription.detail()["acknowledged"] == 0, "the new message has the old one's number"
            inbox.acknowledge()
            wait_until(lambda: subscription.detail()["acknowledged"] == 2, "both are acknowledged")
            sender.close()
        proxy.close()


def test_a_line_that_breaks_again_and_again_loses_nothing(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    proxy, inbox = Proxy(broker.port), Inbox()
    with subscribed(broker, inbox, **own | {"url": proxy.url}) as subscription:
        for turn in range(3):
            for number in range(20):
                sender.publish(topic, f"{turn}-{number}")
            inbox.wait_for(20 * turn + 10)
            proxy.cut()
            wait_until(lambda: subscription.detail()["reconnects"] > turn, "it is back")  # noqa: B023
        expected = {f"{turn}-{number}".encode() for turn in range(3) for number in range(20)}
        wait_until(lambda: set(inbox.bodies) == expected, "all come")
    proxy.close()


def test_a_client_of_the_same_name_is_suspected(broker: Mosquitto, own: dict[str, Any]) -> None:
    with subscribed(broker, Inbox(), **own) as subscription:
        thief = Sender(broker, own["client_id"])  # which, like the hub, connects again whenever it is thrown out
        wait_until(lambda: "does another client" in subscription.detail()["error"], "the reason is suspected")
        assert own["client_id"] in subscription.detail()["error"]
        thief.close()


# -- several hubs ------------------------------------------------------------------------------------------------------


def test_a_shared_group_gets_each_message_once(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    one, two = Inbox(), Inbox()
    with subscribed(broker, one, shared_group="hubs", **own), subscribed(broker, two, shared_group="hubs", **own):
        for number in range(100):
            sender.publish(topic, str(number))
        wait_until(lambda: len(one.bodies) + len(two.bodies) >= 100, "all come")
        assert sorted(one.bodies + two.bodies) == sorted(str(number).encode() for number in range(100))
        assert one.bodies
        assert two.bodies


def test_what_a_dead_member_of_a_group_left_goes_to_the_others(
    broker: Mosquitto, sender: Sender, own: dict[str, Any], topic: str
) -> None:
    one, two = Inbox(), Inbox()
    with subscribed(broker, two, shared_group="hubs", **own):
        with subscribed(broker, one, shared_group="hubs", **own):
            pass
        for number in range(20):
            sender.publish(topic, str(number))
        assert len(two.wait_for(20)) == 20


def _saved(broker: Mosquitto) -> bool:
    file = broker.folder / "data" / "mosquitto.db"
    return file.exists() and b"dt/p/d/t" in file.read_bytes()
