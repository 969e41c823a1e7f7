"""Mistakes in failing, and in checking."""

from tests.conformance.mutants.mutant import CLIENT, CONNECTOR, Mutant

FAILING = [
    Mutant(
        "an error tells the password",
        CLIENT,
        '            raise Transient(f"{type(error).__name__}: {error}") from error\n        if response',
        '            raise Transient(f"{error} with {self._http.auth._auth_header}") from error\n        if response',
        ("test_every_failure_is_typed_and_tells_no_secret",),
    ),
    Mutant(
        "a hint tells the signing key",
        CONNECTOR,
        'hint="webhook_secret must equal Acme\'s webhook key"',
        'hint=f"expected {key!r}"',
        ("test_every_failure_is_typed_and_tells_no_secret",),
    ),
    Mutant(
        "a log line tells the password",
        CLIENT,
        "        try:\n            response = self._http.get(",
        "        print(self._http.auth._auth_header)\n        try:\n            response = self._http.get(",
        ("test_every_failure_is_typed_and_tells_no_secret",),
    ),
    Mutant(
        "an unexpected answer escapes untyped",
        CLIENT,
        '            raise Transient(f"Acme\'s answer to {path} is unreadable: {error}") from error\n',
        "            raise ValueError(path) from error\n",
        (
            "test_every_failure_is_typed_and_tells_no_secret",
            "test_an_unreadable_page_is_a_typed_error",
            "test_an_unreadable_answer_is_a_typed_error",
        ),
    ),
    Mutant(
        "refused credentials are called passing",
        CLIENT,
        '        raise AuthProblem(f"Acme refuses the account ({status})", hint="renew username and password")\n',
        '        raise Transient(f"Acme refuses the account ({status})")\n',
        (
            "test_refused_credentials_stop_a_run_at_once",
            "test_refused_credentials_stop_a_write",
            "test_refused_credentials_stop_a_lookup",
            "test_refused_credentials_stop_a_subscription",
        ),
    ),
    Mutant(
        "it goes on asking after a refusal",
        CONNECTOR,
        "        answer = self._client.get(path, params)\n",
        """        for _ in range(9):
            try:
                answer = self._client.get(path, params)
                break
            except AuthProblem as error:
                refusal = error
        else:
            raise refusal
""",
        ("test_refused_credentials_stop_a_run_at_once",),
    ),
    Mutant(
        "Retry-After is lost",
        CLIENT,
        "    return int(text) if text.isdecimal() else None\n",
        "    return None if text else None\n",
        (
            "test_a_read_tells_when_to_come_back",
            "test_a_write_tells_when_to_come_back",
            "test_a_lookup_tells_when_to_come_back",
        ),
    ),
    Mutant(
        "check always says yes",
        CONNECTOR,
        '        about = self._client.get("/api/version")\n',
        '        return Health(ok=True, remote_version="4.2")\n        about = self._client.get("/api/version")\n',
        ("test_check_says_yes_to_a_healthy_system", "test_check_says_no_to_refused_credentials"),
    ),
    Mutant(
        "check swallows every failure",
        CONNECTOR,
        '        about = self._client.get("/api/version")\n',
        """        try:
            about = self._client.get("/api/version")
        except (Transient, ConfigProblem):
            return Health(ok=True, remote_version="?")
""",
        ("test_check_says_no_when_nobody_answers", "test_check_says_no_to_an_unreadable_answer"),
    ),
    Mutant(
        "check does not look at rights",
        CONNECTOR,
        'if right not in about.get("rights", ())]',
        "if not right]",
        ("test_every_missing_right_says_what_for_and_where_to_grant_it",),
    ),
    Mutant(
        "check leaves a trace",
        CONNECTOR,
        '        about = self._client.get("/api/version")\n',
        """        self._client.post("/api/alarms/a0/notes", {}, key="check")
        about = self._client.get("/api/version")
""",
        ("test_check_says_yes_to_a_healthy_system",),
    ),
    Mutant(
        "making one logs in",
        CONNECTOR,
        "        self._client = Client(config, transport)\n",
        '        self._client = Client(config, transport)\n        self._client.get("/api/version")\n',
        ("test_making_one_calls_nobody",),
    ),
    Mutant(
        "what passes is put down to the settings",
        CLIENT,
        '            raise Transient(f"{type(error).__name__}: {error}") from error\n        if response',
        '            raise ConfigProblem(f"{type(error).__name__}: {error}") from error\n        if response',
        (
            "test_a_lookup_over_a_cut_line_is_transient",
            "test_a_read_without_an_answer_is_transient",
            "test_a_run_cut_at_any_call_resumes_without_loss",
        ),
    ),
    Mutant(
        "a busy system is put down to the settings",
        CLIENT,
        "    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:",
        "    if status == httpx.codes.TOO_MANY_REQUESTS:",
        (
            "test_a_passing_failure_of_a_lookup_is_transient",
            "test_a_passing_failure_of_a_read_is_transient",
            "test_a_write_that_surely_did_nothing_is_transient",
        ),
    ),
    Mutant(
        "check does not tell the version",
        CONNECTOR,
        'remote_version=str(about["version"])',
        'remote_version=""',
        ("test_check_tells_the_version_it_met",),
    ),
    Mutant(
        "closing twice fails",
        CLIENT,
        "        self._http.close()\n",
        """        if self._http.is_closed:
            raise RuntimeError("closed already")
        self._http.close()
""",
        ("test_closing_twice_is_closing_once",),
    ),
]
