r"""A table in Typst: a figure whose caption counts, rules as booktabs has them, notes below.

Texts are strings, in which nothing but quotes and backslashes means anything.

Examples
--------
>>> from bayes_sf.output.tables.table import Column
>>> table = Table("t", "Slopes", (Column("term", "Term", "text"), Column("m", "Mean")),
...               (("a*b", -0.235),), notes=("Flat.",))
>>> print(typst(table))
#figure(text(size: 1.00em,
  table(
    columns: 2, align: (left, right), stroke: none,
    table.hline(), table.header("Term", "Mean"), table.hline(stroke: 0.5pt),
    "a*b", "−0.24",
    table.hline(),
  )),
  caption: figure.caption(position: top, "Slopes"), kind: table,
) <tab-t>
#block(text(size: 0.85em)[
  #"Flat."
])
<BLANKLINE>
"""

from collections.abc import Iterator
from typing import Final

from bayes_sf.output.formats.styles import STYLES, Style, note_word, styled_texts, texts_below
from bayes_sf.output.tables.table import Table, as_made

__all__ = ["typst"]

#: Letters of a line, and between two columns; how small a wide table's may be.
_LINE, _BETWEEN, _SMALLEST = 90, 3, 0.5
_QUOTED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": " "})


@as_made
def typst(table: Table, style: Style = STYLES[""]) -> str:
    """Write a table as a figure of Typst, which breaks over pages where it is long.

    Parameters
    ----------
    table : Table
    style : Style
    """
    return "\n".join(_lines(table, style)) + "\n"


def _lines(table: Table, style: Style) -> Iterator[str]:
    caption, notes = texts_below(table, style)
    sides = ", ".join("left" if column.is_text else "right" for column in table.columns)
    end = "," if len(table.columns) == 1 else ""
    if style.typst:
        yield from ("#[", f"#show figure.caption: it => {style.typst}")
    size = min(1.0, _LINE / max(1, sum(_widths(table))))
    yield f"#figure(text(size: {max(_SMALLEST, size):.2f}em,\n  table("
    yield f"    columns: {len(table.columns)}, align: ({sides}{end}), stroke: none,"
    header = ", ".join(map(_quoted, table.header))
    yield f"    table.hline(), table.header({header}), table.hline(stroke: 0.5pt),"
    yield from (f"    {', '.join(map(_quoted, row))}," for row in styled_texts(table, style))
    place = "bottom" if style.below else "top"
    yield "    table.hline(),\n  )),"
    yield f"  caption: figure.caption(position: {place}, {_quoted(caption)}), kind: table,"
    yield f") <tab-{table.name}>"
    if style.typst:
        yield "]"
    if notes:
        yield "#block(text(size: 0.85em)["
        first = f"#emph({_quoted(note_word(table))}) " if style.note else ""
        yield f"  {first}" + " \\\n  ".join(f"#{_quoted(note)}" for note in notes)
        yield "])"


def _widths(table: Table) -> Iterator[int]:
    """Letters of each column, whose header may wrap and whose cells should not."""
    for place, label in enumerate(table.header):
        words = [len(word) for word in label.split()]
        yield max([*words, *(len(row[place]) for row in table.texts)], default=0) + _BETWEEN


def _quoted(text: str) -> str:
    return f'"{text.translate(_QUOTED)}"'
