"""Excel workbooks: the one sheet with a table, cell by cell, whatever the file says of its size.

A sheet's `<dimension>` is what the program that wrote it believed; here the cells themselves say
how far the table goes, and cells that hold nothing cost nothing. What a sheet leaves open is
refused: formulas that nobody has calculated, merged cells, empty rows inside the table, and two
sheets that could both be meant. Hidden sheets are not read; hidden rows and columns are.
"""

import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.errors import DataError
from bayes_sf.inputs.files.headers import show_name

if TYPE_CHECKING:
    from openpyxl import Workbook

__all__ = ["MAX_BYTES", "read_sheet"]

MAX_BYTES: Final = 256 * 2**20
"""Of a workbook when unpacked: some 300,000 rows of a register extract."""

type _Rows = dict[int, dict[int, str]]


def read_sheet(
    path: Path, text: Callable[[object], str | None], *, max_columns: int
) -> list[list[str | None]]:
    """Read the only visible sheet of a workbook that holds anything.

    Parameters
    ----------
    path : pathlib.Path
        The workbook.
    text : callable
        A cell's value as text, None where it is blank.
    max_columns : int
        More are refused before room is made for them.

    Returns
    -------
    list of list
        Rows from the sheet's first to its last that holds anything, all of one width.

    Raises
    ------
    DataError
        If the workbook is too large, or can be read in more ways than one.
    """
    calculated = _check_archive(path)
    with _quietly():
        book = _open(path)
        try:
            name, sheet = _choose(path, book, text)
        finally:
            book.close()
    where = f"{path.name}: sheet {show_name(name)}"
    if sheet.formulas and not calculated:
        sheet.uncalculated = sheet.formulas
    _check_formulas(where, sheet)
    last, width = max(sheet.rows), max(max(row) for row in sheet.rows.values())
    _check_merged(where, sheet.merged, last, width)
    if width > max_columns:
        raise DataError(where, f"must have at most {max_columns} columns", got=width)
    empty = next((row for row in range(1, last) if row not in sheet.rows), None)
    if empty is not None:
        after = next(row for row in sorted(sheet.rows) if row > empty)
        raise DataError(
            f"{where}: row {empty}",
            "must not be empty inside the table, whose header is in row 1",
            got=f"nothing, and cells in row {after}",
            fix="delete empty rows, and notes above or below the table",
        )
    return [[sheet.rows[row].get(i) for i in range(1, width + 1)] for row in range(1, last + 1)]


class _Sheet:
    """What one sheet holds: texts by row and column, formulas, merged ranges."""

    def __init__(self) -> None:
        self.rows: _Rows = {}
        self.formulas: list[tuple[int, int]] = []
        self.uncalculated: list[tuple[int, int]] = []
        self.merged: list[str] = []


def _check_archive(path: Path) -> bool:
    """Refuse what unpacks to too much; tell whether formulas have values that may be trusted.

    A program that cannot calculate stores 0 or nothing for every formula, and asks Excel to
    calculate all of them when the file is opened.
    """
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        size = sum(part.file_size for part in parts)
        if size > MAX_BYTES:
            raise DataError(
                path.name,
                f"must be at most {MAX_BYTES // 2**20} MB when unpacked",
                got=f"{size // 2**20} MB",
                fix="save the table as CSV or Parquet",
            )
        books = [archive.read(part) for part in parts if part.filename.endswith("workbook.xml")]
    asks = re.compile(rb"<(?:\w+:)?calcPr\b[^>]*\bfullCalcOnLoad\s*=\s*[\"'](?:1|true)[\"']")
    return not any(asks.search(book) for book in books)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the library's remarks off the terminal: they quote cells."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="openpyxl")
        yield


def _open(path: Path) -> "Workbook":
    import openpyxl

    return openpyxl.load_workbook(path, read_only=True, data_only=True)


