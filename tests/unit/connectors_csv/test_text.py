"""Text files as the world writes them: encodings, delimiters, quotes, bad rows; and hostile ones."""

from __future__ import annotations

import random
import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.drop_folder import CsvConfig, CsvConnector
from connectors.drop_folder.client import Files
from connectors.drop_folder.lines import Place, TextRows
from connectors.drop_folder.sandbox import csv_text
from tests.unit.connectors_csv.conftest import Drop, cursor_of

TABLE = "item,qty\n轴承 6205,12.50\n"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_found(drop: Drop, codec: str) -> None:
    data = TABLE.encode(codec)
    if codec in ("utf-16-le", "utf-16-be"):
        data = "\ufeff".encode(codec) + data
    drop.put("stock.csv", data)
    assert drop.rows() == [{"item": "轴承 6205", "qty": Decimal("12.50")}]


def test_a_character_that_only_gb18030_has_is_read(drop: Drop) -> None:
    drop.put("stock.csv", "item,qty\n𠮷野,1\n".encode("gb18030"))
    assert drop.rows()[0]["item"] == "𠮷野"


def test_one_broken_byte_late_in_a_utf8_file_spoils_one_row_only(drop: Drop) -> None:
    rows = [f"轴承{n},{n}".encode() for n in range(50)]
    rows[40] = b"\xff" + rows[40]
    drop.put("stock.csv", b"item,qty\n" + b"\n".join(rows) + b"\n")
    assert drop.bad() == ["stock.csv row 42: not UTF-8 at byte 1 of line 42"]
    assert drop.rows()[0]["item"] == "轴承0"
    assert len(drop.rows()) == 49


def test_a_utf8_file_cut_within_a_character_is_not_taken_for_gbk(drop: Drop) -> None:
    whole = "".join(f"轴承,{n}\n" for n in range(30)).encode()
    drop.put("stock.csv", b"item,qty\n" + whole + "轴".encode()[:2])
    assert drop.rows()[0]["item"] == "轴承"
    assert drop.bad() == ["stock.csv row 32: not UTF-8 at byte 1 of line 32"]


def test_a_given_encoding_is_used(drop: Drop) -> None:
    drop.stream(encoding="gbk")
    drop.put("stock.csv", "item,qty\nｱ,1\n".encode("gb18030"))
    assert drop.rows()[0]["item"] == "ｱ"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(drop: Drop, delimiter: str) -> None:
    drop.put("stock.csv", f'"item"{delimiter}qty{delimiter}"a,b;c"\nA{delimiter}1{delimiter}x\n')
    assert drop.rows()[0]["qty"] == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(drop: Drop, end: str) -> None:
    drop.put("stock.csv", f"item,qty{end}A,1{end}B,2")
    assert [row["item"] for row in drop.rows()] == ["A", "B"]


def test_texts_stay_texts_and_spaces_are_trimmed(drop: Drop) -> None:
    drop.put("stock.csv", 'item,qty,note\n 007 , 1 ,"=1+2"\n')
    assert drop.rows() == [{"item": "007", "qty": 1, "note": "=1+2"}]


def test_a_decimal_comma_is_read_where_it_is_declared(drop: Drop) -> None:
    drop.stream(decimal_comma=True, delimiter=";")
    drop.put("stock.csv", "item;qty\nA;1.234,50\n")
    assert drop.rows()[0]["qty"] == Decimal("1234.50")


def test_declared_null_texts_mean_nothing_is_known(drop: Drop) -> None:
    drop.stream(nulls=["NULL", "-"])
    drop.put("stock.csv", "item,qty\nA,NULL\nB,-\n")
    assert [row["qty"] for row in drop.rows()] == [None, None]


def test_times_have_the_zone_and_dates_their_format(drop: Drop) -> None:
    drop.config["zone"] = "Asia/Shanghai"
    drop.stream(
        fields={"at": {"type": "datetime", "format": "%Y/%m/%d %H:%M"}, "day": {"type": "date", "format": "%d.%m.%Y"}}
    )
    drop.put("stock.csv", "item,at,day\nA,2026/11/22 08:30,22.11.2026\n")
    row = drop.rows()[0]
    assert row["at"].isoformat() == "2026-11-22T00:30:00+00:00"
    assert row["day"] == "2026-11-22"


def test_files_without_a_header_have_named_columns(drop: Drop) -> None:
    drop.stream(header_row=0, columns=["item", "qty"])
    drop.put("stock.csv", "A,1\nB,2\n")
    assert [row["item"] for row in drop.rows()] == ["A", "B"]


def test_titles_above_the_header_are_skipped(drop: Drop) -> None:
    drop.stream(header_row=3)
    drop.put("stock.csv", "库存表,\n2026-11-22,\nitem,qty\nA,1\n")
    assert drop.rows() == [{"item": "A", "qty": 1}]


def test_a_name_that_stands_twice_is_told_apart(drop: Drop) -> None:
    drop.put("stock.csv", "item,qty,qty\nA,1,2\n")
    assert drop.rows() == [{"item": "A", "qty": 1, "qty_2": "2"}]


