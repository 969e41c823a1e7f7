"""Maintenance is reported once, whatever happens to the answer."""

from __future__ import annotations

import httpx
import pytest

from connectors.contract import Command, Outcome
from connectors.errors import Ambiguous, ConfigProblem, Transient
from connectors.mes.operations import LONGEST, REPORT
from connectors.mes.sandbox import Sandbox
from tests.unit.connectors_mes.conftest import STYLES, Connect


def command(number: int = 1, device: str = "press-7", **body: str) -> Command:
    return Command(
        f"c-{number}", REPORT, {"device": device}, {"order": "TKT-2026-000001", "description": "换轴承", **body}
    )


def orders(sandbox: Sandbox) -> list[dict[str, object]]:
    return [order for order in sandbox.state.tables["work_orders"].values() if order.get("requestId")]


@pytest.mark.parametrize("style", STYLES)
def test_a_report_becomes_a_work_order_under_the_commands_own_key(bare: Sandbox, connect: Connect, style: str) -> None:
    text = "更换 <轴承> & 'seal' \"6205\"\n第二行"

    receipt = connect(bare, style).write(command(priority="P1", description=text))

    (order,) = orders(bare)
    assert (receipt.outcome, receipt.external_id) == (Outcome.applied, order["orderNo"])
    assert order["requestId"] == command().idempotency_key
    assert (order["equipmentId"], order["externalNo"], order["priority"]) == ("press-7", "TKT-2026-000001", "P1")
    assert order["description"] == text


@pytest.mark.parametrize("style", STYLES)
def test_the_same_report_again_is_a_duplicate(bare: Sandbox, connect: Connect, style: str) -> None:
    connect(bare, style).write(command())

    assert connect(bare, style).write(command()).outcome is Outcome.duplicate
    assert len(orders(bare)) == 1
    assert connect(bare, style).write(command(2)).outcome is Outcome.applied
    assert len(orders(bare)) == 2


@pytest.mark.parametrize("lie", ["server_fault", "empty", "truncated", "html", "html_500", "xxe", "other"])
@pytest.mark.parametrize("style", STYLES)
def test_an_answer_that_is_none_leaves_it_in_doubt_and_the_order_is_found_by_its_request(
    bare: Sandbox, connect: Connect, style: str, lie: str
) -> None:
    connector = connect(bare, style)
    bare.lies.append(lie)

    with pytest.raises(Ambiguous):
        connector.write(command())

    found = connector.confirm(command())
    if orders(bare):
        assert found is not None
        assert found.external_id == orders(bare)[0]["orderNo"]
    else:
        assert found is None


@pytest.mark.parametrize("style", STYLES)
def test_a_machine_the_system_does_not_know_is_a_rejected_report(bare: Sandbox, connect: Connect, style: str) -> None:
    receipt = connect(bare, style).write(command(device="no-such"))

    assert receipt.outcome is Outcome.rejected
    assert "不存在" in receipt.reason
    assert orders(bare) == []


def test_a_system_that_does_not_accept_a_report_says_why(bare: Sandbox, connect: Connect) -> None:
    answer = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        '<ReportWorkOrderResponse xmlns="urn:weft:mes:1"><accepted>false</accepted><duplicate>false</duplicate>'
        "<message>停产中</message></ReportWorkOrderResponse></e:Body></e:Envelope>"
    )
    bare.handle = lambda request: httpx.Response(200, content=answer.encode())  # type: ignore[method-assign]

    receipt = connect(bare).write(command())

    assert (receipt.outcome, receipt.reason) == (Outcome.rejected, "停产中")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Command("c", "close", {"device": "press-7"}, {}), "no operation 'close'"),
        (Command("c", REPORT, {}, {"order": "T", "description": "x"}), "key.device"),
        (Command("c", REPORT, {"device": "press-7"}, {"order": " ", "description": "x"}), "body.order"),
        (Command("c", REPORT, {"device": "press-7"}, {"order": "T"}), "body.description"),
        (Command("c", REPORT, {"device": "p"}, {"order": "T", "description": "x", "type": "odd"}), "body.type: 'odd'"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_sent(
    bare: Sandbox, connect: Connect, requests: list[httpx.Request], broken: Command, reason: str
) -> None:
    receipt = connect(bare).write(broken)

    assert receipt.outcome is Outcome.rejected
    assert reason in receipt.reason
    assert requests == []


def test_a_very_long_description_is_cut(bare: Sandbox, connect: Connect) -> None:
    connect(bare).write(command(description="长" * (LONGEST + 5)))

    told = str(orders(bare)[0]["description"])
    assert len(told) == LONGEST
    assert told.endswith("…")


def test_a_system_that_cannot_find_a_report_says_so_and_is_not_asked(bare: Sandbox, connect: Connect) -> None:
    connector = connect(bare, calls={"report_of": {"operation": ""}})

    assert connector.operations()[0].can_confirm is False
    with pytest.raises(ConfigProblem, match="report_of"):
        connector.confirm(command())


def test_an_order_with_a_field_that_cannot_be_read_is_found_all_the_same(bare: Sandbox, connect: Connect) -> None:
    connect(bare).write(command())
    orders(bare)[0]["quantity"] = "abc"

    assert connect(bare).confirm(command()) is not None


def test_a_system_that_is_busy_did_nothing(bare: Sandbox, connect: Connect) -> None:
    rules = [{"match": "Timeout expired", "means": "busy"}]
    bare.lies.append("server_fault")

    with pytest.raises(Transient):
        connect(bare, faults=rules).write(command())
