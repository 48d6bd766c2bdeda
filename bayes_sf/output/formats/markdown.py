r"""A table in Markdown.

Examples
--------
>>> from bayes_sf.output.tables.table import Column, Table
>>> columns = (Column("term", "Term", "text"), Column("mean", "Mean"))
>>> table = Table("t", "Slopes", columns, (("a|b", -0.235),), unit="pp", n=420, notes=("Flat.",))
>>> print(markdown(table))
**Slopes, percentage points (n = 420)**
<BLANKLINE>
| Term | Mean |
| --- | ---: |
| a\|b | −0.24 |
<BLANKLINE>
Flat.
<BLANKLINE>
"""

import re
from collections.abc import Sequence
from typing import Final

from bayes_sf.output.formats.styles import STYLES, Style, note_word, styled_texts, texts_below
from bayes_sf.output.tables.table import Table

__all__ = ["grid", "markdown", "quarto"]

#: What Markdown would read as its own: marks of emphasis and code, mathematics, the table's bar, a
#: tag, an entity, a link's middle. `q17[no]`, `a_b` and `<0.001` are text as they are.
_MARKS: Final = re.compile(r"[\\`*$~|]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=#?\w+;)|\](?=[(\[])")


def markdown(table: Table) -> str:
    """Write a table with its caption and footer."""
    caption, *footer = (escape(line) for line in (table.caption, *table.footer))
    return "\n\n".join([f"**{caption}**", grid(table), *footer]) + "\n"


def quarto(tables: Sequence[Table], style: Style = STYLES[""]) -> str:
    """Write tables as a document for Quarto, which makes HTML, Word, Typst or PDF of it.

    Parameters
    ----------
    tables : sequence of Table
        Each can be cited, as ``@tbl-icc``.
    style : Style
        Says where captions stand; Quarto's output has letters of its own.
    """
    place = "bottom" if style.below else "top"
    lang = tables[0].lang if tables else "en"
    head = f"---\nlang: {lang}\ntbl-cap-location: {place}\nformat:\n"
    head += "".join(f"  {kind}: default\n" for kind in ("html", "docx", "typst", "pdf"))
    return "\n\n".join([f"{head}---", *(_cited(table, style) for table in tables)]) + "\n"


def _cited(table: Table, style: Style) -> str:
    """One table with its label."""
    said, below = texts_below(table, style)
    first = f"*{note_word(table)}* " if style.note else ""
    notes = "  \n".join(map(escape, below))
    key = table.name.replace("_", "-")
    return f"{grid(table, style)}\n\n: {escape(said)} {{#tbl-{key}}}\n\n{first}{notes}".rstrip()


def escape(text: str) -> str:
    r"""Write a text so that Markdown shows it as it is.

    Examples
    --------
    >>> print(escape("a|b *c* <script> q17[no] <0.001 $x$ a_b"))
    a\|b \*c\* \<script> q17[no] <0.001 \$x\$ a_b
    """
    return _MARKS.sub(r"\\\g<0>", text)


def grid(table: Table, style: Style = STYLES[""]) -> str:
    """Write header and rows alone."""
    rule = ["---" if column.is_text else "---:" for column in table.columns]
    rows = (map(escape, cells) for cells in (table.header, *styled_texts(table, style)))
    header, *body = (_row(tuple(cells)) for cells in rows)
    return "\n".join([header, _row(rule), *body])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
