"""What a busy database does to a reader and a writer: late commits, killed sessions, locks, several writers at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from connectors.conformance import Break, Faults
from connectors.contract import Batch, Command, Outcome, Stream
from connectors.errors import Ambiguous, AuthProblem, ConfigProblem, Transient
from connectors.u8 import U8Connector
from connectors.u8.sandbox import Sandbox
from connectors.u8.sandbox_stores import PostgresStore
from tests.integration.u8.conftest import Make, conninfo
from tests.real.odbc import FaultyOdbc

KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


def stream(connector: U8Connector, name: str) -> Stream:
    return next(s for s in connector.streams() if s.name == name)


def codes(batches: list[Batch]) -> set[str]:
    return {record["cInvCode"] for batch in batches for record in batch.records}


@pytest.fixture
def other(postgres_database: str) -> Any:
    """Another client of U8, with transactions of its own."""
    with psycopg.connect(conninfo(postgres_database)) as connection:
        yield connection


def test_a_row_committed_after_a_later_one_was_read_is_not_skipped(make: Make, sandbox: Sandbox, other: Any) -> None:
    connector = make()
    items = stream(connector, "items")
    cursor = list(connector.read(items, None))[-1].cursor

    other.execute(
        "INSERT INTO Inventory (cInvCode, cInvName) VALUES ('SLOW', '慢')"
    )  # takes a version, does not commit
    sandbox.data.run("INSERT INTO Inventory (cInvCode, cInvName) VALUES ('FAST', '快')")
    meanwhile = list(connector.read(items, cursor))
    other.commit()
    assert codes(meanwhile) == set(), "FAST lies above the mark as long as SLOW is open"

    afterwards = list(connector.read(items, meanwhile[-1].cursor if meanwhile else cursor))
    assert codes(afterwards) == {"SLOW", "FAST"}


def test_a_transaction_rolled_back_holds_nothing_up(make: Make, sandbox: Sandbox, other: Any) -> None:
    connector = make()
    items = stream(connector, "items")
    cursor = list(connector.read(items, None))[-1].cursor
    other.execute("INSERT INTO Inventory (cInvCode, cInvName) VALUES ('GONE', '无')")
    sandbox.data.run("INSERT INTO Inventory (cInvCode, cInvName) VALUES ('FAST', '快')")
    other.rollback()
    assert codes(list(connector.read(items, cursor))) == {"FAST"}


def test_a_session_lost_in_the_middle_of_a_run_is_transient_and_the_run_goes_on(make: Make, sandbox: Sandbox) -> None:
    rows = [(f"T{n:05}", "件") for n in range(5000)]  # more than the driver fetches at once
    sandbox.data.fill("Inventory", "cInvCode, cInvName", rows)
    connector = make(page_size=500)
    items = stream(connector, "items")
    pages = connector.read(items, None)
    seen = [next(pages)]
    assert sandbox.data.run(KILL)
    with pytest.raises(Transient):
        seen.extend(pages)
    read = codes(seen)
    assert 500 <= len(read) < 5008
    assert len(read | codes(list(connector.read(items, seen[-1].cursor)))) == 5008


def test_a_page_that_changes_while_it_is_read_is_read_again(make: Make, sandbox: Sandbox) -> None:
    connector = make()
    orders = stream(connector, "purchase_orders")
    pages = connector.read(orders, None)
    batches = [next(pages)]
    sandbox.data.run("UPDATE PO_Podetails SET iQuantity = 999 WHERE ID IN (1, 42)")  # one read already, one not yet
    batches += list(pages)
    again = list(connector.read(orders, batches[-1].cursor))
    assert {r["ID"]: r["iQuantity"] for b in again for r in b.records} == {1: 999, 42: 999}


def test_a_lock_held_by_another_ends_the_call_in_time(make: Make, other: Any) -> None:
    connector = make(timeout_s=1)
    other.execute("LOCK TABLE Inventory IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(Transient, match="did not answer"):
        list(connector.read(stream(connector, "items"), None))
    other.rollback()
    assert codes(list(connector.read(stream(connector, "items"), None)))


def test_a_missing_right_names_the_table(make: Make, sandbox: Sandbox) -> None:
    role = "weft_reader"
    if not sandbox.data.run("SELECT 1 FROM pg_roles WHERE rolname = ?", (role,)):
        sandbox.data.run(f"CREATE ROLE {role} LOGIN")
    sandbox.data.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    sandbox.data.run(f"REVOKE ALL ON PU_ArrivalVouch FROM {role}")
    connector = make(username=role)
    health = connector.check()
    assert not health.ok
    assert [(m.right, m.needed_for) for m in health.missing_rights] == [
        ("SELECT on PU_ArrivalVouch", "stream arrivals")
    ]
    with pytest.raises(ConfigProblem, match="PU_ArrivalVouch"):
        list(connector.read(stream(connector, "arrivals"), None))
    assert codes(list(connector.read(stream(connector, "items"), None)))


def test_an_unknown_login_is_an_auth_problem(make: Make) -> None:
    with pytest.raises(AuthProblem):
        list(make(username="nobody_here").read(stream(make(), "items"), None))


# -- writing by SQL ---------------------------------------------------------------------------------------------------


def command(number: int, quantity: str = "5") -> Command:
    lines = [{"item": "BRG-6205", "quantity": quantity}, {"item": "OIL-46", "quantity": "1"}]
    return Command(f"c-{number}", "create_requisition", {"ticket": f"TKT-{number}"}, {"lines": lines})


def test_writers_at_the_same_time_get_numbers_and_ids_of_their_own(make: Make, sandbox: Sandbox) -> None:
    connectors = [make(requisitions="sql", timeout_s=20) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda n: connectors[n % 4].write(command(n)), range(12)))
    assert {r.outcome for r in receipts} == {Outcome.applied}
    assert len({r.external_id for r in receipts}) == 12
    ids = [row[0] for row in sandbox.data.run("SELECT AutoID FROM PU_AppVouchs")]
    assert len(set(ids)) == 24


def test_the_same_command_by_several_workers_makes_one_requisition(make: Make, sandbox: Sandbox) -> None:
    connectors = [make(requisitions="sql", timeout_s=20) for _ in range(4)]
    start = threading.Barrier(4)

    def once(connector: U8Connector) -> Outcome:
        start.wait(20)
        return connector.write(command(1)).outcome

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(once, connectors))
    assert sorted(outcomes) == ["applied", "duplicate", "duplicate", "duplicate"]
    assert len(sandbox.requisitions()) == 1


def test_a_line_that_fails_takes_number_ids_and_head_back(make: Make, sandbox: Sandbox) -> None:
    connector = make(requisitions="sql")
    before = (
        sandbox.data.run("SELECT cNumber FROM VoucherHistory"),
        sandbox.data.run("SELECT iFatherId FROM UA_Identity"),
    )
    sandbox.data.run("ALTER TABLE PU_AppVouchs ADD CONSTRAINT small CHECK (fQuantity < 100)")
    receipt = connector.write(command(1, "500"))
    assert receipt.outcome is Outcome.rejected
    assert "small" in receipt.reason
    assert sandbox.requisitions() == []
    assert before == (
        sandbox.data.run("SELECT cNumber FROM VoucherHistory"),
        sandbox.data.run("SELECT iFatherId FROM UA_Identity"),
    )


def test_a_commit_whose_answer_is_lost_is_confirmed(make: Make, sandbox: Sandbox) -> None:
    faults = Faults()
    connector = make(requisitions="sql", opener=FaultyOdbc(faults))
    faults.add(Break("ambiguous"))
    with pytest.raises(Ambiguous):
        connector.write(command(1))
    receipt = connector.confirm(command(1))
    assert receipt is not None
    assert receipt.external_id == sandbox.requisitions()[0]["code"]


# -- texts ------------------------------------------------------------------------------------------------------------


def test_chinese_text_of_a_database_in_gb2312_is_read_and_written(postgres_url: str, make: Make) -> None:
    name = "weft_gbk"
    admin = PostgresStore(conninfo(postgres_url))
    admin.run(f"DROP DATABASE IF EXISTS {name}")
    admin.run(f"CREATE DATABASE {name} ENCODING 'EUC_CN' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    store = PostgresStore(conninfo(postgres_url).rpartition("/")[0] + f"/{name}?client_encoding=utf8")
    sandbox = Sandbox(data=store)
    connector = make(database=name, requisitions="sql")
    try:
        names = {r["cInvName"] for b in connector.read(stream(connector, "items"), None) for r in b.records}
        assert "深沟球轴承" in names
        memo = command(1)
        memo = Command(memo.id, memo.op, memo.key, {**memo.body, "memo": "轴承不足"})
        connector.write(memo)
        assert sandbox.requisitions()[0]["memo"].startswith("轴承不足 weft:")
        unknown = Command("c-2", memo.op, memo.key, {**memo.body, "memo": "镕基喆"})  # not in GB2312
        assert connector.write(unknown).outcome is Outcome.rejected
    finally:
        connector.close()
        sandbox.close()
        admin.run(f"DROP DATABASE {name} WITH (FORCE)")
        admin.close()
