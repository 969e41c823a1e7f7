"""From a command's body to the Model of Kingdee's Save: everything that can be found wrong before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.contract import Command
from connectors.errors import BadRecord
from connectors.exact import exact_number
from connectors.kingdee.config import DIGITS, KingdeeConfig
from connectors.kingdee.forms import columns
from connectors.kingdee.records import among, quoted, record
from connectors.kingdee.selecting import Selector

MAX_LINES = 200
LONGEST_NOTE = 255
_ARTICLE = columns("FNumber FName FForbidStatus FDocumentStatus FBaseUnitId.FNumber FPurchaseUnitId.FNumber?")


class Rejected(Exception):
    """A command that can't be carried out, for good; the message is the reason. `number`: the bill it is about."""

    def __init__(self, reason: str, *, number: str = "", values: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.number = number
        self.values = dict(values or {})


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One article to buy."""

    item: str
    quantity: Decimal
    unit: str
    required: date
    supplier: str
    warehouse: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A requisition to bring about. `number`: the bill number we chose, the same at every try of the command."""

    number: str
    ticket: str
    memo: str
    until: str
    today: date
    lines: tuple[DraftLine, ...]

    @property
    def items(self) -> list[str]:
        return sorted(line.item for line in self.lines)

    @property
    def remark(self) -> str:
        """The bill's remark: where it comes from, our number, and what was said."""
        text = f"Weft {self.ticket} ({self.number}) {self.memo}".strip()
        return text if len(text) <= LONGEST_NOTE else text[: LONGEST_NOTE - 1] + "…"


def number_of(command: Command, config: KingdeeConfig) -> str:
    """Our bill number for a command."""
    return f"{config.requisition.number_prefix}{command.idempotency_key[:DIGITS].upper()}"


def draft_of(command: Command, config: KingdeeConfig, now: datetime) -> Draft:
    """The draft in a command. Raises Rejected, naming the field and what to write instead."""
    ticket = str(command.key.get("ticket") or "").strip()
    if not ticket:
        raise Rejected("key.ticket: is missing; it says what the requisition is for.")
    body = command.body
    unknown = sorted(set(body) - {"lines", "memo", "until"})
    if unknown:
        raise Rejected(f"body.{unknown[0]}: there is no such field; there are lines, memo, until.")
    until = str(body.get("until") or config.requisition.until)
    if until not in ("saved", "submitted", "audited"):
        raise Rejected(f"body.until: {until!r} is none of saved, submitted, audited.")
    lines = body.get("lines")
    if not isinstance(lines, (list, tuple)) or not lines:
        raise Rejected("body.lines: is missing; write [{item: ..., quantity: ...}].")
    if len(lines) > MAX_LINES:
        raise Rejected(f"body.lines: {len(lines)} lines; a requisition takes {MAX_LINES} at most.")
    today = now.astimezone(config.zone).date()
    usual = today + timedelta(days=config.requisition.needed_in_days)
    made = tuple(_line(line, f"body.lines[{place}]", usual) for place, line in enumerate(lines))
    return Draft(number_of(command, config), ticket, str(body.get("memo") or "").strip(), until, today, made)


def _line(given: Any, path: str, usual: date) -> DraftLine:
    if not isinstance(given, Mapping):
        raise Rejected(f"{path}: is no line; write {{item: ..., quantity: ...}}.")
    known = ("item", "quantity", "unit", "required_date", "supplier", "warehouse")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise Rejected(f"{path}.{unknown[0]}: there is no such field; there are {', '.join(known)}.")
    item = str(given.get("item") or "").strip()
    if not item:
        raise Rejected(f"{path}.item: is missing; it is the article's number in Kingdee.")
    try:
        quantity = exact_number(given.get("quantity"))
    except BadRecord as e:
        raise Rejected(f"{path}.quantity: {given.get('quantity')!r} is no number.") from e
    if quantity <= 0:
        raise Rejected(f"{path}.quantity: {quantity} is not above 0.")
    unit, supplier, warehouse = (str(given.get(name) or "").strip() for name in ("unit", "supplier", "warehouse"))
    return DraftLine(
        item, quantity, unit, _day(given.get("required_date"), f"{path}.required_date", usual), supplier, warehouse
    )


def _day(given: Any, path: str, usual: date) -> date:
    if given is None or given == "":
        return usual
    if isinstance(given, datetime):
        return given.date()
    try:
        return date.fromisoformat(str(given)[:10])
    except ValueError as e:
        raise Rejected(f"{path}: {given!r} is no day such as 2026-12-01.") from e


def model_of(draft: Draft, config: KingdeeConfig, selector: Selector) -> dict[str, Any]:
    """The Model of Save. Kingdee fills dependent fields in the order of this document: head, then lines.

    Asks for the articles first: Kingdee's own message for an unknown one names no article.
    """
    site = config.requisition
    articles = _articles(draft, config, selector)
    org = {"FNumber": config.organization}
    buyer = {"FNumber": site.purchase_organization or config.organization}
    head: dict[str, Any] = {
        "FID": 0,
        "FBillNo": draft.number,
        "FBillTypeID": {"FNumber": site.bill_type},
        "FApplicationDate": f"{draft.today.isoformat()} 00:00:00",
        "FRequestType": site.request_type,
        "FApplicationOrgId": org,
    }
    if site.department:
        head["FApplicationDeptId"] = {"FNumber": site.department}
    if site.applicant:
        head["FApplicantId"] = {"FNumber": site.applicant}
    head |= {
        "FCurrencyId": {"FNumber": site.currency},
        "FExchangeTypeId": {"FNumber": site.exchange_type},
        "FNote": draft.remark,
        **site.fields,
    }
    entries = []
    for line in draft.lines:
        article = articles[line.item]
        unit = {"FNumber": line.unit or article["FPurchaseUnitId"]["FNumber"] or article["FBaseUnitId"]["FNumber"]}
        entry: dict[str, Any] = {
            "FRequireOrgId": org,
            "FMaterialId": {"FNumber": line.item},
            "FUnitId": unit,
            "FReqQty": line.quantity,
            "FApproveQty": line.quantity,
            "FPriceUnitId": unit,
            "FArrivalDate": f"{line.required.isoformat()} 00:00:00",
            "FPurchaseOrgId": buyer,
            "FReceiveOrgId": org,
        }
        if line.supplier:
            entry["FSuggestSupplierId"] = {"FNumber": line.supplier}
        if line.warehouse:
            entry["FStockId"] = {"FNumber": line.warehouse}
        entries.append(entry | site.line_fields)
    return {**head, "FEntity": entries}


def _articles(draft: Draft, config: KingdeeConfig, selector: Selector) -> dict[str, dict[str, Any]]:
    """The master data of every article of the draft. Raises Rejected for one that can't be bought."""
    wanted = sorted(set(draft.items))
    org = quoted(config.organization)
    rows = selector.rows(
        "BD_MATERIAL",
        _ARTICLE,
        lambda _: f"FUseOrgId.FNumber = {org} and {among('FNumber', wanted)}",
        order="FNumber ASC",
        limit=MAX_LINES,
    )
    found = {each["FNumber"]: each for each in (record(_ARTICLE, row, config.zone) for row in rows)}
    for place, line in enumerate(draft.lines):
        article = found.get(line.item)
        if article is None:
            where = f"organisation {config.organization}"
            raise Rejected(f"body.lines[{place}].item: Kingdee knows no article {line.item!r} in {where}.")
        if article["FForbidStatus"] == "B" or article["FDocumentStatus"] != "C":
            raise Rejected(f"body.lines[{place}].item: the article {line.item!r} is forbidden or not audited.")
    return found
