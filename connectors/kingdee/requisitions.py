"""Purchase requisitions (采购申请单): Save → Submit → Audit, one step a call, under a bill number that we choose.

    write ──> no bill of our number?      Save   ─┐  the step reaches the stage asked for: applied
              bill stands before the goal? next   ─┤  it does not: Unfinished, which says where the bill stands
              bill stands at the goal: duplicate   │
    confirm ─ at the goal: a receipt; before it, or no bill: None, so the outbox calls write again, which goes on

The number comes from the command's idempotency key, so every try of a command means the same bill and Kingdee itself
refuses a second one. It also stands in the bill's remark, where it is found should the site's numbering rule have
given the bill another number. What each step really did is read off SuccessEntitys, never off IsSuccess alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connectors.contract import Command, Operation, Outcome, Receipt
from connectors.errors import Ambiguous, ConfigProblem, Transient, Unfinished
from connectors.kingdee.answers import handled, remarks
from connectors.kingdee.client import KingdeeClient, Refused
from connectors.kingdee.config import KingdeeConfig
from connectors.kingdee.drafts import Draft, Rejected, draft_of, model_of
from connectors.kingdee.forms import REQUISITION, columns
from connectors.kingdee.records import quoted, record
from connectors.kingdee.selecting import Selector

CREATE, SUBMIT, AUDIT = "create_requisition", "submit_requisition", "audit_requisition"
_LINE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["item", "quantity"],
    "properties": {
        "item": {"type": "string", "description": "Number of the article"},
        "quantity": {"type": ["number", "string"], "description": "How much, in `unit`"},
        "unit": {"type": "string", "description": "Number of the unit; empty: the article's purchasing unit"},
        "required_date": {"type": "string", "format": "date", "description": "When it is needed"},
        "supplier": {"type": "string", "description": "Number of the supplier to suggest"},
        "warehouse": {"type": "string", "description": "Number of the warehouse it is for"},
    },
}
_EMPTY: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
OPERATIONS = (
    Operation(
        name=CREATE,
        title="Create a purchase requisition",
        title_zh="新建采购申请单",
        body_schema={
            "type": "object",
            "additionalProperties": False,
            "required": ["lines"],
            "properties": {
                "lines": {"type": "array", "items": _LINE, "description": "What to buy"},
                "memo": {"type": "string", "description": "Remark for the buyer"},
                "until": {
                    "enum": ["saved", "submitted", "audited"],
                    "description": "How far to take it; empty: as the connection's settings say",
                },
            },
        },
    ),
    Operation(name=SUBMIT, title="Submit a purchase requisition", title_zh="提交采购申请单", body_schema=_EMPTY),
    Operation(name=AUDIT, title="Audit a purchase requisition", title_zh="审核采购申请单", body_schema=_EMPTY),
)
_STAGES = {"saved": 1, "submitted": 2, "audited": 3}
_STANDS = {"Z": 0, "A": 1, "D": 1, "B": 2, "C": 3}
"""FDocumentStatus → how far the bill has come: Z temporary, A created, D sent back, B in audit, C audited."""
_WORDS = {"Z": "kept as a draft", "A": "saved", "D": "sent back for another audit", "B": "submitted", "C": "audited"}
_NEXT = {0: "Submit", 1: "Submit", 2: "Audit"}
_OF = {SUBMIT: ("Submit", 2), AUDIT: ("Audit", 3)}
_COLUMNS = columns(
    "FID:int FBillNo FDocumentStatus FNote? FCloseStatus? FCancelStatus? FEntity_FEntryID:int "
    "FMaterialId.FNumber FReqQty:number"
)
GONE = "Kingdee knows no purchase requisition {number!r}, or the hub's user may not see it."


class Bill:
    """A requisition as it stands in Kingdee."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        head = rows[0]
        self.id = str(head["FID"])
        self.number = str(head["FBillNo"])
        self.status = str(head["FDocumentStatus"])
        self.cancelled = head["FCancelStatus"] == "B"
        self.items = sorted(str(row["FMaterialId"]["FNumber"]) for row in rows)

    @property
    def stage(self) -> int:
        return _STANDS.get(self.status, 0)

    @property
    def words(self) -> str:
        return f"Purchase requisition {self.number} is {_WORDS.get(self.status, self.status)}"

    @property
    def values(self) -> dict[str, Any]:
        return {"number": self.number, "id": self.id, "status": self.status}


