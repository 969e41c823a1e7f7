"""Mistakes in receiving."""

from tests.conformance.mutants.mutant import CONNECTOR, Mutant

RECEIVING = [
    Mutant(
        "ids are random",
        CONNECTOR,
        'Event(f"{prefix}:{place}"',
        'Event(f"{prefix}:{uuid.uuid4()}"',
        ("test_the_same_delivery_gives_the_same_events_every_time",),
    ),
    Mutant(
        "all events of a message share its id",
        CONNECTOR,
        'Event(f"{prefix}:{place}"',
        "Event(prefix",
        ("test_different_messages_have_different_ids",),
    ),
    Mutant(
        "the id counts what came before",
        CONNECTOR,
        'Event(f"{prefix}:{place}"',
        'Event(f"{prefix}:{place}:{next(SEEN)}"',
        ("test_events_do_not_depend_on_what_came_before", "test_receiving_from_several_threads_gives_the_same_events"),
    ),
    Mutant(
        "times come from the clock",
        CONNECTOR,
        '        "at": _time(row.get("at")),\n',
        '        "at": datetime.now(_time(row.get("at")).tzinfo),\n',
        ("test_the_same_delivery_gives_the_same_events_every_time",),
    ),
    Mutant(
        "the signature is not checked",
        CONNECTOR,
        "        if not delivery.verified:\n",
        "        if delivery.verified:\n",
        ("test_a_forged_delivery_is_refused",),
    ),
    Mutant(
        "a missing signature passes",
        CONNECTOR,
        'delivery.headers.get("x-acme-signature", "").encode()',
        'delivery.headers.get("x-acme-signature", proof.decode()).encode()',
        ("test_a_forged_delivery_is_refused",),
    ),
    Mutant(
        "the message is read before its signature",
        CONNECTOR,
        """        if not delivery.verified:
            self._verify(delivery)
        message = load_json(delivery.body)
""",
        """        message = load_json(delivery.body)
        if not delivery.verified:
            self._verify(delivery)
""",
        ("test_who_sent_it_is_checked_before_what_it_says",),
    ),
    Mutant(
        "an odd signature crashes",
        CONNECTOR,
        'delivery.headers.get("x-acme-signature", "").encode()',
        'delivery.headers.get("x-acme-signature", "").encode("ascii")',
        ("test_odd_characters_in_a_header_are_a_forgery_like_any_other",),
    ),
    Mutant(
        "a replay is verified again",
        CONNECTOR,
        "        if not delivery.verified:\n            self._verify(delivery)\n",
        "        self._verify(delivery)\n",
        ("test_what_the_hub_has_verified_before_is_not_verified_again",),
    ),
    Mutant(
        "an empty message is no event and no error",
        CONNECTOR,
        '            raise BadRecord("no alarms in it", record=message)\n',
        "            return []\n",
        ("test_junk_is_a_bad_record_and_nothing_else",),
    ),
    Mutant(
        "junk crashes it",
        CONNECTOR,
        'alarms = message.get("alarms") if isinstance(message, dict) else None',
        'alarms = message.get("alarms")',
        ("test_junk_is_a_bad_record_and_nothing_else",),
        crashes=True,
    ),
    Mutant(
        "endless nesting crashes it",
        CONNECTOR,
        "        message = load_json(delivery.body)\n",
        """        try:
            message = json.loads(delivery.body, parse_float=Decimal)
        except ValueError as error:
            raise BadRecord(str(error)) from error
""",
        ("test_junk_is_a_bad_record_and_nothing_else",),
    ),
    Mutant(
        "absurd numbers get through",
        CONNECTOR,
        "    return None if value is None else exact_number(value)",
        """    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        raise BadRecord("no number", record=value) from None""",
        ("test_a_damaged_message_never_breaks_the_connector",),
    ),
    Mutant(
        "receiving asks the system",
        CONNECTOR,
        "        message = load_json(delivery.body)\n",
        '        message = load_json(delivery.body)\n        self._client.get("/api/version")\n',
        ("test_receiving_needs_no_network",),
    ),
    Mutant(
        "receiving resolves a name",
        CONNECTOR,
        "        message = load_json(delivery.body)\n",
        '        message = load_json(delivery.body)\n        socket.getaddrinfo("localhost", 80)\n',
        ("test_receiving_needs_no_network",),
    ),
    Mutant(
        "an event holds the key",
        CONNECTOR,
        '        "state": str(row.get("state")),\n',
        '        "state": str(row.get("state")) + "signing-key-0123456789",\n',
        ("test_no_event_holds_a_secret",),
    ),
    Mutant(
        "an event does not name its object",
        CONNECTOR,
        'key=record["id"], op=',
        "op=",
        ("test_every_event_names_its_object",),
    ),
    Mutant(
        "deletions are left out",
        CONNECTOR,
        "            for place, record in enumerate(map(_alarm, alarms))\n",
        """            for place, record in enumerate(map(_alarm, alarms))
            if record["state"] != "deleted"
""",
        ("test_every_genuine_delivery_becomes_events",),
    ),
    Mutant(
        "the stream is named as people would",
        CONNECTOR,
        'Event(f"{prefix}:{place}", "alarm", record',
        'Event(f"{prefix}:{place}", "Alarm Feed", record',
        ("test_events_say_what_they_are",),
    ),
]
