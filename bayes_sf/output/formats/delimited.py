r"""A table as CSV: numbers in full, an interval as two columns, and which data they are.

Examples
--------
>>> from bayes_sf.output.tables import Column, Table
>>> columns = (Column("term", "Term", "text"), Column("low", "95 %", "interval", upper="high"))
>>> table = Table("t", "Slopes", columns, (("a", (-0.5, 0.25)),), source="replica")
>>> csv_bytes(table).decode()
'term,low,high,source\na,-0.5,0.25,SYNTHETIC replica\n'
>>> csv_bytes(table, "norwegian").decode("utf-8-sig")
'term;low;high;source\r\na;-0,5;0,25;SYNTHETIC replica\r\n'
"""

import csv
import io
from typing import Final, Literal

from bayes_sf.output.tables import Column, Table, Value, is_figure, raw_values

__all__ = ["CsvStyle", "csv_bytes"]

type CsvStyle = Literal["plain", "norwegian"]

#: What the column `source` says; programs read it, so it is the same in both languages.
_SOURCES: Final = {"replica": "SYNTHETIC replica"}


def csv_bytes(table: Table, style: CsvStyle = "plain") -> bytes:
    """Write a table as CSV.

    Parameters
    ----------
    table : Table
    style : {"plain", "norwegian"}
        Commas and UTF-8; or what Excel opens in Norway: semicolons, decimal comma, a byte-order
        mark.
    """
    norwegian = style == "norwegian"
    stream = io.StringIO()
    writer = csv.writer(
        stream, delimiter=";" if norwegian else ",", lineterminator="\r\n" if norwegian else "\n"
    )
    source = [_SOURCES.get(table.source, table.source)] if table.source else []
    writer.writerow([*table.raw_header, *(["source"] if source else [])])
    for row in table.rows:
        cells = [
            _written(value, comma=norwegian and _is_number(value, column))
            for cell, column in zip(row, table.columns, strict=True)
            for value in raw_values(cell, column)
        ]
        writer.writerow([*cells, *source])
    return stream.getvalue().encode("utf-8-sig" if norwegian else "utf-8")


def _is_number(value: Value, column: Column) -> bool:
    return not isinstance(value, str) or is_figure(value, column)


def _written(value: Value, *, comma: bool) -> str:
    """Numbers in full; nothing for a number that does not exist."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else repr(value)
    return text.replace(".", ",") if comma else text
