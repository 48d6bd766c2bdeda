"""Tables as cells, from HTML, Word or CSV files: what a program or a report saved.

Examples
--------
>>> tables_of_html("<table><tr><td>N</td><td>8 <sub>cluster</sub></td></tr></table>")
[((Cell(text='N', span=1), Cell(text='8 cluster', span=1)),)]
"""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.files.delimited import csv_format, csv_records

if TYPE_CHECKING:
    from docx.table import Table

__all__ = ["Cell", "Grid", "tables_of", "tables_of_html"]


@dataclass(frozen=True)
class Cell:
    """A cell: its text, lines apart, and how many columns it stands over."""

    text: str
    span: int = 1


type Grid = tuple[tuple[Cell, ...], ...]
#: Where a line ends in a cell, while blanks are collapsed.
_BREAK: Final = "\x00"


def tables_of(path: Path) -> list[Grid]:
    """Read the tables of a file.

    Parameters
    ----------
    path : pathlib.Path
        `.html`, `.htm`, `.csv` or `.docx`.

    Raises
    ------
    DataError
        For a file that cannot be read, or a table with cells over several rows.
    UsageError
        For a Word file without python-docx.
    """
    kind = path.suffix.casefold()
    try:
        if kind == ".docx":
            return _tables_of_word(path)
        if kind == ".csv":
            layout = csv_format(path)
            rows = [list(layout.columns), *(cells for _, cells in csv_records(path, layout))]
            return [tuple(tuple(Cell(text.strip()) for text in row) for row in rows)]
        return tables_of_html(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(path), "must be a file that can be read", got=str(error)) from None


def tables_of_html(text: str) -> list[Grid]:
    """Read the tables of a page.

    Parameters
    ----------
    text : str
        HTML; what stands below or above the line in a cell is part of its text.

    Raises
    ------
    DataError
        For a cell over several rows: which column is meant cannot be seen.
    """
    page = _Page()
    page.feed(text)
    page.close()
    return [tuple(rows) for rows in page.tables]


class _Page(HTMLParser):
    """Collects rows of tables."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[tuple[Cell, ...]]] = []
        self._open: list[list[tuple[Cell, ...]]] = []
        self._row: list[Cell] | None = None
        self._text: list[str] | None = None
        self._span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, row or cell."""
        said = dict(attrs)
        if tag == "table":
            self._end_row()
            self.tables.append([])
            self._open.append(self.tables[-1])
        elif tag == "tr":
            self._end_row()
            self._row = []
        elif tag in {"td", "th"} and self._row is not None:
            self._end_cell()
            if (said.get("rowspan") or "1") != "1":
                place = f"table {len(self.tables)}: row {len(self._open[-1]) + 1}"
                raise DataError(place, "must have no cell over several rows",
                                fix="write such a table into the CSV files by hand")  # fmt: skip
            width = said.get("colspan") or "1"
            self._text, self._span = [], int(width) if width.isdigit() else 1
        elif tag == "br" and self._text is not None:
            self._text.append(_BREAK)

    def handle_endtag(self, tag: str) -> None:
        """End a table, row or cell."""
        if tag in {"td", "th"}:
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "table" and self._open:
            self._end_row()
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Text of a cell."""
        if self._text is not None:
            self._text.append(data)

    def _end_cell(self) -> None:
        if self._text is not None and self._row is not None:
            lines = "".join(self._text).split(_BREAK)
            text = "\n".join(" ".join(line.split()) for line in lines).strip()
            self._row.append(Cell(text, self._span))
        self._text = None

    def _end_row(self) -> None:
        self._end_cell()
        if self._row and self._open:
            self._open[-1].append(tuple(self._row))
        self._row = None


def _tables_of_word(path: Path) -> list[Grid]:
    """Tables of a Word document."""
    try:
        from docx import Document
        from docx.opc.exceptions import PackageNotFoundError
    except ImportError:
        raise UsageError(
            "--from", "of Word needs python-docx",
            fix='install it with: pip install "bayes-sf[word]"',
        ) from None  # fmt: skip
    try:
        found = Document(str(path)).tables
    except (PackageNotFoundError, KeyError, ValueError) as error:
        raise DataError(str(path), "must be a Word document", got=str(error)) from None
    return [_word_rows(table) for table in found]


def _word_rows(table: "Table") -> Grid:
    """Rows; a cell over several columns is given once for each of them."""
    rows = []
    for row in table.rows:
        cells: list[Cell] = []
        last = None
        for cell in row.cells:
            if cell._tc is last:  # noqa: SLF001  # the same cell, in its next column
                cells[-1] = Cell(cells[-1].text, cells[-1].span + 1)
            else:
                text = "\n".join(re.sub(r"\s+", " ", one.text) for one in cell.paragraphs)
                cells.append(Cell(text.strip()))
            last = cell._tc  # noqa: SLF001
        rows.append(tuple(cells))
    return tuple(rows)
