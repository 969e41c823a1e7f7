"""A small writer of .xlsx files for sandbox and tests: texts, numbers, flags, times, errors and merged cells."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook's times have no zone
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def workbook(sheets: dict[str, Sequence[Sequence[Any]]], merged: Sequence[str] = ()) -> bytes:
    """The file. A cell is a text, number, bool, naive datetime, date, None, or raw XML as bytes. `merged` (`B1:C1`)
    belongs to the first sheet."""
    names = list(sheets)
    book = "".join(f'<sheet name={quoteattr(n)} sheetId="{i}" r:id="rId{i}"/>' for i, n in enumerate(names, 1))
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(names) + 1)
    )
    links += f'<Relationship Id="rId0" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for i in range(1, len(names) + 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
        f'"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
        f'"application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>{kinds}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{book}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="22"/></cellXfs></styleSheet>',
    }
    for place, (_, rows) in enumerate(sheets.items(), 1):
        parts[f"xl/worksheets/sheet{place}.xml"] = sheet_xml(rows, merged if place == 1 else ())
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book_file:
        for name, text in parts.items():
            book_file.writestr(name, _HEAD + text)
    return file.getvalue()


def sheet_xml(rows: Sequence[Sequence[Any]], merged: Sequence[str] = ()) -> str:
    body = "".join(
        f'<row r="{number}">{"".join(_cell(value, number, column) for column, value in enumerate(row))}</row>'
        for number, row in enumerate(rows, 1)
    )
    spans = "".join(f'<mergeCell ref="{each}"/>' for each in merged)
    spans = f'<mergeCells count="{len(merged)}">{spans}</mergeCells>' if merged else ""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData>{spans}</worksheet>'


def _cell(value: Any, row: int, column: int) -> str:
    place = f'r="{_letters(column)}{row}"'
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode().replace("<c", f"<c {place}", 1)
    if isinstance(value, bool):
        return f'<c {place} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | Decimal | float):
        return f"<c {place}><v>{value!s}</v></c>"
    if isinstance(value, datetime):
        return f'<c {place} s="2"><v>{_days(value)}</v></c>'
    if isinstance(value, date):
        return f'<c {place} s="1"><v>{(value - _EPOCH.date()).days}</v></c>'
    return f'<c {place} t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def _days(value: datetime) -> Decimal:
    since = value - _EPOCH
    return since.days + Decimal(since.seconds) / 86_400


def _letters(column: int) -> str:
    letters = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
