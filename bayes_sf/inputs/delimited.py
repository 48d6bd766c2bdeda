"""CSV files: encoding and delimiter found, not guessed, and every row as wide as the header.

No message quotes a line of the file: it could hold an organisation number.
"""

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bayes_sf.errors import DataError

__all__ = ["CsvFormat", "csv_format", "csv_rows"]

_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is written, found from its bytes and its first line.

    Parameters
    ----------
    encoding : {"utf-8-sig", "cp1252"}
        UTF-8 with or without BOM, else the Western European code page.
    delimiter : {";", ","}
        What parts the columns.
    columns : tuple of str
        The header.
    """

    encoding: str
    delimiter: str
    columns: tuple[str, ...]


def csv_format(path: Path) -> CsvFormat:
    """Find the encoding, delimiter and header of a CSV file.

    The delimiter is the one of `;` and `,` that parts the first line into more columns; a first
    line that neither parts is refused.

    Raises
    ------
    DataError
        If the bytes are neither UTF-8 nor cp1252, or the delimiter is something else.
    """
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as lines:
        header = lines.readline()
    parts = {mark: next(csv.reader([header], delimiter=mark), []) for mark in ";,"}
    delimiter = max(parts, key=lambda mark: len(parts[mark]))
    if len(parts[delimiter]) < 2:
        other = next((mark for mark in ("\t", "|") if mark in header), None)
        raise DataError(
            f"{path.name}: row 1",
            "columns must be parted by ; or ,",
            got=other or "one column",
            fix="save as CSV with ; or ,",
        )
    return CsvFormat(encoding, delimiter, tuple(name.strip() for name in parts[delimiter]))


def csv_rows(path: Path, layout: CsvFormat) -> Iterator[list[str]]:
    """Read the rows below the header one by one; blank lines are none.

    Raises
    ------
    DataError
        At the first row that is not as wide as the header, or whose quotes hold a whole other row.
    """
    width = len(layout.columns)
    with path.open(encoding=layout.encoding, newline="") as lines:
        reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
        next(reader)
        line = reader.line_num
        try:
            for number, cells in enumerate(reader, start=2):
                if cells and len(cells) != width:
                    raise DataError(
                        f"{path.name}: row {number}",
                        f"must have {width} columns like the header",
                        got=len(cells),
                        fix="quote cells that hold the delimiter",
                    )
                if reader.line_num > line + 1:
                    _check_quotes(path.name, number, cells, layout)
                line = reader.line_num
                if cells:
                    yield cells
        except csv.Error as error:
            where = f"{path.name}: line {reader.line_num}"
            raise DataError(where, f"must be CSV, not {error}") from None


def _check_quotes(where: str, number: int, cells: list[str], layout: CsvFormat) -> None:
    """Refuse a quote that opens in one row and closes in another.

    What it swallows goes from a column of one row to the same column of a later one, or the row
    would not be as wide as the header: so it holds a row's delimiters for each end of a line.
    """
    for cell in cells:
        ends = len(_LINE_END.findall(cell))
        if not ends or cell.count(layout.delimiter) < ends * (len(layout.columns) - 1):
            continue
        raise DataError(
            f"{where}: row {number}",
            "must close its quotes before the next row begins",
            got="a quoted cell that holds a whole row",
            fix="double the quotation marks inside cells",
        )


def _encoding(path: Path) -> str:
    """UTF-8 if every byte agrees, else cp1252 if every byte can be it."""
    with path.open("rb") as file:
        if file.read(4).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise DataError(path.name, "must be UTF-8 or cp1252", got="UTF-16")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            with path.open(encoding=encoding, newline="") as lines:
                binary = any("\x00" in chunk for chunk in iter(lambda: lines.read(1 << 20), ""))
        except UnicodeDecodeError:
            continue
        if binary:
            break
        return encoding
    raise DataError(
        path.name,
        "must be text in UTF-8 or cp1252",
        got="bytes that are neither",
        fix="save as CSV UTF-8",
    )