class Requisitions:
    """Writes and confirms commands. `clock` is the hub's."""

    def __init__(
        self, client: KingdeeClient, selector: Selector, config: KingdeeConfig, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._selector = selector
        self._config = config
        self._clock = clock

    def write(self, command: Command) -> Receipt:
        """One step of the command. Raises Unfinished after a step that is not the last; the client's errors."""
        try:
            if command.op == CREATE:
                return self._bring_on(command, draft_of(command, self._config, self._clock()))
            if command.op in _OF:
                return self._one_step(command)
            raise Rejected(f"There is no operation {command.op!r}; there are {CREATE}, {SUBMIT}, {AUDIT}.")
        except Rejected as e:
            return Receipt(command.id, Outcome.rejected, external_id=e.number, reason=str(e), values=e.values)

    def confirm(self, command: Command) -> Receipt | None:
        """A receipt if the bill stands where the command wants it; None: not there yet, write() goes on."""
        try:
            if command.op == CREATE:
                draft = draft_of(command, self._config, self._clock())
                bill, goal = self._find(draft.number), _STAGES[draft.until]
                if bill is not None:
                    self._check(bill, draft)
            else:
                bill, goal = self._find(_number(command.key), exact=True), _OF[command.op][1]
        except Rejected as e:
            return Receipt(command.id, Outcome.rejected, external_id=e.number, reason=str(e), values=e.values)
        if bill is None or bill.stage < goal:
            return None
        return Receipt(command.id, Outcome.applied, external_id=bill.number, values=bill.values)

    def probe(self, key: Mapping[str, Any]) -> dict[str, str]:
        """What can be done now: a new requisition for a ticket, the next step of a bill."""
        if not key.get("number"):
            reason = "" if key.get("ticket") else "The key names no ticket."
            return {CREATE: reason, SUBMIT: "The key names no bill.", AUDIT: "The key names no bill."}
        bill = self._find(str(key["number"]), exact=True)
        if bill is None:
            gone = GONE.format(number=str(key["number"]))
            return {CREATE: "It is a bill already.", SUBMIT: gone, AUDIT: gone}
        told = f"{bill.words}."
        allowed = {} if bill.cancelled else {1: SUBMIT, 0: SUBMIT, 2: AUDIT}
        return {CREATE: "It is a bill already."} | {
            op: "" if allowed.get(bill.stage) == op else told for op in (SUBMIT, AUDIT)
        }

    # -- one command ----------------------------------------------------------------------------------------------------

    def _bring_on(self, command: Command, draft: Draft) -> Receipt:
        """The next step towards the stage that the draft names."""
        bill, goal = self._find(draft.number), _STAGES[draft.until]
        if bill is None:
            bill = self._save(draft)
        elif bill.stage >= goal:
            self._check(bill, draft)
            return Receipt(command.id, Outcome.duplicate, external_id=bill.number, values=bill.values)
        else:
            self._check(bill, draft)
            bill = self._step(_NEXT[bill.stage], bill)
        if bill.stage < goal:
            raise Unfinished(f"{bill.words}; {_NEXT[bill.stage]} comes next.")
        return Receipt(command.id, Outcome.applied, external_id=bill.number, values=bill.values)

    def _one_step(self, command: Command) -> Receipt:
        operation, goal = _OF[command.op]
        number = _number(command.key)
        bill = self._find(number, exact=True)
        if bill is None:
            raise Rejected(GONE.format(number=number), number=number)
        if bill.stage >= goal:
            return Receipt(command.id, Outcome.duplicate, external_id=bill.number, values=bill.values)
        if bill.stage < goal - 1:
            raise Rejected(f"{bill.words}; it must be submitted first.", number=bill.number, values=bill.values)
        bill = self._step(operation, bill)
        return Receipt(command.id, Outcome.applied, external_id=bill.number, values=bill.values)

    def _save(self, draft: Draft) -> Bill:
        model = model_of(draft, self._config, self._selector)
        data = {
            "NeedUpDateFields": [],
            "NeedReturnFields": [],
            "IsDeleteEntry": "true",
            "SubSystemId": "",
            "IsVerifyBaseDataField": "true",
            "IsEntryBatchFill": "true",
            "ValidateFlag": "true",
            "NumberSearch": "true",
            "IsAutoAdjustField": "false",
            "InterationFlags": "",
            "IgnoreInterationFlag": "",
            "IsControlPrecision": "false",
            "ValidateRepeatJson": "false",
            "IsAutoSubmitAndAudit": "false",
            "Model": model,
        }
        try:
            answer = self._client.operate("Save", REQUISITION, data)
        except Refused as refusal:
            bill = self._find(draft.number)
            if bill is not None:  # somebody else's try of the same command was quicker; Kingdee refused the second
                return bill
            raise Rejected(f"Kingdee does not save the requisition: {_told(refusal)}") from refusal
        saved = handled(answer)
        if not saved or not saved[0].number:
            said = remarks(answer).message
            raise Ambiguous(f"Kingdee says the requisition is saved, but names no bill ({said}).")
        head = {"FID": saved[0].id, "FBillNo": saved[0].number, "FDocumentStatus": "A", "FCancelStatus": "A"}
        return Bill([{**head, "FMaterialId": {"FNumber": line.item}} for line in draft.lines])

    def _step(self, operation: str, bill: Bill) -> Bill:
        """Submit or Audit, and the bill as it stands then."""
        if bill.cancelled:
            raise Rejected(f"{bill.words}, but was cancelled (作废).", number=bill.number, values=bill.values)
        data = {
            "CreateOrgId": 0,
            "Numbers": [bill.number],
            "Ids": "",
            "SelectedPostId": 0,
            "NetworkCtrl": "",
            "IgnoreInterationFlag": "",
        }
        try:
            answer = self._client.operate(operation, REQUISITION, data)
        except Refused as refusal:
            after = self._find(bill.number, exact=True)
            if after is not None and after.stage > bill.stage:  # somebody else was quicker
                return after
            why = f"{bill.words}, but Kingdee refuses {operation}: {_told(refusal)}"
            raise Rejected(why, number=bill.number, values=bill.values) from refusal
        if not any(bill.number == entity.number or bill.id == entity.id for entity in handled(answer)):
            self._left_out(operation, bill, remarks(answer).message)
        bill.status = "B" if operation == "Submit" else "C"
        return bill

    def _left_out(self, operation: str, bill: Bill, said: str) -> None:
        """IsSuccess was true, yet our bill is not among those handled. Look whether it moved all the same."""
        try:
            after = self._find(bill.number, exact=True)
        except (Transient, ConfigProblem) as e:
            raise Ambiguous(f"{bill.words}; Kingdee does not say whether {operation} took effect.") from e
        if after is None or after.stage <= bill.stage:
            why = f"{bill.words}: {operation} was accepted but did not handle it ({said})"
            raise Rejected(why, number=bill.number, values=bill.values)

    # -- what Kingdee is asked --------------------------------------------------------------------------------------------

    def _find(self, number: str, *, exact: bool = False) -> Bill | None:
        """The bill of this number; else the first whose remark names it (the site numbers bills by itself)."""

        def where(absent: frozenset[str]) -> str:
            if exact or "FNote" in absent:
                return f"FBillNo = {quoted(number)}"
            return f"FBillNo = {quoted(number)} or FNote like {quoted(f'%{number}%')}"

        found = self._selector.rows(REQUISITION, _COLUMNS, where, order="FID ASC, FEntity_FEntryID ASC", limit=500)
        rows = [record(_COLUMNS, row, self._config.zone) for row in found]
        chosen = [r for r in rows if r["FBillNo"] == number] or [r for r in rows if r["FID"] == rows[0]["FID"]]
        return Bill(chosen) if chosen else None

    @staticmethod
    def _check(bill: Bill, draft: Draft) -> None:
        """A bill that lost lines on its way into Kingdee goes no further by itself."""
        missing = list(draft.items)
        for item in bill.items:
            if item in missing:
                missing.remove(item)
        if missing and bill.stage < _STAGES["submitted"]:
            raise Rejected(
                f"{bill.words} with {len(bill.items)} of {len(draft.items)} lines; missing: {', '.join(missing)}. "
                "Complete it in Kingdee, or delete it and send the command again.",
                number=bill.number,
                values=bill.values,
            )


def _number(key: Mapping[str, Any]) -> str:
    number = str(key.get("number") or "").strip()
    if not number:
        raise Rejected("key.number: is missing; it names the bill.")
    return number


def _told(refusal: Refused) -> str:
    """Kingdee's reasons with the fields they are about."""
    fields = [f"{name}: {message}" for name, message in refusal.failure.fields]
    return "; ".join(dict.fromkeys(fields)) or refusal.failure.message