def test_a_row_of_a_deletion_is_a_tombstone(drop: Drop) -> None:
    drop.stream(deleted={"path": "gone", "equals": "Y"})
    drop.put("stock.csv", "item,qty,gone\nA,1,Y\n")
    assert drop.rows() == [{"item": "A", "_deleted": True}]


def test_records_tell_where_they_come_from_when_asked(drop: Drop) -> None:
    drop.stream(origin_fields=True)
    drop.put("stock.csv", "item,qty\n\nA,1\n")
    assert drop.rows() == [{"item": "A", "qty": 1, "_file": "stock.csv", "_row": 3}]


# -- unusable rows and files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("A,abc", "row 2: qty: 'abc' is no number"),
        ("A,NaN", "row 2: qty: 'NaN' is no number"),
        ("A,1e999999999", "row 2: qty: '1e999999999' is no number"),
        (",1", "row 2: item is missing"),
        ("A", "row 2: it has only 1 of 2 cells; is the file cut off?"),
        ("A,1,x", "row 2: it has 3 cells, there are 2 columns"),
        ('"A"B,1', "row 2: ',' expected after '\"'"),
        ("A\0,1".rjust(5000), "row 2: item: it holds a zero byte"),
    ],
)
def test_a_bad_row_is_named_with_its_column(drop: Drop, row: str, told: str) -> None:
    drop.put("stock.csv", f"item,qty\n{row}\nGOOD,1\n")
    assert drop.bad() == [f"stock.csv {told}"]
    assert [row["item"] for row in drop.rows()] == ["GOOD"]


def test_a_bad_row_is_kept_with_its_values(drop: Drop) -> None:
    drop.put("stock.csv", "item,qty\nA,abc\n")
    assert drop.batches()[0].bad[0].record == {"_file": "stock.csv", "_row": 2, "item": "A", "qty": "abc"}


def test_an_open_quote_spoils_its_row_and_not_the_file(drop: Drop) -> None:
    drop.put("stock.csv", 'item,qty\nA,1\n"B,2\nC,3\nD,4\n')
    assert [row["item"] for row in drop.rows()] == ["A", "C", "D"]
    assert len(drop.bad()) == 1


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"article,amount\nA,1\n", "it has no column 'item'; its columns are: article, amount"),
        (b"<html><table><tr><td>item</td></tr></table></html>", "it is a web page or XML"),
        (b"item\0,qty\n", "it is neither text nor a workbook"),
        (b"", "it is empty"),
        (b"\n\n\n", "it ends before row 1, which should name the columns"),
    ],
)
def test_a_file_that_is_no_such_table_is_one_dead_letter(drop: Drop, data: bytes, told: str) -> None:
    drop.put("stock-1.csv", data)
    drop.put("stock-2.csv", "item,qty\nGOOD,1\n")
    assert [each for each in drop.bad() if told in each], drop.bad()
    assert [row["item"] for row in drop.rows()] == ["GOOD"]


def test_a_refused_file_is_told_once_and_tried_again_when_the_stream_is_described_anew(drop: Drop) -> None:
    drop.put("stock.csv", "code,qty\nA,1\n")
    cursor = cursor_of(drop.batches())
    assert drop.batches(cursor) == []
    drop.stream(fields={"item": {"type": "text", "path": "code"}, "qty": "number"})
    assert drop.rows(cursor)[0]["item"] == "A"


def test_a_missing_column_can_be_allowed(drop: Drop) -> None:
    drop.stream(missing_columns="null", fields={"qty": "number", "batch": "text"})
    drop.put("stock.csv", "item,qty\nA,1\n")
    assert drop.rows() == [{"item": "A", "qty": 1, "batch": None}]


def test_short_rows_can_be_allowed(drop: Drop) -> None:
    drop.stream(short_rows="pad")
    drop.put("stock.csv", "item,qty\nA\n")
    assert drop.rows() == [{"item": "A", "qty": None}]


def test_a_file_of_nothing_but_bad_rows_is_given_up(drop: Drop) -> None:
    drop.config["max_bad_rows"] = 10
    drop.put("stock.csv", "item,qty\n" + "A,x\n" * 1000)
    bad = drop.bad()
    assert len(bad) < 20
    assert bad[-1] == "stock.csv: more than 10 rows are unusable; the rest was not read"
    assert drop.batches(cursor_of(drop.batches())) == []


# -- hostile ----------------------------------------------------------------------------------------------------------


