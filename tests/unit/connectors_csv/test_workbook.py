"""Workbooks: numbers, dates, merged cells, sheets; and those that would take all memory."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.drop_folder.sandbox_workbook import sheet_xml, workbook
from connectors.errors import Transient
from tests.unit.connectors_csv.conftest import Drop, cursor_of

HEAD = ("item", "qty")


def put(drop: Drop, *rows: Any, name: str = "stock.xlsx", head: Any = HEAD, merged: Any = ()) -> None:
    drop.put(name, workbook({"Sheet1": [head, *rows]}, merged))


def test_numbers_have_the_digits_of_a_spreadsheet_and_no_more(drop: Drop) -> None:
    noisy = [b"<c><v>0.30000000000000004</v></c>", b"<c><v>1E-3</v></c>", b"<c><v>12.50</v></c>", b"<c><v>7</v></c>"]
    put(drop, *[(f"A{n}", cell) for n, cell in enumerate(noisy)])
    assert [str(row["qty"]) for row in drop.rows()] == ["0.3", "0.001", "12.5", "7"]


def test_a_number_where_a_text_is_declared_becomes_its_text(drop: Drop) -> None:
    put(drop, (6205, 1))
    assert drop.rows() == [{"item": "6205", "qty": 1}]


def test_numbers_that_are_not_declared_are_exact(drop: Drop) -> None:
    put(drop, ("A", 1, Decimal("0.1")), head=("item", "qty", "price"))
    price = drop.rows()[0]["price"]
    assert isinstance(price, Decimal)
    assert price == Decimal("0.1")


def test_times_have_the_configured_zone_and_dates_stay_days(drop: Drop) -> None:
    drop.config["zone"] = "Asia/Shanghai"
    drop.stream(fields={"at": "datetime", "day": "date"})
    midnight = datetime(2026, 11, 22)  # noqa: DTZ001 - a workbook's times have no zone
    put(drop, ("A", midnight.replace(hour=8), date(2026, 11, 22), midnight), head=("item", "at", "day", "other"))
    assert drop.rows() == [
        {
            "item": "A",
            "at": datetime(2026, 11, 22, tzinfo=UTC),
            "day": "2026-11-22",
            "other": datetime(2026, 11, 21, 16, tzinfo=UTC),
        }
    ]


def test_names_of_merged_cells_and_those_below_are_joined(drop: Drop) -> None:
    drop.stream(header_rows=2, fields={"stock_qty": "number"})
    put(drop, (None, "qty", "unit"), ("A", 5, "kg"), head=("item", "stock", None), merged=["A1:A2", "B1:C1"])
    assert drop.rows() == [{"item": "A", "stock_qty": 5, "stock_unit": "kg"}]


def test_a_merged_cell_can_stand_in_every_row_it_covers(drop: Drop) -> None:
    rows = (("A", 1, "first"), (None, 2, None), ("B", 3, "second"))
    put(drop, *rows, head=("item", "qty", "note"), merged=["A2:A3", "C2:C3"])
    assert len(drop.bad()) == 1
    drop.stream(fill_merged=True)
    assert [(row["item"], row["note"]) for row in drop.rows()] == [("A", "first"), ("A", "first"), ("B", "second")]


def test_empty_rows_and_columns_are_nothing(drop: Drop) -> None:
    put(drop, ("A", 1), (None, None), ("", ""), ("B", 2), *[(None, None)] * 50)
    assert [row["item"] for row in drop.rows()] == ["A", "B"]


def test_a_table_need_not_begin_in_the_first_cell(drop: Drop) -> None:
    drop.stream(header_row=3)
    drop.put("stock.xlsx", workbook({"S": [(), (), (None, "item", "qty"), (None, "A", 1)]}))
    assert drop.rows() == [{"item": "A", "qty": 1}]


def test_a_row_is_named_by_its_number_in_the_sheet(drop: Drop) -> None:
    put(drop, ("A", 1), (None, None), ("B", "many"))
    assert drop.bad() == ["stock.xlsx row 4: qty: 'many' is no number"]


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (b'<c t="e"><v>#N/A</v></c>', "qty: #N/A"),
        (b"<c><f>1+1</f></c>", "qty: a formula without a computed value"),
    ],
)
def test_an_error_and_a_formula_never_computed_are_not_taken_for_empty(drop: Drop, cell: bytes, told: str) -> None:
    put(drop, ("A", cell), ("B", b"<c><f>1+1</f><v>2</v></c>"))
    assert drop.bad() == [f"stock.xlsx row 2: {told}"]
    assert drop.rows() == [{"item": "B", "qty": 2}]


@pytest.mark.parametrize(("sheet", "item"), [("", "one"), ("2", "two"), ("第二", "two")])
def test_a_sheet_is_chosen_by_name_or_number(drop: Drop, sheet: str, item: str) -> None:
    drop.stream(sheet=sheet)
    drop.put("stock.xlsx", workbook({"first": [HEAD, ("one", 1)], "第二": [HEAD, ("two", 2)]}))
    assert drop.rows()[0]["item"] == item


def test_a_sheet_that_is_not_there_is_told_with_those_that_are(drop: Drop) -> None:
    drop.stream(sheet="Stock")
    put(drop, ("A", 1))
    assert drop.bad() == ["stock.xlsx: it can't be read as a workbook: it has no sheet 'Stock'; it has 'Sheet1'"]


def test_an_open_document_sheet_is_read(drop: Drop) -> None:
    drop.put("stock.ods", ods(_row("item", "qty") + _row("A", 0.1) + _row("B", 2)))
    assert [str(row["qty"]) for row in drop.rows()] == ["0.1", "2"]


def test_a_run_goes_on_in_the_middle_of_a_sheet(drop: Drop) -> None:
    put(drop, *[(f"A{n}", n) for n in range(8)])
    cursor = cursor_of(drop.batches(stop_after=1))
    assert [row["item"] for row in drop.rows(cursor)] == ["A3", "A4", "A5", "A6", "A7"]


def test_a_text_file_named_like_a_workbook_is_told(drop: Drop) -> None:
    drop.put("stock.xlsx", "item,qty\nA,1\n")
    assert drop.bad() == ["stock.xlsx: it is named like a workbook, but it is none"]


def test_a_text_file_named_xls_is_read_as_many_systems_write_them(drop: Drop) -> None:
    drop.put("stock.xls", "item\tqty\nA\t1\n".encode("gbk"))
    assert drop.rows() == [{"item": "A", "qty": 1}]


# -- hostile ----------------------------------------------------------------------------------------------------------


def _refused(drop: Drop, told: str) -> None:
    drop.put("stock-good.csv", "item,qty\nGOOD,1\n")
    batches = drop.batches()
    bad = [str(each) for batch in batches for each in batch.bad]
    assert len(bad) == 1
    assert told in bad[0], bad[0]
    assert [row["item"] for batch in batches for row in batch.records] == ["GOOD"]
    assert drop.batches(cursor_of(batches)) == []


def test_one_cell_at_the_far_corner_does_not_take_all_memory(drop: Drop) -> None:
    drop.config["workbook_memory_mb"] = 512
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    drop.put("stock.xlsx", with_sheet(sheet_xml([HEAD, ("A", 1)]).replace("</sheetData>", far)))
    _refused(drop, "it takes more than 512 MB to read: far more cells than it seems")


def test_an_open_document_of_endlessly_repeated_cells_is_refused(drop: Drop) -> None:
    drop.config["workbook_memory_mb"] = 512
    cells = '<table:table-cell table:number-columns-repeated="16000" office:value-type="float" office:value="1"/>'
    rows = f'<table:table-row table:number-rows-repeated="1000000">{cells}</table:table-row>'
    drop.put("stock.ods", ods(_row("item", "qty") + rows))
    _refused(drop, "stock.ods: it ")


def test_a_zip_bomb_is_refused(drop: Drop) -> None:
    file = io.BytesIO(workbook({"S": [HEAD, ("A", 1)]}))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/media/x.bin", b"")
        book.getinfo("xl/media/x.bin").file_size = (2 << 30) - 1
    drop.put("stock.xlsx", file.getvalue())
    _refused(drop, "when unpacked, which is no workbook")


def test_a_zip_bomb_that_lies_about_its_size_ends_within_its_memory(drop: Drop) -> None:
    drop.config["workbook_memory_mb"] = 256
    padded = sheet_xml([HEAD, ("A", 1)]).replace(
        "</sheetData>", "<row>" + "<c><v>1</v></c>" * 8_000_000 + "</row></sheetData>"
    )
    data = bytearray(with_sheet(padded))
    size = len(padded.encode()).to_bytes(4, "little")
    assert data.count(size) == 2
    drop.put("stock.xlsx", bytes(data).replace(size, (5000).to_bytes(4, "little")))
    _refused(drop, "stock.xlsx: it ")


def test_a_workbook_over_the_bound_is_refused(drop: Drop) -> None:
    drop.config["max_workbook_bytes"] = 1024
    put(drop, *[(f"A{n}", n) for n in range(100)])
    _refused(drop, "1,024 are allowed (max_workbook_bytes)")


def test_a_broken_workbook_is_refused(drop: Drop) -> None:
    drop.put("stock.xlsx", workbook({"S": [HEAD, ("A", 1)]})[:-200])
    _refused(drop, "it can't be read as a workbook")


def test_entities_that_explode_are_refused_or_ignored(drop: Drop) -> None:
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    bomb = sheet_xml([HEAD, ("A", 1)]).replace("<worksheet", entities + "]><worksheet").replace(">A<", ">&j;<")
    drop.config["workbook_memory_mb"] = 512
    drop.put("stock.xlsx", with_sheet(bomb))
    assert all(len(row["item"]) < 1000 for row in drop.rows())


def test_a_reader_that_hangs_is_ended_in_time(drop: Drop, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    hanging = tmp_path / "child.py"
    hanging.write_text("import threading; threading.Event().wait()")
    monkeypatch.setattr("connectors.drop_folder.workbook.CHILD", hanging)
    drop.config["timeout_s"] = 0.5
    put(drop, ("A", 1))
    with pytest.raises(Transient, match=r"not read within 0\.5 s"):
        drop.batches()


def with_sheet(xml: str) -> bytes:
    """A workbook whose first sheet is this XML."""
    source = zipfile.ZipFile(io.BytesIO(workbook({"S": [HEAD]})))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        for part in source.namelist():
            book.writestr(part, xml if part.endswith("sheet1.xml") else source.read(part))
    return file.getvalue()


def _row(*cells: Any) -> str:
    made = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
        if isinstance(cell, str)
        else f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
        for cell in cells
    )
    return f"<table:table-row>{made}</table:table-row>"


def ods(rows: str) -> bytes:
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    space = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = " ".join(f'xmlns:{name}="{space}:{name}:1.0"' for name in ("office", "table", "text"))
    entry = f'manifest:media-type="{kind}" manifest:full-path="/"'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", kind)
        book.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{space}:manifest:1.0"><manifest:file-entry {entry}/></manifest:manifest>',
        )
        book.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet><table:table "
            f'table:name="T">{rows}</table:table></office:spreadsheet></office:body></office:document-content>',
        )
    return file.getvalue()
