"""Reads one sheet of a workbook and writes its rows as lines of JSON: a program of its own, run by `workbook`.

A workbook of a few kilobytes can ask its reader for any amount of memory (one cell at the far corner is enough), and
the reader then ends its whole process. Here that is this process, whose memory and time are bounded.

    python -I workbook_child.py '{"sheet": "", "memory_mb": 1024, "cpu_s": 120, "fill_merged": false, "skip": 0}' < BOOK

Lines: {"sheet": name}, then [row number, cell, ...] for every row that is not empty, from 1; last {"end": true}. Numbers
have the 15 digits that a spreadsheet has. {"t": …} is a time, {"d": …} a date, {"s": …} a duration in seconds,
{"e": …} an error (#N/A) or a formula without a value. On failure: {"unusable": why}.
"""

import contextlib
import datetime
import json
import re
import sys
import zipfile

MAX_PARTS = 10_000
MAX_UNPACKED = 1 << 30
_CELL = re.compile(rb"<c\b([^>]*?)(?:/>|>(.*?)</c>)", re.DOTALL)
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_VALUE = re.compile(rb"<v>([^<]*)</v>")


def main() -> None:
    asked = json.loads(sys.argv[1], parse_float=str)
    _bounded(asked["memory_mb"] << 20, asked["cpu_s"])
    book = open(0, "rb")  # noqa: SIM115 - standard input, for as long as this program runs
    import python_calamine

    try:
        _check_zip(book)
        book.seek(0)
        with python_calamine.CalamineWorkbook.from_filelike(book) as workbook:
            name = _sheet_name(workbook, asked["sheet"])
            sheet = workbook.get_sheet_by_name(name)
            _write({"sheet": name})
            _rows(sheet, asked, _faulty_cells(book, name))
        _write({"end": True})
    except python_calamine.PasswordError:
        _write({"unusable": "it is protected by a password; have it saved without one"})
    except (python_calamine.CalamineError, zipfile.BadZipFile, ValueError, MemoryError, KeyError) as error:
        _write({"unusable": f"it can't be read as a workbook: {str(error)[:300] or type(error).__name__}"})


def _bounded(memory: int, cpu_s: int) -> None:
    with contextlib.suppress(ImportError):  # Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _check_zip(book) -> None:  # type: ignore[no-untyped-def]
    if not zipfile.is_zipfile(book):
        return
    with zipfile.ZipFile(book) as parts:
        listed = parts.infolist()
        unpacked = sum(part.file_size for part in listed)
    if len(listed) > MAX_PARTS or unpacked > MAX_UNPACKED:
        raise ValueError(f"it would be {unpacked:,} bytes in {len(listed):,} parts when unpacked, which is no workbook")


def _sheet_name(workbook, asked: str) -> str:  # type: ignore[no-untyped-def]
    names = workbook.sheet_names
    if not names:
        raise ValueError("it has no sheet")
    if not asked:
        return str(names[0])
    if asked in names:
        return asked
    if asked.isdecimal() and 0 < int(asked) <= len(names):
        return str(names[int(asked) - 1])
    raise ValueError(f"it has no sheet {asked!r}; it has {', '.join(map(repr, names[:20]))}")


def _rows(sheet, asked, faults) -> None:  # type: ignore[no-untyped-def]
    left = sheet.start[1] if sheet.start else 0
    merged = _merged(sheet)
    held: dict[int, tuple[int, object]] = {}  # column -> (last row, value) of merged cells that reach below
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = [""] * left + list(row)
        for column, what in faults.get(number, {}).items():
            cells.extend([""] * (column + 1 - len(cells)))
            cells[column] = what
        spread = number <= asked["header_to"] or asked["fill_merged"]
        for _, start, bottom, end in merged.get(number, ()) if spread else ():
            value = cells[start] if start < len(cells) else ""
            cells.extend([""] * (end + 1 - len(cells)))
            for column in range(start, end + 1):
                cells[column] = value
                held[column] = (bottom, value)
        for column, (bottom, value) in list(held.items()):
            if number > bottom:
                del held[column]
            elif spread and column < len(cells) and cells[column] == "":
                cells[column] = value
        if (number > asked["skip"] or number <= asked["header_to"]) and any(cell != "" for cell in cells):
            sys.stdout.write(f"[{number},{','.join(map(_cell, cells))}]\n")


def _merged(sheet) -> dict[int, list[tuple[int, int, int, int]]]:  # type: ignore[no-untyped-def]
    """The merged cells by their first row: (top, left, bottom, right), rows from 1."""
    found: dict[int, list[tuple[int, int, int, int]]] = {}
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        found.setdefault(top + 1, []).append((top + 1, left, bottom + 1, right))
    return found


def _cell(value: object) -> str:
    if value == "" or value is None:
        return "null"
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        text = format(value, ".15g")
        return text if text[-1].isdigit() else "null"
    if isinstance(value, datetime.datetime):
        return json.dumps({"t": value.isoformat()})
    if isinstance(value, datetime.date):
        return json.dumps({"d": value.isoformat()})
    if isinstance(value, datetime.time):
        return json.dumps(value.isoformat())
    if isinstance(value, datetime.timedelta):
        return json.dumps({"s": format(value.total_seconds(), ".15g")})
    if isinstance(value, dict):
        return json.dumps(value)
    raise ValueError(f"a cell holds {type(value).__name__}")


def _faulty_cells(book, name: str) -> dict[int, dict[int, dict[str, str]]]:  # type: ignore[no-untyped-def]
    """Cells of an xlsx sheet that the reader would take for empty: errors, and formulas nobody has computed."""
    found: dict[int, dict[int, dict[str, str]]] = {}
    if not zipfile.is_zipfile(book):
        return found
    with zipfile.ZipFile(book) as parts:
        part = _part_of(parts, name)
        data = parts.read(part) if part else b""
    if b't="e"' not in data and b"<f" not in data:
        return found
    for match in _CELL.finditer(data):
        inside, reference = match[2] or b"", _REFERENCE.search(match[1])
        value = _VALUE.search(inside)
        error = b't="e"' in match[1]
        if reference is None or not (error or (b"<f" in inside and value is None)):
            continue
        told = value[1].decode("utf-8", "replace") if error and value else "a formula without a computed value"
        found.setdefault(int(reference[2]), {})[_column(reference[1])] = {"e": told}
    return found


def _part_of(parts: zipfile.ZipFile, name: str) -> str:
    """The part of an xlsx that holds a sheet; empty for other kinds."""
    from xml.etree import ElementTree

    if "xl/workbook.xml" not in parts.namelist():
        return ""
    relation = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    book = ElementTree.fromstring(parts.read("xl/workbook.xml"))  # noqa: S314 - bounded like all of this process
    wanted = next((s.get(relation) for s in book.iter() if s.tag.endswith("}sheet") and s.get("name") == name), None)
    relations = ElementTree.fromstring(parts.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    target = next((r.get("Target") for r in relations if r.get("Id") == wanted), None) or ""
    part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return part if part in parts.namelist() and part.endswith(".xml") else ""


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _write(line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
