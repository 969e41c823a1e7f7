"""Reporting maintenance to the MES: one order (or the report of one) a command.

The request id is the command's idempotency key. It makes a command safe to repeat: the MES answers a second report with
the same id as a duplicate, and `confirm` finds by it whether a report without an answer was taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.contract import Command, Operation, Outcome, Receipt
from connectors.errors import ConfigProblem
from connectors.mes.calls import at_path
from connectors.mes.client import Duplicate, MesClient
from connectors.mes.config import MesConfig
from connectors.soap import Refused, Unknown

REPORT = "report_maintenance"
LONGEST = 2000
"""Characters of a description; the rest is in the hub."""
TYPES = ("request", "report")
_BODY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["order", "description"],
    "properties": {
        "order": {"type": "string", "description": "The hub's number of it, such as TKT-2026-000123"},
        "description": {
            "type": "string",
            "description": f"What is to be done or was found; {LONGEST} characters count",
        },
        "type": {"enum": [*TYPES], "description": "request: please repair; report: it is done, and this was why"},
        "priority": {"enum": ["P0", "P1", "P2", "P3"], "description": "P0 is the most urgent"},
    },
}


def operations(config: MesConfig) -> Sequence[Operation]:
    """Those the service has."""
    if not config.call("report").operation:
        return ()
    return (
        Operation(
            name=REPORT,
            title="Report maintenance of a machine",
            title_zh="上报设备维修工单",
            body_schema=_BODY,
            can_confirm=bool(config.call("report_of").operation),
        ),
    )


class _Rejected(Exception):
    """A command that can't be carried out, for good; the message is the reason."""


def write(client: MesClient, config: MesConfig, command: Command) -> Receipt:
    """Reports; what the MES refuses for good is a rejected receipt, all else that goes wrong is raised."""
    try:
        values = _values(command)
        answer = client.ask("report", values, write=True)
    except Duplicate as error:
        return Receipt(command.id, Outcome.duplicate, reason=str(error))
    except (_Rejected, Refused) as error:
        return Receipt(command.id, Outcome.rejected, reason=str(error))
    fields = config.call("report").fields
    said = {name: at_path(answer, path) for name, path in fields.items() if path}
    number = str(said.get("order") or "")
    if said.get("accepted") is False and not said.get("duplicate"):
        return Receipt(command.id, Outcome.rejected, reason=str(said.get("message") or "The MES does not accept it."))
    outcome = Outcome.duplicate if said.get("duplicate") is True else Outcome.applied
    return Receipt(command.id, outcome, external_id=number, values={"order": number, "device": values["device"]})


def confirm(client: MesClient, config: MesConfig, command: Command) -> Receipt | None:
    """A receipt if the MES has a work order with this command's request id, else None: it did not happen.

    :raises ConfigProblem: this MES can't find an order by its request id."""
    if not config.call("report_of").operation:
        raise ConfigProblem("This MES can't find a report by its request id (`calls.report_of.operation` is empty).")
    request = command.idempotency_key
    try:
        page = client.page("report_of", {"request": request})
    except Unknown:
        return None
    fields = config.call("report_of").fields
    found = next((row for row in page.rows if at_path(row, fields.get("request", "")) == request), None)
    if found is None:
        return None
    number = str(at_path(found, fields.get("id", "")) or "")
    return Receipt(command.id, Outcome.applied, external_id=number, values={"order": number})


def _values(command: Command) -> dict[str, Any]:
    if command.op != REPORT:
        raise _Rejected(f"There is no operation {command.op!r}; there is {REPORT}.")
    device = str(command.key.get("device") or "").strip()
    if not device:
        raise _Rejected("key.device: is missing: which machine?")
    texts = {name: str(command.body.get(name) or "").strip() for name in ("order", "description")}
    for name, given in texts.items():
        if not given:
            raise _Rejected(f"body.{name}: is missing.")
    kind = str(command.body.get("type") or "request")
    if kind not in TYPES:
        raise _Rejected(f"body.type: {kind!r} is none of {', '.join(TYPES)}.")
    description = texts["description"]
    return {
        "order": texts["order"],
        "device": device,
        "type": kind,
        "priority": str(command.body.get("priority") or "P2"),
        "description": description if len(description) <= LONGEST else f"{description[: LONGEST - 1]}…",
        "request": command.idempotency_key,
    }
