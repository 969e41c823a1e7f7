"""A requisition written straight into U8's tables, in one transaction: number, ids, head, lines, or nothing.

Yonyou does not support this; it is for sites without the OpenAPI that have allowed it (`requisitions: sql`). The ids
come from U8's own procedure `sp_GetId`, the number from its counter in VoucherHistory, whose row stays locked until the
commit, so that nobody else, U8's clients included, can take the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from connectors.errors import ConfigProblem, Transient
from connectors.odbc import Constraint, Session
from connectors.u8.client import Database
from connectors.u8.config import U8Config
from connectors.u8.schema import Schema

if TYPE_CHECKING:
    from connectors.u8.requisitions import Line, Requisition

CARD = "27"
"""U8's number of the document type 请购单."""
KIND = "PuApp"
"""Its name in the id counter."""
_TRIES = 100


class Refused(ConfigProblem):
    """U8's own rules do not allow this requisition: an unknown or stopped item, a closed month."""


def create(database: Database, config: U8Config, wanted: Requisition, is_there: Callable[[], bool]) -> str:
    """The new requisition's number; "" when another has written it meanwhile. `is_there`: whether its marker is found.

    :raises Refused: U8's rules, or the database's constraints, do not allow it.
    :raises Transient: somebody took the number by hand meanwhile. :raises Ambiguous: the commit's answer was lost.
    :raises MissingObject: this U8's tables are others.
    """
    _check_tables(database.schema)
    try:
        with database.session.transaction() as session:
            code = _next_number(database, config, wanted)  # first: its lock makes writers wait for one another
            if is_there():
                raise _WrittenMeanwhile
            _check_rules(database, wanted)
            account = config.account or _account_of(database.name)
            head, last = database.dialect.take_ids(session, account, KIND, len(wanted.lines))
            _insert(session, database.schema, "PU_AppVouch", _head(config, wanted, head, code))
            for place, line in enumerate(wanted.lines, 1):
                row = _line(line, place, head, last - len(wanted.lines) + place, code)
                _insert(session, database.schema, "PU_AppVouchs", row)
    except _WrittenMeanwhile:
        return ""
    except Constraint as error:
        if error.duplicate:
            raise Transient(f"The number or an id is taken: {error}") from error
        raise Refused(str(error)) from error
    return code


class _WrittenMeanwhile(Exception):
    """Takes the transaction back."""


def _account_of(database: str) -> str:
    parts = database.split("_")
    if len(parts) < 2 or not parts[1].isdecimal():
        raise ConfigProblem(f"The account set of {database!r} is not known.", hint="set `account`")
    return parts[1]


def _check_tables(schema: Schema) -> None:
    needed = {
        "PU_AppVouch": ("ID", "cCode", "dDate", "cMaker", "cMemo"),
        "PU_AppVouchs": ("AutoID", "ID", "cInvCode", "fQuantity", "dRequirDate"),
        "VoucherHistory": ("CardNumber", "cNumber"),
    }
    missing = [f"{table}.{name}" for table, names in needed.items() for name in names if not schema.has(table, name)]
    schema.need(missing, "writing requisitions by SQL")


def _next_number(database: Database, config: U8Config, wanted: Requisition) -> str:
    """Counts U8's number up until one is free that nobody has entered by hand."""
    for _ in range(_TRIES):
        if database.session.run(_COUNT, (CARD,)) < 1:
            raise ConfigProblem(
                "VoucherHistory has no plain counter for requisitions (CardNumber 27, cContent null).",
                hint="number them in U8 by a serial number alone, or use `requisitions: openapi`",
            )
        serial = int(database.session.query(_SERIAL, (CARD,)).all()[0][0])
        code = config.number_format.format(serial=serial, year=wanted.day.year, month=wanted.day.month)
        if not database.rows("SELECT 1 AS taken FROM PU_AppVouch WHERE cCode = ?", (code,)):
            return code
    raise ConfigProblem(f"The next {_TRIES} requisition numbers are all taken.", hint="check `number_format`")


