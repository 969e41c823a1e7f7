"""Mistakes in reading."""

from tests.conformance.mutants.mutant import CONNECTOR, Mutant

READING = [
    Mutant(
        "the cursor is one batch ahead",
        CONNECTOR,
        "            yield Batch(good, cursor=[since, after], bad=bad)\n",
        """            following = self._rows("/api/orders", since=since, after=after, limit=self._config.page_size)
            ahead = following[-1] if following else page[-1]
            yield Batch(good, cursor=[str(ahead["updated_at"]), str(ahead["id"])], bad=bad)
""",
        ("test_a_run_killed_after_any_batch_resumes_without_loss", "test_a_run_cut_at_any_call_resumes_without_loss"),
    ),
    Mutant(
        "the cursor comes only at the end",
        CONNECTOR,
        "cursor=[since, after], bad=bad)",
        "cursor=None if len(page) == self._config.page_size else [since, after], bad=bad)",
        ("test_the_cursor_is_saved_on_the_way",),
    ),
    Mutant(
        "no lookback",
        CONNECTOR,
        "since, after = _start(cursor, stream.lookback)",
        "since, after = _start(cursor, timedelta(0))",
        ("test_a_late_commit_is_not_lost",),
    ),
    Mutant(
        "the cursor advances to now",
        CONNECTOR,
        "            if not page:\n                return\n",
        """            if not page:
                yield Batch([], cursor=["2099-01-01T00:00:00+00:00", ""])
                return
""",
        ("test_a_change_is_seen_by_the_next_run", "test_a_late_commit_is_not_lost"),
    ),
    Mutant(
        "the cursor forgets the key, so ties are lost",
        CONNECTOR,
        'since, after = str(page[-1]["updated_at"]), str(page[-1]["id"])',
        'since, after = str(page[-1]["updated_at"]), "~"',
        ("test_records_of_the_same_moment_are_all_read",),
    ),
    Mutant(
        "it always reads everything again",
        CONNECTOR,
        "    if cursor is None:\n        return",
        "    if cursor != lookback:\n        return",
        ("test_a_second_run_reads_only_what_is_new",),
    ),
    Mutant(
        "everything is read before the first batch is given",
        CONNECTOR,
        "        while True:\n            page",
        """        pages = []
        for page in iter(lambda: self._rows("/api/orders", since=since, after=after, limit=self._config.page_size), []):
            since, after = str(page[-1]["updated_at"]), str(page[-1]["id"])
            pages.append(Batch(_sorted_out(page, _order)[0], [since, after], _sorted_out(page, _order)[1]))
        yield from pages
        while True:
            page""",
        ("test_what_is_not_pulled_is_not_read",),
    ),
    Mutant(
        "reading begins before anyone asks",
        CONNECTOR,
        "    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:\n",
        """    def read(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
        self._client.get("/api/version")
        return self._pages(stream, cursor)

    def _pages(self, stream: Stream, cursor: Cursor) -> Iterator[Batch]:
""",
        ("test_what_is_not_pulled_is_not_read",),
    ),
    Mutant(
        "tombstones are left out",
        CONNECTOR,
        "            good, bad = _sorted_out(page, _order)\n",
        '            good, bad = _sorted_out([row for row in page if not row.get("deleted")], _order)\n',
        ("test_deletes_show_as_declared",),
    ),
    Mutant(
        "a snapshot stops one page early",
        CONNECTOR,
        "            place += 1\n",
        "            place += 1\n            if place == 2:\n                return\n",
        ("test_a_full_read_is_the_truth",),
    ),
    Mutant(
        "a snapshot has a cursor",
        CONNECTOR,
        "yield Batch(good, bad=bad)",
        "yield Batch(good, cursor=place, bad=bad)",
        ("test_a_snapshot_has_no_cursor",),
    ),
    Mutant(
        "bad rows are dropped",
        CONNECTOR,
        "            bad.append(BadRecord(str(reason), record=row))\n",
        "            str(reason)\n",
        ("test_a_bad_record_takes_only_itself",),
    ),
    Mutant(
        "one bad row stops the page",
        CONNECTOR,
        "            bad.append(BadRecord(str(reason), record=row))\n",
        "            raise\n",
        ("test_a_bad_record_takes_only_itself",),
    ),
    Mutant(
        "quantities are floats",
        CONNECTOR,
        "    return None if value is None else exact_number(value)",
        "    return None if value is None else float(exact_number(value))",
        ("test_read_values_are_exact_and_times_have_zones", "test_it_makes_no_floats"),
    ),
    Mutant(
        "times have no zone",
        CONNECTOR,
        "    return at\n",
        "    return at.replace(tzinfo=None)\n",
        (
            "test_read_values_are_exact_and_times_have_zones",
            "test_received_values_are_exact_and_times_have_zones",
            "test_answers_are_exact_and_dated",
        ),
    ),
    Mutant(
        "a field is missing from the schema",
        CONNECTOR,
        ', "updated_at": {"format": "date-time"}}},\n    deletes="tombstone"',
        '}},\n    deletes="tombstone"',
        ("test_every_field_read_is_in_the_schema",),
    ),
    Mutant(
        "the cursor lives in the connector",
        CONNECTOR,
        """        since, after = _start(cursor, stream.lookback)
        while True:
            page = self._rows("/api/orders", since=since, after=after, limit=self._config.page_size)
            if not page:
                return
            since, after = str(page[-1]["updated_at"]), str(page[-1]["id"])
""",
        """        since, after = vars(self).get("_place") or _start(cursor, stream.lookback)
        while True:
            page = self._rows("/api/orders", since=since, after=after, limit=self._config.page_size)
            if not page:
                return
            since, after = self._place = str(page[-1]["updated_at"]), str(page[-1]["id"])
""",
        ("test_two_reads_of_one_connector_do_not_disturb_each_other",),
    ),
    Mutant(
        "two reads share their place",
        CONNECTOR,
        """        place = 0
        while page := self._rows("/api/stock", page=place, limit=self._config.page_size):
            good, bad = _sorted_out(page, _stock)
            yield Batch(good, bad=bad)
            place += 1
""",
        """        self._place = 0
        while page := self._rows("/api/stock", page=self._place, limit=self._config.page_size):
            good, bad = _sorted_out(page, _stock)
            yield Batch(good, bad=bad)
            self._place += 1
""",
        ("test_two_reads_of_one_connector_do_not_disturb_each_other",),
    ),
    Mutant(
        "batches are as large as the system likes",
        CONNECTOR,
        "    policy: ClassVar[Policy] = Policy(timeout_s=20)",
        "    policy: ClassVar[Policy] = Policy(timeout_s=20, batch_rows=6)",
        ("test_batches_are_bounded",),
    ),
    Mutant(
        "a stream's key is not in its schema",
        CONNECTOR,
        '    key=("article",),',
        '    key=("article", "store"),',
        ("test_streams_say_what_they_hold",),
    ),
    Mutant(
        "a record holds the password",
        CONNECTOR,
        '    return {"article": str(row["article"]),',
        '    return {"article": str(row["article"]) + " pa55-word/with+signs",',
        ("test_no_record_and_no_cursor_holds_a_secret",),
    ),
    Mutant(
        "an error with status 200 is taken for the end",
        CONNECTOR,
        """        if not isinstance(answer, dict) or not isinstance(answer.get("rows"), list):
            raise Transient(f"{path} answers without rows")
        return list(answer["rows"])
""",
        """        if not isinstance(answer, dict):
            raise Transient(f"{path} answers without rows")
        return list(answer.get("rows", ()))
""",
        ("test_the_systems_own_faults_lose_nothing_that_is_read",),
    ),
    Mutant(
        "reading leaves a note",
        CONNECTOR,
        "        answer = self._client.get(path, params)\n",
        """        answer = self._client.get(path, params)
        if "page" in params and not params["page"]:
            self._client.post("/api/alarms/a0/notes", {}, key="read")
""",
        ("test_reading_changes_nothing",),
    ),
]
