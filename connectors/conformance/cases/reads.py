"""Reading: all of it, resumable anywhere, nothing twice over for ever, nothing lost behind the cursor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import orjson
import pytest

from connectors.conformance.case import Cases, case
from connectors.conformance.values import faults_of, lacking, texts_of
from connectors.conformance.world import Break
from connectors.contract import DELETED, Batch, Cursor, Stream
from connectors.errors import AuthProblem, BadRecord, ConnectorError, Transient

reads = partial(case, needs="reads")
ROWS = 45


class Store:
    """What a hub holds of one stream: rows by key, and the cursor committed with them."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.cursor: Cursor = None
        self.taken = 0
        self.bad: list[BadRecord] = []

    def take(self, batch: Batch) -> None:
        """Commit a batch with its cursor, as the hub does: in one piece, the cursor through JSON."""
        for record in batch.records:
            key = tuple(record[name] for name in self.stream.key)
            if record.get(DELETED):
                self.rows.pop(key, None)
            else:
                self.rows[key] = dict(record)
        self.taken += len(batch.records)
        self.bad.extend(batch.bad)
        if batch.cursor is not None:
            self.cursor = orjson.loads(orjson.dumps(batch.cursor))

    def read(self, connector: Any, *, batches: int = 1 << 30) -> int:
        """Read on from the committed cursor, at most so many batches; returns how many came."""
        count = 0
        pages = connector.read(self.stream, self.cursor)
        for batch in pages:
            self.take(batch)
            count += 1
            if count >= batches:
                pages.close()
                break
        return count


