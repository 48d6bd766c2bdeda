"""Tables as an Excel workbook: a sheet each, numbers as numbers with the format they print with.

Sheets are named by what they show, columns are as wide as their contents, and on paper (A4, on its
side) all columns stand on one page, under a header that every page repeats.
"""

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

from bayes_sf.catalogue import speaking
from bayes_sf.output.numbers import estimate, limit, power_of, probability
from bayes_sf.output.tables.table import Column, Table, Value
from bayes_sf.output.words.words import word

if TYPE_CHECKING:
    from openpyxl import Workbook

__all__ = ["excel_bytes"]

#: Rows above the data: caption and header.
_ABOVE: Final = 2
#: Excel's longest name of a sheet, and what it may not hold.
_LONGEST: Final = 31
_FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\]")
_WIDEST: Final = 60
#: Excel's number of a size of paper.
_A4: Final = 9
#: A figure beyond what its decimals show.
_BEYOND: Final = re.compile(r"([<>])([−-]?[\d.]+)")


def excel_bytes(tables: Sequence[Table]) -> bytes:
    """Write a workbook.

    Parameters
    ----------
    tables : sequence of Table
        One sheet each: caption, header, frozen above the rows, and the footer below. Numbers are
        in full and displayed with the table's decimals; Excel sets the decimal mark.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for table in tables:
        _add_sheet(book, table)
    return _saved(book)


def _saved(book: "Workbook") -> bytes:
    """Save it in memory: openpyxl puts each sheet into a file for all to find, if it is let."""
    from openpyxl.worksheet._writer import WorksheetWriter
    from openpyxl.writer.excel import ExcelWriter

    class InMemory(ExcelWriter):  # type: ignore[misc]  # openpyxl has no types
        def write_worksheet(self, ws: Any) -> None:
            content = BytesIO()
            writer = WorksheetWriter(ws, content)
            writer.write()
            self._archive.writestr(ws.path[1:], content.getvalue())
            self.manifest.append(ws)

    stream = BytesIO()
    InMemory(book, ZipFile(stream, "w", ZIP_DEFLATED)).save()
    return stream.getvalue()


def _add_sheet(book: "Workbook", table: Table) -> None:
    """One table."""
    from openpyxl.styles import Alignment, Border, Font, Side
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet = book.create_sheet(_sheet_name(table.title or table.name, book.sheetnames))
    _put(sheet.cell(1, 1), table.caption).font = Font(bold=True)
    line = Border(bottom=Side(style="thin"))
    for place, label in enumerate(_labels(table), start=1):
        cell = _put(sheet.cell(_ABOVE, place), label)
        cell.font, cell.border = Font(bold=True), line
        cell.alignment = Alignment(wrap_text=True, vertical="bottom")
    for at in range(len(table.rows)):
        for place, (value, shown) in enumerate(_values(table, at), start=1):
            cell = _put(sheet.cell(_ABOVE + 1 + at, place), value)
            if shown:
                cell.number_format = shown
            if shown or value is None or value in {".", "..", ":"}:
                cell.alignment = Alignment(horizontal="right")
    for at, note in enumerate(table.footer, start=_ABOVE + len(table.rows) + 2):
        _put(sheet.cell(at, 1), note)
    sheet.freeze_panes = sheet.cell(_ABOVE + 1, 2)
    for place, width in enumerate(_column_widths(table), start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.print_title_rows = f"{_ABOVE}:{_ABOVE}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", _A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _column_widths(table: Table) -> Iterator[float]:
    """Letters that each column takes: of its cells, and of its header in some lines."""
    labels = iter(_labels(table))
    for place, column in enumerate(table.columns):
        shown = [len(row[place]) for row in table.texts]
        for _ in column.keys:
            label = next(labels)
            words = max(map(len, label.split(" ")))
            of_cells = max(shown, default=0) // len(column.keys)
            yield min(max(of_cells, words, len(label) // 3) + 2.0, _WIDEST)


def _sheet_name(name: str, taken: Sequence[str]) -> str:
    """A name that Excel takes: short, and different from the others in more than capitals."""
    name = _FORBIDDEN.sub("_", name or "table")[:_LONGEST]
    others = {other.lower() for other in taken}
    numbered = (f"{name[: _LONGEST - 4]}~{number}" for number in range(2, 1000))
    return next(each for each in (name, *numbered) if each.lower() not in others)


def _put(cell: Any, value: Value) -> Any:
    """Write a value; text is text, also where it looks like a formula."""
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
    return cell


def _labels(table: Table) -> Iterator[str]:
    """Headers of the raw values: an interval has two."""
    for column in table.columns:
        if column.kind == "interval":
            with speaking(table.lang):
                yield from [f"{column.label}, {word(end)}" for end in ("lower", "upper")]
        else:
            yield column.label


def _values(table: Table, at: int) -> Iterator[tuple[Value, str]]:
    """Raw values of a row with the format that displays them; "" for text."""
    raw = iter(table.raw_rows[at])
    for place, column in enumerate(table.columns):
        for value in (next(raw) for _ in column.keys):
            yield _value(value, column, table, (at, place))


def _value(value: Value, column: Column, table: Table, where: tuple[int, int]) -> tuple[Value, str]:
    """One value; a printed figure becomes a number of as many decimals."""
    if column.is_text or value is None:
        return (table.text(*where) if value is None else value), ""
    if isinstance(value, str):
        return _printed_figure(value)
    decimals = table.places(*where)
    power = power_of(value, decimals)
    with speaking("en"):  # Excel's formats have a decimal point
        if column.kind == "interval":
            return value, _number_format(limit(value, decimals, power=power), decimals, power)
        shown = probability if column.kind == "probability" else estimate
        return value, _number_format(shown(value, decimals), decimals, power)


def _printed_figure(text: str) -> tuple[Value, str]:
    """A figure kept as printed, or a symbol."""
    try:
        return float(text), _number_format(text, len(text.partition(".")[2]))
    except ValueError:
        return text, ""


def _number_format(text: str, decimals: int, power: int = 0) -> str:
    """Excel's format: a true minus, none before a zero; "<0.001" is said of what is below it.

    Examples
    --------
    >>> _number_format("−0.24", 2), _number_format("<0.001", 3)
    ('0.00;"−"0.00', '[<0.001]"<0.001";0.000')
    """
    beyond = _BEYOND.fullmatch(text)
    if beyond:
        sign, limit_of = beyond[1], beyond[2].replace("−", "-")
        return f'[{sign}{limit_of}]"{text}";{"0." + "0" * decimals if decimals else "0"}'
    if text.startswith(("<", ">")) or "∞" in text:
        return f'"{text}"'
    decimals = max(decimals + power, 0)
    digits = ("0." + "0" * decimals if decimals else "0") + ("E+00" if power else "")
    return f'{digits};"−"{digits}' if text[0] in "-−" else f"{digits};{digits}"
