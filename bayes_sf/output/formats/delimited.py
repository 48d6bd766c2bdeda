r"""A table as CSV: numbers in full, an interval as two columns, and which data they are.

Examples
--------
>>> from dataclasses import replace
>>> from bayes_sf.output.tables.table import Column, Table
>>> columns = (Column("term", "Term", "text"), Column("low", "95 %", "interval", upper="high"))
>>> table = Table("t", "Slopes", columns, (("a", (-0.5, 0.25)),), source="replica")
>>> csv_bytes(table).decode()
'term,low,high,source\na,-0.5,0.25,SYNTHETIC replica\n'
>>> csv_bytes(replace(table, lang="nb"), "norwegian").decode("utf-8-sig")
'Term;95 %, nedre;95 %, øvre;Kilde\r\na;-0,5;0,25;SYNTETISK kopi\r\n'
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import Final, Literal

from bayes_sf.catalogue import say
from bayes_sf.output.tables.table import Column, Table, Value, as_made, is_figure, raw_values
from bayes_sf.output.words.words import word

__all__ = ["CsvStyle", "csv_bytes"]

type CsvStyle = Literal["plain", "norwegian"]

#: What Excel computes: a text that begins with a sign of a formula, and is no number.
_FORMULA: Final = re.compile(r"[=@]|[+-](?!\d+(?:[.,]\d+)?$)")
#: What the column `source` says in the plain style: programs read it, so it has one language.
_SOURCES: Final = {"replica": "SYNTHETIC replica"}


@as_made
def csv_bytes(table: Table, style: CsvStyle = "plain") -> bytes:
    """Write a table as CSV.

    Parameters
    ----------
    table : Table
    style : {"plain", "norwegian"}
        Commas and UTF-8, keys as headers; or what Excel opens in Norway: semicolons, decimal comma,
        a byte-order mark, and for those who read it there headers in the table's language. Excel
        would compute a text such as ``=1+1``: it has an apostrophe before it, as one types it.
    """
    norwegian = style == "norwegian"
    stream = io.StringIO()
    writer = csv.writer(
        stream, delimiter=";" if norwegian else ",", lineterminator="\r\n" if norwegian else "\n"
    )
    header, said = (
        (_labels(table), table.statement.partition(":")[0].removesuffix("."))
        if (norwegian)
        else (table.raw_header, _SOURCES.get(table.source, table.source))
    )
    source = [said] if table.source else []
    name = say("Source") if norwegian else "source"
    writer.writerow([*header, *([name] if source else [])])
    for row in table.rows:
        cells = [
            _written(value, number=_is_number(value, column), norwegian=norwegian)
            for cell, column in zip(row, table.columns, strict=True)
            for value in raw_values(cell, column)
        ]
        writer.writerow([*cells, *source])
    return stream.getvalue().encode("utf-8-sig" if norwegian else "utf-8")


def _labels(table: Table) -> Iterator[str]:
    """Headers, two of an interval; one that is there again also has that of the column before."""
    labels = [column.label for column in table.columns]
    for at, column in enumerate(table.columns):
        label = labels[at]
        if labels.count(label) > 1 and at:
            label = f"{labels[at - 1]}: {label}"
        ends = ("lower", "upper") if column.kind == "interval" else ()
        yield from (f"{label}, {word(end)}" for end in ends)
        if not ends:
            yield label


def _is_number(value: Value, column: Column) -> bool:
    return not isinstance(value, str) or is_figure(value, column)


def _written(value: Value, *, number: bool, norwegian: bool) -> str:
    """Numbers in full; nothing for a number that does not exist; for Excel no formulas."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else repr(value)
    if not norwegian:
        return text
    if number:
        return text.replace(".", ",")
    return f"'{text}" if _FORMULA.match(text) else text