class ReadCases(Cases):
    @reads()
    def test_streams_say_what_they_hold(self, world: Any) -> None:
        streams = world.connector().streams()
        names = [stream.name for stream in streams]
        assert names
        assert len(names) == len(set(names)), "two streams share a name"
        for stream in streams:
            fields = stream.schema_.get("properties", {})
            assert stream.key, f"{stream.name} has no key"
            assert set(stream.key) <= set(fields), f"{stream.name}: its schema does not describe its key"
            if stream.mode == "snapshot":
                assert stream.deletes != "tombstone", f"{stream.name}: a snapshot shows deletes by absence"
            if stream.deletes == "absence":
                assert stream.mode == "snapshot", f"{stream.name}: absence needs a complete snapshot"

    @reads()
    def test_a_full_read_is_the_truth(self, world: Any) -> None:
        for stream in _seeded(world):
            store = Store(stream)
            store.read(world.connector())
            is_true(world, store)

    @reads()
    def test_read_values_are_exact_and_times_have_zones(self, world: Any) -> None:
        for stream in _seeded(world):
            for batch in world.connector().read(stream, None):
                faults = [fault for record in batch.records for fault in faults_of(record, stream.name)]
                assert not faults, "\n".join(faults[:5])

    @reads()
    def test_every_field_read_is_in_the_schema(self, world: Any) -> None:
        for stream in _seeded(world):
            known = {*stream.schema_["properties"], DELETED}
            for batch in world.connector().read(stream, None):
                unknown = {name for record in batch.records for name in record} - known
                assert not unknown, f"{stream.name}: its schema does not tell of {sorted(unknown)}"

    @reads()
    def test_a_bad_record_takes_only_itself(self, world: Any) -> None:
        for stream in _seeded(world):
            world.spoil(stream.name)
            store = Store(stream)
            store.read(world.connector())
            is_true(world, store)
            assert store.bad, f"{stream.name}: the unusable record vanished; put it into Batch.bad"
            assert all(isinstance(bad, BadRecord) and str(bad) and bad.record is not None for bad in store.bad)

    @reads()
    def test_a_second_run_reads_only_what_is_new(self, world: Any) -> None:
        for stream in _seeded(world, mode="incremental"):
            store = Store(stream)
            store.read(world.connector())
            whole, store.taken = store.taken, 0
            world.touch(stream.name)
            store.read(world.connector())
            is_true(world, store)
            assert store.taken < whole / 2, f"{stream.name}: the second run read {store.taken} of {whole} again"

    @reads()
    def test_a_change_is_seen_by_the_next_run(self, world: Any) -> None:
        for stream in _seeded(world):
            store = Store(stream)
            store.read(world.connector())
            for _ in range(3):
                world.touch(stream.name)
                store.read(world.connector())
                is_true(world, store)

    @reads()
    def test_a_late_commit_is_not_lost(self, world: Any) -> None:
        for stream in _seeded(world, mode="incremental"):
            store = Store(stream)
            store.read(world.connector())
            world.touch(stream.name)
            store.read(world.connector())
            store.read(world.connector())
            world.late(stream.name)
            store.read(world.connector())
            is_true(world, store)

    @reads()
    def test_deletes_show_as_declared(self, world: Any) -> None:
        for stream in _seeded(world):
            if stream.deletes == "never":
                continue
            store = Store(stream)
            store.read(world.connector())
            world.remove(stream.name)
            again = Store(stream) if stream.deletes == "absence" else store
            again.read(world.connector())
            is_true(world, again)

    @reads()
    def test_a_run_killed_after_any_batch_resumes_without_loss(self, world: Any) -> None:
        for stream in _seeded(world, mode="incremental"):
            bare = stream.model_copy(update={"lookback": timedelta(0)})
            for batches in (1, 2, 3, 4):
                store = Store(bare)
                for _ in range(ROWS):
                    if store.read(world.connector(), batches=batches) < batches:
                        break
                store.read(world.connector())
                is_true(world, store, f"killed after every {batches} batches")

    @reads()
    def test_records_of_the_same_moment_are_all_read(self, world: Any) -> None:
        for stream in world.connector().streams():
            world.seed(stream.name, ROWS, same_time=True)
            bare = stream.model_copy(update={"lookback": timedelta(0)})
            for batches in (1, 2, 1 << 30) if stream.mode == "incremental" else (1 << 30,):
                store = Store(bare)
                for _ in range(ROWS):
                    if store.read(world.connector(), batches=batches) < batches:
                        break
                is_true(world, store, "all of the same moment")

    @reads(breaks=["cut"])
    def test_a_run_cut_at_any_call_resumes_without_loss(self, world: Any) -> None:
        for stream in _seeded(world):
            bare = stream.model_copy(update={"lookback": timedelta(0)})
            for after in range(6):
                store = Store(bare)
                world.break_next(Break("cut", after=after))
                with pytest.raises(Transient):
                    store.read(world.connector())
                store.read(world.connector())
                is_true(world, store, f"cut at call {after}")

    @reads()
    def test_the_cursor_is_saved_on_the_way(self, world: Any) -> None:
        for stream in _seeded(world, mode="incremental"):
            if stream.name in _one_answer(world):
                continue
            cursors = [batch.cursor for batch in world.connector().read(stream, None)]
            assert len(cursors) > 1, f"{stream.name}: {ROWS} rows came as one batch; the world's pages must be small"
            assert any(cursor is not None for cursor in cursors[:-1]), f"{stream.name}: a cursor only at the very end"

    @reads()
    def test_a_snapshot_has_no_cursor(self, world: Any) -> None:
        for stream in _seeded(world, mode="snapshot"):
            assert all(batch.cursor is None for batch in world.connector().read(stream, None))

    @reads()
    def test_what_is_not_pulled_is_not_read(self, world: Any) -> None:
        for stream in _seeded(world):
            connector = world.connector()
            before = world.calls
            pages = connector.read(stream, None)
            assert world.calls == before, f"{stream.name}: read() calls the system before the first batch is asked for"
            next(pages)
            first = world.calls - before
            if stream.name in _one_answer(world):
                continue
            list(pages)
            whole = world.calls - before
            assert first <= whole / 2, f"{stream.name}: {first} of {whole} calls were made for the first batch"

    @reads()
    def test_batches_are_bounded(self, world: Any) -> None:
        for stream in _seeded(world):
            for batch in world.connector().read(stream, None):
                assert len(batch.records) + len(batch.bad) <= world.connector_type.policy.batch_rows

    @reads()
    def test_two_reads_of_one_connector_do_not_disturb_each_other(self, world: Any) -> None:
        for stream in _seeded(world):
            connector, stores = world.connector(), (Store(stream), Store(stream))
            for both in zip(connector.read(stream, None), connector.read(stream, None), strict=True):
                for store, batch in zip(stores, both, strict=True):
                    store.take(batch)
            for store in stores:
                is_true(world, store, "two reads at once")

    @reads()
    def test_reading_changes_nothing(self, world: Any) -> None:
        for stream in _seeded(world):
            changes = world.changes
            Store(stream).read(world.connector())
            assert world.changes == changes

    @reads()
    def test_no_record_and_no_cursor_holds_a_secret(self, world: Any) -> None:
        scrubber = self.scrubber(world)
        for stream in _seeded(world):
            for batch in world.connector().read(stream, None):
                leaked = [text for text in texts_of([*batch.records, batch.cursor]) if scrubber.leaks(text)]
                assert not leaked, f"{stream.name} holds a secret"

    @reads(breaks=["auth"])
    def test_refused_credentials_stop_a_run_at_once(self, world: Any) -> None:
        for stream in _seeded(world):
            with self.fresh() as other:
                other.seed(stream.name, ROWS)
                connector = other.connector()
                other.break_next(Break("auth", after=1))
                with pytest.raises(AuthProblem):
                    Store(stream).read(connector)
                assert other.calls <= 4, f"{stream.name}: {other.calls} calls; it goes on asking after a refusal"

    @reads(breaks=["transient"])
    def test_a_passing_failure_of_a_read_is_transient(self, world: Any) -> None:
        _fails(world, Break("transient", after=1), Transient)

    @reads(breaks=["timeout"])
    def test_a_read_without_an_answer_is_transient(self, world: Any) -> None:
        _fails(world, Break("timeout", after=1), Transient)

    @reads(breaks=["rate"])
    def test_a_read_tells_when_to_come_back(self, world: Any) -> None:
        for error in _fails(world, Break("rate", after=1, retry_after=11), Transient):
            assert getattr(error, "retry_after", None) == 11, "the system's Retry-After is lost"

    @reads(breaks=["junk"])
    def test_an_unreadable_page_is_a_typed_error(self, world: Any) -> None:
        _fails(world, Break("junk", after=1), ConnectorError)


