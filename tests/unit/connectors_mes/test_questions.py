"""What a ticket is told of a machine, an item or a batch."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Answer, Ask
from connectors.errors import AuthProblem, BadRecord
from connectors.mes import MesConnector
from connectors.mes.sandbox import Sandbox
from tests.unit.connectors_mes.conftest import STYLES, Clock, Connect


def ask(connector: MesConnector, question: str, **inputs: Any) -> Answer:
    answer = connector.lookup(Ask(question, inputs, 5))
    assert answer is not None
    return answer


@pytest.mark.parametrize("style", STYLES)
def test_a_standing_machine_is_told_with_reason_and_the_time_lost(
    bare: Sandbox, connect: Connect, clock: Clock, style: str
) -> None:
    state = bare.state
    state.stop("press-7", start=clock() - timedelta(hours=30), planned=True, code="P-01", reason="保养")
    row = state.standing("press-7")
    assert row is not None
    state.put("downtime", row | {"end": clock() - timedelta(hours=23)})
    state.stop("press-7", start=clock() - timedelta(minutes=16))

    answer = ask(connect(bare, style, web_url="https://ui.test/{kind}/{key}"), "downtime", device="press-7")

    assert answer.values["standing"] is True
    assert answer.values["since"] == clock() - timedelta(minutes=16)
    assert (answer.values["standing_s"], answer.values["reason"]) == (960, "主轴过热")
    assert (answer.values["unplanned_s"], answer.values["planned_s"]) == (960, 3600)
    assert [stop["planned"] for stop in answer.values["recent"]] == [False, True]
    assert answer.link == f"https://ui.test/downtime/{answer.key}"
    assert answer.key == answer.values["recent"][0]["id"]


def test_a_stop_of_days_that_still_lasts_counts_whole_window(bare: Sandbox, connect: Connect, clock: Clock) -> None:
    for style in STYLES:
        bare.state.stop("press-7", start=clock() - timedelta(days=3))["changedAt"] -= timedelta(days=3)

        answer = ask(connect(bare, style), "downtime", device="press-7")

        assert (answer.values["standing"], answer.values["unplanned_s"]) == (True, 86400)
        assert answer.values["standing_s"] == 3 * 86400


def test_stops_that_overlap_are_counted_once(bare: Sandbox, connect: Connect, clock: Clock) -> None:
    for number, (begin, end) in enumerate(((60, 30), (50, 20), (45, 40))):
        row = {"id": f"S{number}", "equipmentId": "press-7", "planned": False}
        times = {"start": clock() - timedelta(minutes=begin), "end": clock() - timedelta(minutes=end)}
        bare.state.put("downtime", {**row, **times})

    assert ask(connect(bare), "downtime", device="press-7").values["unplanned_s"] == 40 * 60


@pytest.mark.parametrize("style", STYLES)
def test_a_machine_that_never_stopped_is_known_and_one_nobody_knows_is_not(
    bare: Sandbox, connect: Connect, style: str
) -> None:
    connector = connect(bare, style)

    assert ask(connector, "downtime", device="press-7").values["stops"] == 0
    assert ask(connector, "work_order", device="press-7").values["running"] is None
    assert connector.lookup(Ask("downtime", {"device": "no-such"}, 5)) is None
    assert connector.lookup(Ask("work_order", {"device": "no-such"}, 5)) is None


@pytest.mark.parametrize("style", STYLES)
def test_oee_before_and_after_a_stop(bare: Sandbox, connect: Connect, clock: Clock, style: str) -> None:
    at = clock() - timedelta(hours=1)
    bare.state.stop("press-7", start=at)

    values = ask(connect(bare, style), "oee_before_after", device="press-7", at=at).values

    before, after = values["before"], values["after"]
    assert (before["availability"], before["planned_time_s"]) == (1, 14400)
    assert before["ends_at"] == after["starts_at"] == at
    assert (after["availability"], after["performance"], after["quality"], after["oee"]) == (0, None, None, 0)
    assert after["ends_at"] == clock()
    assert values["change"] == -before["oee"]
    assert before["oee"] == Decimal("0.835833")


def test_before_and_after_a_moment_to_come_has_no_after(bare: Sandbox, connect: Connect, clock: Clock) -> None:
    at = (clock() + timedelta(minutes=1)).isoformat()

    values = ask(connect(bare), "oee_before_after", device="press-7", at=at).values

    assert values["before"] is not None
    assert (values["after"], values["change"]) == (None, None)


@pytest.mark.parametrize("at", ["yesterday", "2026-11-22T08:00:00"])
def test_a_moment_that_is_none_is_refused(bare: Sandbox, connect: Connect, at: str) -> None:
    with pytest.raises(BadRecord, match=r"^at: "):
        connect(bare).lookup(Ask("oee_before_after", {"device": "press-7", "at": at}, 5))


@pytest.mark.parametrize("style", STYLES)
def test_the_order_that_runs_is_told_and_those_before(sandbox: Sandbox, connect: Connect, style: str) -> None:
    done = {"orderNo": "WO-9", "equipmentId": "press-7", "status": "done", "itemCode": "FG-OLD"}
    sandbox.state.put("work_orders", done)

    values = ask(connect(sandbox, style), "work_order", device="press-7").values

    assert (values["running"]["id"], values["running"]["item"]) == ("WO-2026-0001", "FG-BRACKET")
    assert values["running"]["done"] == 1850
    assert [order["id"] for order in values["recent"]] == ["WO-9"]


@pytest.mark.parametrize("style", STYLES)
def test_quality_of_an_item_and_of_a_batch(sandbox: Sandbox, connect: Connect, style: str) -> None:
    connector = connect(sandbox, style)

    item = ask(connector, "quality", item="BRG-6205").values
    batch = ask(connector, "batch_quality", batch=item["last"]["batch"]).values

    assert (item["inspections"], item["failed"], item["inbound"]) == (4, 1, 4)
    assert (item["inspected"], item["defects"], item["defect_rate"]) == (200, 3, Decimal("0.015"))
    assert "外圈硬度偏低" in item["last"]["defect"]
    assert (batch["supplier"], batch["inspections"], batch["defect_rate"]) == ("V001", 1, Decimal("0.06"))


def test_a_row_that_cannot_be_used_is_left_out_and_the_answer_says_so(
    bare: Sandbox, connect: Connect, clock: Clock
) -> None:
    for number, quantity in enumerate((Decimal(50), "abc")):
        row = {
            "id": f"I{number}",
            "itemCode": "OIL-46",
            "result": "合格",
            "inspectedQty": quantity,
            "inspectedAt": clock(),
        }
        bare.state.put("inspections", row)

    values = ask(connect(bare), "quality", item="OIL-46").values

    assert (values["inspections"], values["complete"]) == (1, False)


def test_more_than_a_page_is_counted(bare: Sandbox, connect: Connect, clock: Clock) -> None:
    for number in range(25):
        row = {
            "id": f"I{number}",
            "itemCode": "OIL-46",
            "result": "合格",
            "inspectedQty": Decimal(2),
            "inspectedAt": clock(),
        }
        bare.state.put("inspections", row)

    values = ask(connect(bare, page_size=10), "quality", item="OIL-46").values

    assert (values["inspections"], values["inspected"], values["complete"]) == (25, 50, True)


def test_a_question_nobody_can_answer_and_a_missing_right(bare: Sandbox, connect: Connect) -> None:
    with pytest.raises(BadRecord, match="No question 'weather'; there are downtime, "):
        connect(bare).lookup(Ask("weather", {}, 5))
    bare.denied.add("GetDowntimeEvents")
    with pytest.raises(AuthProblem):
        connect(bare).lookup(Ask("downtime", {"device": "press-7"}, 5))
