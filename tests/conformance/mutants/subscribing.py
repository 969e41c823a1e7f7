"""Mistakes in subscribing."""

from tests.conformance.mutants.mutant import FEED, Mutant

SUBSCRIBING = [
    Mutant(
        "messages are acknowledged before they are stored",
        FEED,
        '        return self._sink.offer(delivery, self._acknowledgement(message["id"]))\n',
        '        self._acknowledgement(message["id"])()\n        return self._sink.offer(delivery, lambda: None)\n',
        ("test_what_was_not_acknowledged_comes_again",),
    ),
    Mutant(
        "messages are never acknowledged",
        FEED,
        'self._sink.offer(delivery, self._acknowledgement(message["id"]))',
        "self._sink.offer(delivery, lambda: None)",
        ("test_what_was_acknowledged_does_not_come_again",),
    ),
    Mutant(
        "what a full inbox refuses is acknowledged",
        FEED,
        '        return self._sink.offer(delivery, self._acknowledgement(message["id"]))\n',
        """        if not self._sink.offer(delivery, self._acknowledgement(message["id"])):
            self._acknowledgement(message["id"])()
        return True
""",
        ("test_what_a_full_inbox_refuses_comes_later",),
    ),
    Mutant(
        "a dead subscription says it is alive",
        FEED,
        "        return self._thread.is_alive() and not self._closing.is_set()\n",
        "        return not self._closing.is_set()\n",
        ("test_a_cut_line_loses_nothing",),
    ),
    Mutant(
        "a closed subscription goes on",
        FEED,
        "        self._closing.set()\n        if self._thread.is_alive():\n            self._thread.join()\n",
        '        self._ended_because = "closed"\n',
        ("test_a_closed_subscription_is_quiet",),
    ),
    Mutant(
        "a subscription's detail tells the password",
        FEED,
        '"ended_because": self._ended_because}',
        '"ended_because": self._ended_because, "login": "weft:pa55-word/with+signs"}',
        ("test_its_detail_is_readable_and_tells_no_secret",),
    ),
    Mutant(
        "the first message is passed over",
        FEED,
        '                for message in answer["messages"]:',
        '                for message in answer["messages"][1:]:',
        ("test_what_is_published_is_offered",),
    ),
    Mutant(
        "a delivery does not say when it came",
        FEED,
        "            received_at=datetime.now(UTC),\n",
        "",
        ("test_what_is_offered_can_be_received",),
    ),
    Mutant(
        "an offered delivery has lost its signature",
        FEED,
        '            {"x-acme-signature": message["signature"]},\n',
        "            {},\n",
        ("test_what_is_offered_can_be_received",),
    ),
]
