"""Reading while the data change under it: nothing lost, nothing read for ever, one bad row takes only itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connectors.contract import Stream
from connectors.errors import ConfigProblem, Transient
from connectors.kingdee.sandbox import Sandbox
from tests.unit.connectors_kingdee.conftest import Clock, Connect, Line, read, stream


def customers(sandbox: Sandbox, clock: Clock, n: int, *, days: int = 3) -> None:
    for number in range(n):
        sandbox.state.backdate = clock.local() - timedelta(days=days, minutes=n - number)
        sandbox.filler.customer(f"K-{number:02d}", f"客户 {number}")
    sandbox.state.backdate = None


def names(records: list[Any]) -> list[str]:
    return [record["FNumber"] for record in records]


def touch(sandbox: Sandbox, number: str, when: datetime, **more: Any) -> None:
    doc = sandbox.state.numbered("BD_Customer", number)
    assert doc is not None
    doc |= {"fmodifydate": when, **more}


# -- pages that change under us ---------------------------------------------------------------------------------------


def between_pages(line: Line, change: Any) -> None:
    """Does this once, after the first page of a read has been answered."""
    seen = 0

    def before(service: str, body: dict[str, Any]) -> None:
        nonlocal seen
        seen += service == "ExecuteBillQuery"
        if seen == 3:  # the mark, the first page, now the second
            seen += 1
            change()

    line.before = before


def test_a_row_deleted_between_two_pages_pushes_no_other_row_out_of_sight(
    connect: Connect, sandbox: Sandbox, clock: Clock, line: Line
) -> None:
    customers(sandbox, clock, 20)
    docs = sandbox.state.docs("BD_Customer")
    between_pages(line, lambda: docs.pop(next(iter(docs))))
    records, _ = read(connect(page_size=5), "customers")
    assert {f"K-{n:02d}" for n in range(20)} <= set(names(records))


def test_a_row_changed_between_two_pages_is_read_once_now_and_again_by_the_next_run(
    connect: Connect, sandbox: Sandbox, clock: Clock, line: Line
) -> None:
    customers(sandbox, clock, 20)
    connector = connect(page_size=5, lookback_s=0)
    _, cursor = read(connector, "customers")
    between_pages(line, lambda: touch(sandbox, "K-01", clock.local(), fname="新名"))
    clock.pass_by(minutes=1)
    records, cursor = read(connector, "customers", None)
    assert sorted(names(records)) == sorted({*names(records)})
    line.before = lambda service, body: None
    clock.pass_by(minutes=1)
    again, _ = read(connector, "customers", cursor)
    assert [r["FName"] for r in again if r["FNumber"] == "K-01"] == ["新名"]


def test_rows_added_while_reading_are_read(connect: Connect, sandbox: Sandbox, clock: Clock, line: Line) -> None:
    customers(sandbox, clock, 9)
    between_pages(line, lambda: sandbox.filler.customer("NEW", "新客户"))
    records, _ = read(connect(page_size=5), "customers")
    assert "NEW" in names(records)


def test_a_session_lost_between_two_pages_asks_the_same_page_again(
    connect: Connect, sandbox: Sandbox, clock: Clock, line: Line
) -> None:
    customers(sandbox, clock, 20)
    between_pages(line, sandbox.state.sessions.clear)
    records, _ = read(connect(login="password", page_size=5), "customers")
    assert len(names(records)) == len(set(names(records))) == 21
    assert line.services().count("ValidateUser") == 2


def test_a_session_that_ends_after_every_few_calls_is_no_matter(
    connect: Connect, sandbox: Sandbox, clock: Clock
) -> None:
    customers(sandbox, clock, 20)
    sandbox.door.ends_after = 2
    assert len(read(connect(login="app_secret", page_size=3), "customers")[0]) == 21


def test_a_page_cut_in_the_middle_goes_on_from_the_last_cursor(
    connect: Connect, sandbox: Sandbox, clock: Clock, line: Line
) -> None:
    customers(sandbox, clock, 20)
    connector = connect(page_size=5)
    pages = connector.read(stream(connector, "customers"), None)
    first = next(pages)
    line.before = lambda service, body: httpx.Response(503)
    with pytest.raises(Transient):
        next(pages)
    line.before = lambda service, body: None
    rest, _ = read(connector, "customers", first.cursor)
    assert len({*names(list(first.records)), *names(rest)}) == 21
    assert not set(names(list(first.records))) & set(names(rest))


# -- what is new ------------------------------------------------------------------------------------------------------


def test_an_audit_is_a_change_though_it_leaves_the_time_of_change(
    connect: Connect, sandbox: Sandbox, clock: Clock
) -> None:
    customers(sandbox, clock, 5)
    connector = connect(lookback_s=0)
    _, cursor = read(connector, "customers")
    doc = sandbox.state.numbered("BD_Customer", "K-01")
    assert doc is not None
    doc |= {"fapprovedate": clock.local(), "fdocumentstatus": "D"}
    records, _ = read(connector, "customers", cursor)
    assert ("K-01", "D") in [(r["FNumber"], r["FDocumentStatus"]) for r in records]
    assert "K-02" not in names(records)


def test_a_record_dated_in_the_future_hides_nothing(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    customers(sandbox, clock, 3)
    touch(sandbox, "K-02", clock.local() + timedelta(days=3650))
    connector = connect()
    _, cursor = read(connector, "customers")
    touch(sandbox, "K-00", clock.local(), fname="新名")
    records, _ = read(connector, "customers", cursor)
    assert "K-00" in names(records)


def test_a_change_committed_late_is_found_within_the_look_back(
    connect: Connect, sandbox: Sandbox, clock: Clock
) -> None:
    customers(sandbox, clock, 3)
    touch(sandbox, "K-02", clock.local() - timedelta(seconds=5))
    connector = connect(lookback_s=600)
    _, cursor = read(connector, "customers")
    touch(sandbox, "K-01", clock.local() - timedelta(minutes=9))
    assert "K-01" in names(read(connector, "customers", cursor)[0])
    bare = stream(connector, "customers").model_copy(update={"lookback": timedelta(0)})
    assert "K-01" not in [r["FNumber"] for b in connector.read(bare, cursor) for r in b.records]


def test_the_clock_of_the_hub_does_not_matter(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    customers(sandbox, clock, 3)
    connector = connect(lookback_s=0)
    clock.pass_by(days=-1)  # the hub's clock and the sandbox's are one here; the rows are a day ahead of both
    _, cursor = read(connector, "customers")
    clock.pass_by(days=1)
    touch(sandbox, "K-01", clock.local(), fname="新名")
    assert "K-01" in names(read(connector, "customers", cursor)[0])


def test_what_comes_into_an_empty_stream_is_read(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    connector = connect(page_size=1)
    records, cursor = read(connector, "sales_orders")
    assert records == []
    sandbox.filler.sale("SO-1", "C-1", [("A-1", Decimal(1), Decimal(1))], clock.local())
    clock.pass_by(minutes=1)
    records, cursor = read(connector, "sales_orders", cursor)
    assert [r["FQty"] for r in records] == [1]
    (order,) = sandbox.state.docs("SAL_SaleOrder").values()
    order["entries"][0]["fqty"], order["fmodifydate"] = Decimal(2), clock.local()
    assert [r["FQty"] for r in read(connector, "sales_orders", cursor)[0]] == [2]


def test_a_cursor_of_somebody_else_is_refused(connect: Connect) -> None:
    for cursor in ("x", ["2026"], {"since": "yesterday"}, {"since": "2026-11-22 00:00:00", "after": "x"}):
        with pytest.raises(ConfigProblem, match="cursor"):
            read(connect(), "customers", cursor)


def test_another_organisations_records_are_not_read(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.filler.item("A-1", "轴承（苏州）", org="200")
    assert [r["FName"] for r in read(connect(), "items")[0]] == ["轴承"]
    assert [r["FName"] for r in read(connect(organization="200"), "items")[0]] == ["轴承（苏州）"]


# -- fields -----------------------------------------------------------------------------------------------------------


def without(sandbox: Sandbox, form: str, *keys: str) -> None:
    """A version of Kingdee that does not know these fields."""
    kind = sandbox.state.form(form)
    for key in keys:
        del kind.head[key.lower()]


def test_a_field_this_version_does_not_know_is_left_out_from_then_on(
    connect: Connect, sandbox: Sandbox, line: Line
) -> None:
    without(sandbox, "BD_Customer", "FSOCIALCRECODE", "FTEL")
    connector = connect()
    (record,), _ = read(connector, "customers")
    assert (record["FSOCIALCRECODE"], record["FTEL"], record["FName"]) == (None, None, "杭州精工")
    line.requests.clear()
    read(connector, "customers")
    assert len(line.requests) == 2


def test_a_version_without_dates_of_audit_goes_by_changes_alone(
    connect: Connect, sandbox: Sandbox, clock: Clock
) -> None:
    without(sandbox, "BD_Customer", "FApproveDate")
    connector = connect()
    _, cursor = read(connector, "customers")
    touch(sandbox, "C-1", clock.local(), fname="新名")
    assert read(connector, "customers", cursor)[0][0]["FName"] == "新名"


def test_a_field_that_cannot_be_missed_is_named(connect: Connect, sandbox: Sandbox) -> None:
    without(sandbox, "BD_Customer", "FShortName")
    with pytest.raises(ConfigProblem, match="FShortName"):
        read(connect(), "customers")


def test_a_field_of_the_sites_own_is_read_and_a_misspelt_one_named(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.state.form("BD_Customer").head["f_abc_tier"] = "F_ABC_Tier"
    sandbox.filler.customer("C-2", "恒信", F_ABC_Tier="gold")
    connector = connect(extra_fields={"customers": ["F_ABC_Tier"]})
    assert [r["F_ABC_Tier"] for r in read(connector, "customers")[0]] == [None, "gold"]
    assert "F_ABC_Tier" in stream(connector, "customers").schema_["properties"]
    with pytest.raises(ConfigProblem, match="F_ABC_Teir"):
        read(connect(extra_fields={"customers": ["F_ABC_Teir"]}), "customers")


def test_values_are_exact_and_times_are_of_the_servers_zone(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    day = clock.local().replace(day=20, hour=0)
    sandbox.filler.sale("SO-1", "C-1", [("A-1", Decimal("0.1"), Decimal("3.3333"))], day)
    (record,), _ = read(connect(), "sales_orders")
    assert record["FQty"] == Decimal("0.1")
    assert record["FDate"] == datetime(2026, 11, 19, 16, tzinfo=UTC)
    assert read(connect(timezone="UTC"), "sales_orders")[0][0]["FDate"] == datetime(2026, 11, 20, tzinfo=UTC)


def test_every_line_of_a_bill_is_a_record_across_pages(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    lines = [("A-1", Decimal(n), Decimal(1)) for n in range(1, 12)]
    sandbox.filler.sale("SO-1", "C-1", lines, clock.local())
    records, _ = read(connect(page_size=4), "sales_orders")
    assert [r["FQty"] for r in records] == [Decimal(n) for n in range(1, 12)]
    assert len({r["FSaleOrderEntry_FEntryID"] for r in records}) == 11


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([["only one"]], "values that were asked for"),
        ([{"no": "row"}], "values that were asked for"),
        (None, "no table"),
    ],
)
def test_an_answer_of_another_form_is_named(rows: Any, says: str, connect: Connect, line: Line) -> None:
    answer = httpx.Response(200, json={"odd": 1} if rows is None else rows)
    line.before = lambda service, body: answer if "FCUSTID" in body["data"]["FieldKeys"] else None
    connector = connect()
    if rows is None:
        with pytest.raises(Transient, match=says):
            read(connector, "customers")
        return
    (batch,) = connector.read(stream(connector, "customers"), None)
    assert [says in str(bad) for bad in batch.bad] == [True]


def test_a_stream_there_is_not_is_refused(connect: Connect) -> None:
    nothing = Stream(name="invoices", key=("x",), schema_={"properties": {"x": {}}})
    with pytest.raises(ConfigProblem, match="invoices"):
        next(iter(connect().read(nothing, None)))


def test_streams_the_site_does_not_have_are_left_out(connect: Connect) -> None:
    assert {"bom", "arrivals"}.isdisjoint(s.name for s in connect(leave_out=["bom", "arrivals"]).streams())


def test_a_server_that_caps_its_pages_is_not_taken_for_finished(
    connect: Connect, sandbox: Sandbox, clock: Clock
) -> None:
    customers(sandbox, clock, 2005)
    assert len(read(connect(page_size=10000), "customers")[0]) == 2006
