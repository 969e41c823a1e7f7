"""Purchase requisitions (请购单): the one thing the hub writes into U8, and only where it is switched on.

Whichever way it goes, the requisition's head carries a marker made of the command's id. Before it is written the
marker is looked for, so a command is carried out once; after a lost answer it tells whether it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.contract import Command, Operation, Outcome, Receipt
from connectors.errors import Ambiguous, BadRecord
from connectors.exact import exact_number
from connectors.u8 import requisitions_sql
from connectors.u8.client import Database, U8Client
from connectors.u8.config import U8Config
from connectors.u8.openapi import OpenApi, Refused
from connectors.u8.rows import number

CREATE = "create_requisition"
MAX_LINES = 100
_TEXT = {"type": "string"}
_LINE = {
    "type": "object",
    "properties": {
        "item": {**_TEXT, "description": "Item code"},
        "quantity": {"type": ["number", "string"], "description": "How many, in the item's unit; more than 0"},
        "required_date": {**_TEXT, "format": "date", "description": "Needed by; today if left out"},
        "supplier": {**_TEXT, "description": "Proposed supplier's code"},
        "price": {"type": ["number", "string"], "description": "Price without tax for one unit, if known"},
    },
    "required": ["item", "quantity"],
    "additionalProperties": False,
}
OPERATIONS = (
    Operation(
        name=CREATE,
        title="Create a purchase requisition",
        title_zh="新建请购单",
        body_schema={
            "type": "object",
            "properties": {
                "lines": {
                    "type": "array",
                    "items": _LINE,
                    "minItems": 1,
                    "maxItems": MAX_LINES,
                    "description": "What to buy",
                },
                "memo": {**_TEXT, "description": "Remark for the purchasing department"},
                "department": {**_TEXT, "description": "Department's code, instead of the connection's"},
                "person": {**_TEXT, "description": "Code of the person who requests, instead of the connection's"},
            },
            "required": ["lines"],
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to buy."""

    item: str
    quantity: Decimal
    required: date
    supplier: str
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Requisition:
    """What is to be created. `marker`: by which it is found again. `memo`: without the marker."""

    marker: str
    day: date
    lines: tuple[Line, ...]
    memo: str
    department: str
    person: str


def write(client: U8Client, config: U8Config, openapi: OpenApi | None, command: Command) -> Receipt:
    """Create it, unless it is there already (`duplicate`).

    :raises BadRecord: the command can't be understood. :raises Ambiguous: it may have been created.
    """
    wanted = parsed(command, config, client.now().astimezone(config.zone).date())
    if config.requisitions == "off":
        return Receipt(
            command.id, Outcome.rejected, reason="The hub may not write into this U8 (`requisitions` is off)."
        )
    with client.open() as database:
        there = find(database, config, wanted.marker)
        if there is not None:
            return _receipt(command, Outcome.duplicate, there, database, config)
        if openapi is None:
            return _write_by_sql(database, config, wanted, command)
    try:
        code = openapi.create(wanted)
    except Refused as refusal:
        return Receipt(command.id, Outcome.rejected, reason=str(refusal))
    return _receipt(command, Outcome.applied, {"code": code}, database, config)


def _write_by_sql(database: Database, config: U8Config, wanted: Requisition, command: Command) -> Receipt:
    def there() -> bool:
        return find(database, config, wanted.marker) is not None

    try:
        code = requisitions_sql.create(database, config, wanted, there)
    except requisitions_sql.Refused as refusal:
        return Receipt(command.id, Outcome.rejected, reason=str(refusal))
    outcome = Outcome.applied if code else Outcome.duplicate
    return _receipt(command, outcome, verified(database, config, wanted), database, config)


def confirm(client: U8Client, config: U8Config, command: Command) -> Receipt | None:
    """The requisition that carries this command's marker."""
    wanted = parsed(command, config, client.now().astimezone(config.zone).date())
    with client.open() as database:
        there = find(database, config, wanted.marker)
        return None if there is None else _receipt(command, Outcome.applied, there, database, config)


def find(database: Database, config: U8Config, marker: str) -> dict[str, Any] | None:
    """The requisition with this marker: `code`, `id`, and whether it is `audited`; None if there is none."""
    field = config.marker_field
    missing = [f"PU_AppVouch.{name}" for name in ("cCode", "ID", field) if not database.schema.has("PU_AppVouch", name)]
    database.schema.need(missing, "finding requisitions again")
    rows = database.rows(_MARKED.format(field), (f"%{marker}%",))
    if not rows:
        return None
    return {"code": str(rows[0]["code"]), "id": int(rows[0]["id"]), "audited": bool(rows[0]["verifier"])}