def _choose(
    path: Path, book: "Workbook", text: Callable[[object], str | None]
) -> tuple[str, _Sheet]:
    """Read the visible sheets; only one may hold anything."""
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    read = [(sheet.title, _read(path, book, sheet, text)) for sheet in visible]
    filled = [(name, sheet) for name, sheet in read if sheet.rows or sheet.uncalculated]
    if len(filled) > 1:
        raise DataError(
            path.name,
            "must have its table in the only sheet that is visible and not empty",
            got=f"{len(filled)} sheets: {', '.join(show_name(name) for name, _ in filled[:10])}",
            fix="delete or hide the others, or save the table in a workbook of its own",
        )
    if not filled:
        got = "an empty sheet" if visible else "hidden sheets only"
        raise DataError(path.name, "must have a header in a visible sheet", got=got)
    return filled[0]


def _read(
    path: Path, book: "Workbook", source: Any, text: Callable[[object], str | None]
) -> _Sheet:
    """Read every cell of a sheet that holds something."""
    from openpyxl.worksheet._reader import (
        FORMULA_TAG,
        ROW_TAG,
        SHEET_MAIN_NS,
        VALUE_TAG,
        WorkSheetParser,
        iterparse,
    )

    found = _Sheet()

    class Parser(WorkSheetParser):  # type: ignore[misc]
        """The library's reading of one cell, and whether it is a formula without a value."""

        def parse_cell(self, element: Any) -> dict[str, Any]:
            cell: dict[str, Any] = super().parse_cell(element)
            if element.find(FORMULA_TAG) is not None:
                place = (cell["row"], cell["column"])
                found.formulas.append(place)
                value = element.find(VALUE_TAG)
                said = value is not None and (value.text or element.get("t") == "str")
                if not said:
                    found.uncalculated.append(place)
            return cell

    with source._get_source() as stream:  # noqa: SLF001 - the only way past <dimension>
        parser = Parser(
            stream,
            source._shared_strings,  # noqa: SLF001
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,  # noqa: SLF001
            timedelta_formats=book._timedelta_formats,  # noqa: SLF001
        )
        for _, element in iterparse(stream):
            if element.tag == ROW_TAG:
                cells = parser.parse_row(element)[1]
                element.clear()
                _keep(f"{path.name}: sheet {show_name(source.title)}", found, cells, text)
            elif element.tag == f"{{{SHEET_MAIN_NS}}}mergeCell":
                found.merged.append(element.get("ref"))
    return found


def _keep(
    where: str,
    found: _Sheet,
    cells: Sequence[dict[str, Any]],
    text: Callable[[object], str | None],
) -> None:
    """Keep the cells of one row that hold something."""
    for cell in cells:
        value = text(cell["value"])
        if value is None:
            continue
        row = found.rows.setdefault(cell["row"], {})
        if cell["column"] in row:
            place = f"{where}: row {cell['row']}, column {cell['column']}"
            raise DataError(place, "must be in the file once", got="a cell that is there twice")
        row[cell["column"]] = value


def _check_formulas(where: str, sheet: _Sheet) -> None:
    """Refuse formulas whose value is not in the file."""
    if not sheet.uncalculated:
        return
    row, column = min(sheet.uncalculated)
    header = sheet.rows.get(1, {}).get(column)
    more = len(sheet.uncalculated) - 1
    others = f" and {more} more" if more else ""
    raise DataError(
        f"{where}: row {row}, column {show_name(header) if header else column}{others}",
        "must hold a value",
        got="a formula that was never calculated",
        fix="open the file in Excel and save it, or paste the values over the formulas",
    )


def _check_merged(where: str, merged: Sequence[str], last: int, width: int) -> None:
    """Refuse merged cells in the table: all but the first of them have lost their values."""
    from openpyxl.utils import range_boundaries

    for area in merged:
        left, top, right, bottom = range_boundaries(area)
        if (left, top) != (right, bottom) and top <= last and left <= width:
            raise DataError(
                f"{where}: {'row' if top == bottom else 'rows'} "
                f"{top if top == bottom else f'{top}-{bottom}'}, cells {area}",
                "must not be merged",
                got="one cell over several",
                fix="unmerge them and give each its value",
            )
