"""A table in HTML: a fragment for a page that has its own style, or a whole page.

The table is Great Tables'. It gets a caption, which screen readers announce and Great Tables has
not, and in every cell of numbers `data-value`, the raw value, for scripts that sort.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Final

from bayes_sf.catalogue import say
from bayes_sf.output.tables.table import Cell, Table, is_figure

__all__ = ["fragment", "page"]

_TABLE: Final = re.compile(r"<table.*</table>", re.DOTALL)
_CELL: Final = re.compile(r'<(td|th)(?= [^>]*class="gt_row)')
_NOTE: Final = re.compile(r'(<td class="gt_sourcenote"[^>]*>)(.*?)(</td>)', re.DOTALL)
#: Nothing is fetched, and nothing runs.
_POLICY: Final = (
    """<meta http-equiv="Content-Security-Policy" """
    """content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">"""
)
_STYLE: Final = "body{margin:1rem;max-width:100%}caption{text-align:left;font-weight:bold}"


def fragment(table: Table, *, number: str = "", footer: Sequence[str] | None = None) -> str:
    """Write `<table>` and what is in it, without style.

    Parameters
    ----------
    table : Table
    number : str
        What the caption begins with.
    footer : sequence of str, optional
        In the place of the table's own.

    Examples
    --------
    >>> from bayes_sf.output.tables.table import Column
    >>> columns = (Column("term", "Term", "text"), Column("mean", "Mean"))
    >>> html = fragment(Table("t", "Slopes", columns, (("a<b", -0.235),)))
    >>> "<caption>Slopes</caption>" in html, 'data-value="-0.235"' in html, "a&lt;b</th>" in html
    (True, True, True)
    """
    found = _TABLE.search(_rendered(table, table.footer if footer is None else footer))
    assert found is not None
    return _annotated(found[0], table, number)


def page(table: Table) -> str:
    """Write one page that needs no other file."""
    title = escape(table.caption)
    body = _TABLE.sub(lambda found: _annotated(found[0], table), _rendered(table, table.footer))
    return (
        f'<!DOCTYPE html>\n<html lang="{table.lang}">\n<head>\n<meta charset="utf-8">\n'
        f"{_POLICY}\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


@contextmanager
def _settled() -> Iterator[None]:
    """Texts in Arrow give the page that pandas gives, in half the time, and a word of warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PyArrow Table support is currently experimental")
        yield


@_settled()
def _rendered(table: Table, footer: Sequence[str]) -> str:
    """Great Tables' own HTML: its style and the table; the first column names the rows."""
    import pyarrow as pa
    from great_tables import GT

    names = [f"c{place}" for place in range(len(table.columns))]
    texts = {name: [row[i] for row in table.texts] for i, name in enumerate(names)}
    frame = pa.table(texts, schema=pa.schema(dict.fromkeys(names, pa.string())))
    head = table.header[0] or say("Term")  # a button without a name is heard as nothing
    gt = GT(frame, rowname_col=names[0], id=table.name or "table").tab_stubhead(head)
    gt = gt.cols_label(dict(zip(names[1:], table.header[1:], strict=True)))
    for side in ("left", "right"):
        chosen = [
            name
            for name, column in zip(names[1:], table.columns[1:], strict=True)
            if column.is_text == (side == "left")
        ]
        gt = gt.cols_align(side, chosen) if chosen else gt
    for line in footer:
        gt = gt.tab_source_note(line)
    return str(gt.as_raw_html())


def _annotated(html: str, table: Table, number: str = "") -> str:
    """Add the caption, and the raw value to every cell of numbers."""
    start = html.index(">") + 1
    values = _sort_values(table)
    body = _CELL.sub(lambda found: found[0] + next(values), html[start:])
    body = _NOTE.sub(r"\1<div>\2</div>\3", body)  # a cell's width cannot be limited
    return f"{html[:start]}<caption>{escape(number + table.caption)}</caption>{body}"


def _sort_values(table: Table) -> Iterator[str]:
    """Yield the attribute of every cell, row by row; of an interval its lower limit.

    Of workplaces, figures as printed: in full they could tell of single ones.
    """
    rough = table.source in {"replica", "microdata"}
    for at, row in enumerate(table.rows):
        for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
            value: Cell = cell[0] if isinstance(cell, tuple) else cell
            number = not isinstance(value, str) and value is not None and value == value  # noqa: PLR0124 - not NaN
            if isinstance(value, float) and number and rough:
                value = round(value, table.places(at, place))
            shown = value if is_figure(value, column) else repr(value) if number else ""
            yield f' data-value="{shown}"' if shown and not column.is_text else ""
