"""Mistakes in answering."""

from tests.conformance.mutants.mutant import CONNECTOR, Mutant

ASKING = [
    Mutant(
        "a lookup ignores its deadline",
        CONNECTOR,
        "self._client.get(path, deadline_s=ask.deadline_s)",
        "self._client.get(path, deadline_s=20)",
        ("test_a_lookup_keeps_its_deadline",),
    ),
    Mutant(
        "an unknown thing is answered with nothing in it",
        CONNECTOR,
        "        if found is None:\n            return None\n        if not",
        '        found = found or {"measured_at": "2026-01-01T00:00:00+00:00"}\n        if not',
        ("test_what_the_system_does_not_know_is_none",),
    ),
    Mutant(
        "an answer is about something else",
        CONNECTOR,
        '_number(found.get("load"))',
        '_number(found.get("temperature"))',
        ("test_known_things_are_answered_truly",),
    ),
    Mutant(
        "a missing input is a bug",
        CONNECTOR,
        'device = ask.inputs.get("device")',
        'device = ask.inputs["device"]',
        ("test_a_missing_input_is_named",),
    ),
    Mutant(
        "any question gets the same answer",
        CONNECTOR,
        "        if ask.question != QUESTION.name:\n",
        "        if not ask.question:\n",
        ("test_an_unknown_question_is_refused",),
    ),
    Mutant(
        "asking leaves a note",
        CONNECTOR,
        '        at = _time(found.get("measured_at"))\n',
        """        at = _time(found.get("measured_at"))
        self._client.post("/api/alarms/a0/notes", {}, key="looked")
""",
        ("test_looking_up_changes_nothing",),
    ),
    Mutant(
        "an answer cannot be looked at",
        CONNECTOR,
        'link=f"{self._config.url}/devices/{device}", ',
        "",
        ("test_every_answer_links_into_its_source",),
    ),
    Mutant(
        "a question has no Chinese title",
        CONNECTOR,
        'title_zh="设备负载"',
        'title_zh="Device load"',
        ("test_every_question_is_described_in_both_languages",),
    ),
    Mutant(
        "an answer holds the password",
        CONNECTOR,
        'devices/{device}", key=device)',
        'devices/{device}", key="pa55-word/with+signs")',
        ("test_no_answer_holds_a_secret",),
    ),
]