def _one_answer(world: Any) -> frozenset[str]:
    """The streams that this system gives in one answer, whatever their length."""
    return getattr(world, "one_answer", frozenset())


def _seeded(world: Any, mode: str = "") -> Iterator[Stream]:
    """Every stream (of this mode), filled."""
    for stream in world.connector().streams():
        if mode in ("", stream.mode):
            world.seed(stream.name, ROWS)
            yield stream


def is_true(world: Any, store: Store, how: str = "") -> None:
    """What was committed is what the system holds."""
    truth = {tuple(key): dict(fields) for key, fields in world.truth(store.stream.name).items()}
    name = f"{store.stream.name} {how}".strip()
    lost = truth.keys() - store.rows.keys()
    assert not lost, f"{name}: lost {sorted(map(str, lost))[:5]} of {len(truth)}"
    ghosts = store.rows.keys() - truth.keys()
    assert not ghosts, f"{name}: still holds {sorted(map(str, ghosts))[:5]}, which the system does not"
    stale = {key: wrong for key, fields in truth.items() if (wrong := lacking(store.rows[key], fields))}
    assert not stale, f"{name}: (wanted, read) differ: {dict(list(stale.items())[:3])}"


def _fails(world: Any, how: Break, kind: type[ConnectorError]) -> list[ConnectorError]:
    errors = []
    for stream in _seeded(world):
        connector = world.connector()
        world.break_next(how)
        with pytest.raises(kind) as raised:
            Store(stream).read(connector)
        errors.append(raised.value)
    return errors