def verified(database: Database, config: U8Config, wanted: Requisition) -> dict[str, Any]:
    """What was written, read again: `verified` is false when it differs from what was meant, with `differences`.

    :raises Ambiguous: it is not there.
    """
    there = find(database, config, wanted.marker)
    if there is None:
        raise Ambiguous("The requisition was written and committed, but can't be found.")
    rows = database.rows(_WRITTEN, (there["id"],))
    meant = [(line.item.casefold(), number(line.quantity)) for line in wanted.lines]
    found = [(str(row["item"]).casefold(), number(row["quantity"])) for row in rows]
    pairs = enumerate(zip(meant, found, strict=False), 1)
    differences = [f"line {place}: {a} was meant, {b} is there" for place, (a, b) in pairs if a != b]
    if len(meant) != len(found):
        differences.append(f"{len(meant)} lines were meant, {len(found)} are there")
    return {**there, "verified": not differences, "differences": differences}


def _receipt(
    command: Command, outcome: Outcome, there: dict[str, Any], database: Database, config: U8Config
) -> Receipt:
    code = str(there["code"])
    values = {**there, "database": database.name, "link": config.link(database.name, "purchaserequisition", code)}
    return Receipt(command.id, outcome, external_id=code, values=values)


# -- what is asked for ------------------------------------------------------------------------------------------------


def parsed(command: Command, config: U8Config, today: date) -> Requisition:
    """:raises BadRecord: unknown operation, no key, or a body that does not fit; names the field.
    :raises ConfigProblem: the connection may not write."""
    if command.op != CREATE:
        raise BadRecord(f"Unknown operation {command.op!r}; there is {CREATE!r}.")
    if not str(command.key.get("ticket") or "").strip():
        raise BadRecord("The key needs `ticket`: what the requisition is for.")
    lines = command.body.get("lines")
    if not isinstance(lines, Sequence) or isinstance(lines, str) or not 1 <= len(lines) <= MAX_LINES:
        raise BadRecord(f"`lines` must be a list of 1 to {MAX_LINES} things to buy.", record=dict(command.body))
    unknown = set(command.body) - {"lines", "memo", "department", "person"}
    if unknown:
        raise BadRecord(
            f"{', '.join(f'`{name}`' for name in sorted(unknown))}: no such field.", record=dict(command.body)
        )
    return Requisition(
        marker=f"weft:{command.idempotency_key}",
        day=today,
        lines=tuple(_line(line, f"lines[{place}]", today) for place, line in enumerate(lines)),
        memo=_text(command.body, "memo") or f"Weft {command.key['ticket']}",
        department=_text(command.body, "department") or config.department,
        person=_text(command.body, "person") or config.person,
    )


def _line(line: Any, path: str, today: date) -> Line:
    if not isinstance(line, dict) or not _text(line, "item"):
        raise BadRecord(f"`{path}.item` is missing: the code of what to buy.", record=line)
    unknown = set(line) - set(_LINE["properties"])  # type: ignore[call-overload]
    if unknown:
        raise BadRecord(f"`{path}.{min(unknown)}`: no such field.", record=line)
    try:
        quantity = exact_number(line.get("quantity"))
        price = None if line.get("price") is None else exact_number(line["price"])
    except BadRecord as error:
        raise BadRecord(f"`{path}`: quantity or price: {error}", record=line) from error
    if quantity <= 0 or (price is not None and price < 0):
        raise BadRecord(f"`{path}`: the quantity must be more than 0, the price not less.", record=line)
    return Line(
        _text(line, "item"), quantity, _day(line.get("required_date"), path, today), _text(line, "supplier"), price
    )


def _day(value: Any, path: str, today: date) -> date:
    if value is None or value == "":
        return today
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise BadRecord(f"`{path}.required_date`: {value!r} is no day; write 2026-11-30.", record=value) from None


def _text(values: Any, name: str) -> str:
    value = values.get(name)
    return "" if value is None else str(value).strip()


_MARKED = "SELECT cCode AS code, ID AS id, cVerifier AS verifier FROM PU_AppVouch WHERE {} LIKE ? ORDER BY ID"
_WRITTEN = "SELECT cInvCode AS item, fQuantity AS quantity FROM PU_AppVouchs WHERE ID = ? ORDER BY AutoID"
