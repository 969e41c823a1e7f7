"""Mistakes in writing."""

from tests.conformance.mutants.mutant import CLIENT, CONNECTOR, Mutant

WRITING = [
    Mutant(
        "one call has two effects",
        CONNECTOR,
        "            answer = self._client.post(path, dict(command.body), key=key)\n",
        """            answer = self._client.post(path, dict(command.body), key=key)
            self._client.post(path.replace("close", "notes"), dict(command.body), key=key)
""",
        ("test_a_command_takes_effect_once",),
    ),
    Mutant(
        "it tries again by itself",
        CONNECTOR,
        "            answer = self._client.post(path, dict(command.body), key=key)\n",
        """            try:
                answer = self._client.post(path, dict(command.body), key=key)
            except Ambiguous:
                answer = self._client.post(path, dict(command.body), key=key)
""",
        ("test_a_write_whose_answer_is_lost_is_ambiguous", "test_whatever_goes_wrong_the_effect_happens_once"),
    ),
    Mutant(
        "a lost answer is called passing",
        CLIENT,
        '            raise Ambiguous(f"{type(error).__name__}: {error}") from error\n',
        '            raise Transient(f"{type(error).__name__}: {error}") from error\n',
        ("test_a_write_without_an_answer_is_ambiguous", "test_whatever_goes_wrong_the_effect_happens_once"),
    ),
    Mutant(
        "an unreadable answer is called done",
        CLIENT,
        '            raise Ambiguous(f"Acme\'s answer to {path} is unreadable: {error}") from error\n',
        '            return {"changed": str(error)}\n',
        ("test_a_write_with_an_unreadable_answer_is_ambiguous", "test_whatever_goes_wrong_the_effect_happens_once"),
    ),
    Mutant(
        "an error with status 200 is taken for done before",
        CLIENT,
        """        if isinstance(answer, dict) and "error" in answer:""",
        """        if not answer:""",
        ("test_the_systems_own_faults_leave_one_effect_of_a_write",),
    ),
    Mutant(
        "confirm always says no",
        CONNECTOR,
        'if found is None or key not in found["change_keys"]:',
        "if found is None or key:",
        ("test_a_written_command_is_confirmed_after_a_crash", "test_whatever_goes_wrong_the_effect_happens_once"),
    ),
    Mutant(
        "confirm always says yes",
        CONNECTOR,
        'if found is None or key not in found["change_keys"]:',
        "if found is None:",
        ("test_nothing_is_confirmed_that_was_not_written", "test_whatever_goes_wrong_the_effect_happens_once"),
    ),
    Mutant(
        "confirm does it",
        CONNECTOR,
        "        _, alarm = _target(command)\n        found",
        """        path, alarm = _target(command)
        if path.endswith("notes"):
            self._client.post(path, dict(command.body), key=command.idempotency_key)
        found""",
        ("test_confirming_changes_nothing",),
    ),
    Mutant(
        "a refusal is raised",
        CONNECTOR,
        "            return Receipt(command.id, Outcome.rejected, reason=str(refusal))\n",
        "            raise ConfigProblem(str(refusal)) from refusal\n",
        ("test_a_refusal_is_a_receipt_with_its_reason",),
    ),
    Mutant(
        "a refusal is called done",
        CONNECTOR,
        "            return Receipt(command.id, Outcome.rejected, reason=str(refusal))\n",
        "            return Receipt(command.id, Outcome.applied, reason=str(refusal))\n",
        ("test_a_refusal_is_a_receipt_with_its_reason",),
    ),
    Mutant(
        "a refusal has no reason",
        CONNECTOR,
        "Outcome.rejected, reason=str(refusal))",
        "Outcome.rejected, reason=str(refusal)[:0])",
        ("test_a_refusal_is_a_receipt_with_its_reason",),
    ),
    Mutant(
        "the receipt is for another command",
        CONNECTOR,
        "        return Receipt(command.id, outcome, external_id",
        "        return Receipt(key, outcome, external_id",
        ("test_a_command_takes_effect_once",),
    ),
    Mutant(
        "an unknown operation adds a note",
        CONNECTOR,
        """        raise BadRecord(f"unknown operation {command.op!r}")
""",
        """        return f"/api/alarms/{alarm}/notes", str(alarm)
""",
        ("test_a_command_that_fits_no_operation_is_refused_before_anything_happens",),
    ),
    Mutant(
        "a missing text is not noticed",
        CONNECTOR,
        '    for name in operation.body_schema.get("required", ()):\n',
        '    for name in operation.body_schema.get("needed", ()):\n',
        ("test_a_command_that_fits_no_operation_is_refused_before_anything_happens",),
    ),
    Mutant(
        "an operation's field is not described",
        CONNECTOR,
        '"message": {**_TEXT, "description": "The note"}',
        '"message": _TEXT',
        ("test_every_operation_has_a_schema_that_its_commands_fit",),
    ),
    Mutant(
        "the echo is wrong",
        CONNECTOR,
        '        echoes = (Echo("alarm", alarm, {"change_key": key}),)',
        '        echoes = (Echo("alarm", alarm, {"change_key": command.id}),)',
        ("test_declared_echoes_are_what_comes_back",),
    ),
    Mutant(
        "the echo is not declared",
        CONNECTOR,
        '        echoes = (Echo("alarm", alarm, {"change_key": key}),)',
        '        echoes: Any = () and (Echo("alarm", alarm, {"change_key": key}),)',
        ("test_declared_echoes_are_what_comes_back",),
    ),
    Mutant(
        "the echo would swallow what others do",
        CONNECTOR,
        '        echoes = (Echo("alarm", alarm, {"change_key": key}),)',
        '        echoes = tuple(Echo("alarm", name, {}) for name in (alarm, "a1"))',
        ("test_an_echo_matches_no_foreign_event",),
    ),
    Mutant(
        "the probe says yes to everything",
        CONNECTOR,
        '"the alarm is locked" if found["locked"] else ""',
        '""',
        ("test_what_is_impossible_is_not_offered_and_says_why",),
    ),
    Mutant(
        "the probe says no to everything",
        CONNECTOR,
        '"the alarm is locked" if found["locked"] else ""',
        '"not now"',
        ("test_what_is_possible_is_offered",),
    ),
    Mutant(
        "an operation cannot be confirmed",
        CONNECTOR,
        'title_zh="添加备注",\n',
        'title_zh="添加备注",\n        can_confirm=False,\n',
        ("test_every_operation_can_be_confirmed", "test_an_operation_that_cannot_be_confirmed_says_so"),
    ),
    Mutant(
        "an operation has no Chinese title",
        CONNECTOR,
        'title_zh="关闭告警"',
        'title_zh="Close"',
        ("test_every_operation_is_described_in_both_languages",),
    ),
    Mutant(
        "a receipt holds the password",
        CONNECTOR,
        "command.id, outcome, external_id=alarm, echoes=echoes)",
        'command.id, outcome, external_id=alarm, echoes=echoes, reason="by weft:pa55-word/with+signs")',
        ("test_no_receipt_holds_a_secret",),
    ),
]