def _check_rules(database: Database, wanted: Requisition) -> None:
    if database.schema.has("gl_mend", "bflag_PU"):
        month = (wanted.day.year, wanted.day.month)
        closed = database.rows("SELECT bflag_PU AS closed FROM gl_mend WHERE iyear = ? AND iperiod = ?", month)
        if closed and str(closed[0]["closed"]).lower() in ("1", "true"):
            raise Refused(f"Purchasing has closed {wanted.day.year}-{wanted.day.month:02}.")
    for line in wanted.lines:
        rows = database.rows(_ITEM, (line.item,))
        if not rows:
            raise Refused(f"U8 has no item {line.item!r}.")
        if rows[0]["stopped"] is not None:
            raise Refused(f"The item {line.item!r} is stopped in U8.")
        if str(rows[0]["bought"]).lower() not in ("1", "true"):
            raise Refused(f"The item {line.item!r} is none that is bought (是否外购).")
        if line.supplier and not database.rows("SELECT 1 AS known FROM Vendor WHERE cVenCode = ?", (line.supplier,)):
            raise Refused(f"U8 has no supplier {line.supplier!r}.")


def _head(config: U8Config, wanted: Requisition, head: int, code: str) -> dict[str, Any]:
    day = wanted.day
    row = {
        "ID": head,
        "cCode": code,
        "dDate": day,
        "cDepCode": wanted.department or None,
        "cPersonCode": wanted.person or None,
        "cPTCode": config.purchase_type or None,
        "cBusType": "普通采购",
        "iVTid": config.template_id,
        "cMaker": config.maker,
        "cMakeTime": day,
        "cMemo": wanted.memo,
        "iverifystateex": 0,
        "csysbarcode": f"||pupr|{code}",
    }
    return marked(row, config.marker_field, wanted.marker)


def marked(row: dict[str, Any], field: str, marker: str) -> dict[str, Any]:
    """With the marker: behind the memo, or alone in another field."""
    return {**row, field: f"{row[field]} {marker}" if field == "cMemo" else marker}


def _line(line: Line, place: int, head: int, number: int, code: str) -> dict[str, Any]:
    day = line.required
    return {
        "AutoID": number,
        "ID": head,
        "cVenCode": line.supplier or None,
        "cInvCode": line.item,
        "fQuantity": line.quantity,
        "fUnitPrice": line.price,
        "fMoney": None if line.price is None else round(line.price * line.quantity, 2),
        "dRequirDate": day,
        "dArriveDate": day,
        "bTaxCost": 1,
        "iExchRate": 1,
        "cexch_name": "人民币",
        "ivouchrowno": place,
        "cbsysbarcode": f"||pupr|{code}|{place}",
    }


def _insert(session: Session, schema: Schema, table: str, row: dict[str, Any]) -> None:
    """The row, without what is empty and columns that this U8 does not have, texts cut to what they hold."""
    there = {name: value for name, value in row.items() if value is not None and schema.has(table, name)}
    fitting = {name: _fit(schema, table, name, value) for name, value in there.items()}
    places = ", ".join("?" * len(fitting))
    sql = f"INSERT INTO {table} ({', '.join(fitting)}) VALUES ({places})"  # noqa: S608 - names of our own
    session.run(sql, tuple(fitting.values()))


def _fit(schema: Schema, table: str, name: str, value: Any) -> Any:
    """A varchar of a Chinese collation holds GBK: its length counts bytes, and a hanzi two."""
    column = schema.column(table, name)
    if not isinstance(value, str) or column is None or column.length is None:
        return value
    if column.type == "varchar":
        return cut(value, column.length)
    return _shortened(value, column.length, len)


def cut(text: str, size: int) -> str:
    """At most so many bytes of GBK; the marker at the end stays whole."""
    return _shortened(text, size, lambda part: len(part.encode("gbk", "replace")))


def _shortened(text: str, size: int, measure: Any) -> str:
    before, mark, marker = text.rpartition(" weft:")
    tail = mark + marker if mark else ""
    head = before if mark else text
    while head and measure(head + tail) > size:
        head = head[:-1]
    return head + tail


_COUNT = (
    "UPDATE VoucherHistory SET cNumber = CAST(CAST(cNumber AS INTEGER) + 1 AS VARCHAR(30))"
    " WHERE CardNumber = ? AND cContent IS NULL"
)
_SERIAL = "SELECT cNumber FROM VoucherHistory WHERE CardNumber = ? AND cContent IS NULL"
_ITEM = "SELECT bPurchase AS bought, dEDate AS stopped FROM Inventory WHERE cInvCode = ?"