class Endless(Files):
    """One file whose content is made as it is read, so that its size costs nothing."""

    def __init__(self, line: bytes, size: int) -> None:
        self._block = line * max(1, (1 << 18) // len(line))
        self._size = size
        self._place = 0

    def read(self, handle: int, size: int) -> bytes:
        here = self._place
        if here >= self._size:
            return b""
        start = here % len(self._block)
        data = b"item,qty\n" if here == 0 else self._block[start : start + size]
        self._place += len(data) if here else len(self._block)
        return data

    def seek(self, handle: int, offset: int) -> None:
        self._place = 0 if offset == 0 else len(self._block) + (offset - 9)


def _peak(drop: Drop, line: bytes, size: int) -> tuple[int, int, int]:
    """(rows, bad rows, most memory in bytes) of reading so many bytes."""
    drop.put("stock.csv", "x")
    connector = drop.connector(files=Endless(line, size))
    rows = bad = 0
    tracemalloc.start()
    try:
        for batch in connector.read(connector.streams()[0], None):
            rows += len(batch.records)
            bad += len(batch.bad)
        return rows, bad, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_stays_flat_however_large_the_file(drop: Drop) -> None:
    drop.config["batch_rows"] = 2000
    line = b"A," + b"1" * 200 + b"\n"
    rows, bad, peak = _peak(drop, line, 12 << 20)
    assert rows > 45_000
    assert bad == 0
    assert peak < 12 << 20, f"{peak:,} bytes"


@pytest.mark.campaign
def test_two_gigabytes_stream_in_flat_memory(drop: Drop) -> None:
    drop.config["batch_rows"] = 2000
    rows, _, peak = _peak(drop, b"A" * 700 + b"," + b"1" * 300 + b"\n", 2 << 30)
    assert rows > 2_000_000
    assert peak < 12 << 20


def test_a_line_without_an_end_is_one_bad_row_in_flat_memory(drop: Drop) -> None:
    rows, bad, peak = _peak(drop, b"A" * 1024, 64 << 20)
    assert (rows, bad) == (0, 1)
    assert peak < 12 << 20, f"{peak:,} bytes"


def test_a_row_that_goes_on_in_quotes_for_ever_is_given_up_in_flat_memory(drop: Drop) -> None:
    drop.config |= {"max_bad_rows": 5, "max_row_bytes": 1 << 16}
    _, bad, peak = _peak(drop, b'x","y\n', 24 << 20)
    assert 5 < bad < 12
    assert peak < 12 << 20, f"{peak:,} bytes"


# -- invariants -------------------------------------------------------------------------------------------------------

_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8).map(str.strip)
_ROWS = st.lists(st.tuples(_CELL.filter(bool), _CELL), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(rows=_ROWS, codec=st.sampled_from(["utf-8", "gb18030", "utf-16"]), chunk=st.integers(1, 40))
def test_what_is_written_is_read_whatever_it_holds(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], codec: str, chunk: int
) -> None:
    folder = tmp_path_factory.mktemp("drop")
    text = csv_text([("item", "note"), *rows])
    (folder / "stock.csv").write_bytes(text.encode(codec))
    encoding = "gbk" if codec == "gb18030" else codec
    stream = {"files": "*.csv", "key": "item", "encoding": encoding, "delimiter": ","}
    config = CsvConfig.model_validate(
        {"folder": str(folder), "streams": {"stock": stream}, "complete": {"by": "rename"}, "batch_rows": 5}
    )
    connector = CsvConnector(config, chunk=chunk)
    found = []
    for batch in connector.read(connector.streams()[0], None):
        assert not batch.bad, batch.bad
        found += [(record["item"], record["note"] or "") for record in batch.records]
    assert found == rows


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_rows_or_bad_rows_and_every_place_is_a_good_place_to_go_on(data: bytes, chunk: int) -> None:
    class Held:
        def __init__(self) -> None:
            self.place = 0

        def seek(self, offset: int) -> None:
            self.place = offset

        def read(self, size: int) -> bytes:
            found = data[self.place : self.place + size]
            self.place += len(found)
            return found

    def read(start: Place) -> list[tuple[int, tuple[str, ...], str]]:
        rows = TextRows(Held(), "utf-8", ",", '"', 1 << 20, chunk)
        return [(row.number, row.cells, row.problem) for row in rows.from_(start)]

    whole = list(TextRows(Held(), "utf-8", ",", '"', 1 << 20, chunk).from_(Place()))
    for place in random.Random(len(data)).sample(range(len(whole)), min(5, len(whole))):
        assert read(whole[place].end) == [(r.number, r.cells, r.problem) for r in whole[place + 1 :]]


def test_a_folder_of_the_example_company_is_read(tmp_path: Path) -> None:
    from connectors.drop_folder.sandbox import Sandbox

    sandbox = Sandbox(tmp_path / "drop")
    sandbox.fill()
    connector = CsvConnector(CsvConfig.model_validate(sandbox.settings()))
    found = {s.name: [dict(r) for b in connector.read(s, None) for r in b.records] for s in connector.streams()}
    assert found["customers"][0]["客户名称"] == "杭州精工机械有限公司"
    assert found["stock"][0]["数量"] == 12
    assert found["articles"][0] | {"名称": "", "规格": "", "单价": ""} == {
        "编码": "BRG-6205", "名称": "", "规格": "", "库存_下限": 10, "库存_上限": 200, "单价": "", "生效日期": "2026-01-05",
    }  # fmt: skip
