"""CSV files: encoding and delimiter found, not guessed, and every row as wide as the header.

No message quotes a line of the file: it could hold an organisation number.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bayes_sf.errors import DataError

__all__ = ["CsvFormat", "csv_format", "csv_records"]

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

    The delimiter is the one of `;` and `,` that parts the header into more columns; a header that
    neither parts, or both part alike, is refused.

    Raises
    ------
    DataError
        If the bytes are neither UTF-8 nor cp1252, or the header cannot be read in one way.
    """
    encoding = _encoding(path)
    where = f"{path.name}: row 1"
    headers, faults = {}, []
    for mark in ";,":
        try:
            headers[mark] = _header(path, encoding, mark)
        except csv.Error as error:
            headers[mark] = []
            faults.append(error)
    counts = {mark: len(names) for mark, names in headers.items()}
    delimiter = max(counts, key=lambda mark: counts[mark])
    names = [name.strip() for name in headers[delimiter]]
    if counts[delimiter] < 2 and faults:
        raise DataError(
            where, f"must be CSV, not {faults[0]}", fix="mend names that are quoted or too long"
        )
    text = "".join(headers[delimiter])
    if re.fullmatch(r"\s*sep\s*=.?\s*", text, re.IGNORECASE | re.DOTALL):
        raise DataError(
            where,
            "must be the header",
            got="a hint to Excel, sep=",
            fix="delete the first line",
        )
    if counts[delimiter] < 2:
        other = next((mark for mark in ("\t", "|") if mark in text), None)
        raise DataError(
            where,
            "columns must be parted by ; or ,",
            got=other or "one column",
            fix="save as CSV with ; or ,",
        )
    if counts[";"] == counts[","]:
        raise DataError(
            where,
            "columns must be parted by ; or ,",
            got=f"{counts[';']} columns by either",
            fix="quote names that hold the other",
        )
    return CsvFormat(encoding, delimiter, tuple(names))


def _header(path: Path, encoding: str, delimiter: str) -> list[str]:
    """First row of a file."""
    with path.open(encoding=encoding, newline="") as lines:
        return next(csv.reader(lines, delimiter=delimiter, strict=True), [])


def csv_records(path: Path, layout: CsvFormat) -> Iterator[tuple[int, list[str]]]:
    """Read the rows below the header one by one, with their numbers; blank rows are none.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    layout : CsvFormat
        As found by `csv_format`.

    Yields
    ------
    number : int
        Row of the file as a spreadsheet counts it: the header is row 1, blank rows count.
    cells : list of str
        As many as the header has.

    Raises
    ------
    DataError
        At the first row that is not as wide as the header, or whose quotes hold a whole other row.
    """
    width = len(layout.columns)
    with path.open(encoding=layout.encoding, newline="") as lines:
        reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
        next(reader)
        line, number = reader.line_num, 1
        try:
            for number, cells in enumerate(reader, start=2):
                several_lines = reader.line_num > line + 1
                line = reader.line_num
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != width:
                    raise DataError(
                        f"{path.name}: row {number}",
                        f"must have {width} columns like the header",
                        got=len(cells),
                        fix="quote cells that hold the delimiter",
                    )
                if several_lines:
                    _check_quotes(path.name, number, cells, layout)
                yield number, cells
        except csv.Error as error:
            raise DataError(
                f"{path.name}: row {number + 1}, line {line + 1}",
                f"must be CSV, not {error}",
                fix="close its quotes, and double those inside cells",
            ) from None


def _check_quotes(where: str, number: int, cells: Sequence[str], layout: CsvFormat) -> None:
    """Refuse a quote that opens in one row and closes in another.

    What it swallows goes from a column of one row to the same column of a later one, or the row
    would not be as wide as the header: so it holds a row's delimiters for each end of a line.
    """
    for cell in cells:
        ends = len(_LINE_END.findall(cell))
        if not ends or cell.count(layout.delimiter) < len(layout.columns) - 1:
            continue
        raise DataError(
            f"{where}: row {number}",
            "must close its quotes before the next row begins",
            got="a quoted cell that holds a whole row",
            fix="double the quotation marks inside cells",
        )


def _encoding(path: Path) -> str:
    """UTF-8 if every byte agrees, else cp1252 if every byte can be it."""
    rule, fix = "must be text in UTF-8 or cp1252", "save as CSV UTF-8"
    with path.open("rb") as file:
        if file.read(4).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise DataError(path.name, "must be UTF-8 or cp1252", got="UTF-16", fix=fix)
        file.seek(0)
        if any(b"\x00" in chunk for chunk in iter(lambda: file.read(1 << 20), b"")):
            raise DataError(path.name, rule, got="null bytes", fix=fix)
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            with path.open(encoding=encoding, newline="") as lines:
                while lines.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise DataError(path.name, rule, got="bytes that are neither", fix=fix)
