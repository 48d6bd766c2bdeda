r"""A table in Markdown.

Examples
--------
>>> from bayes_sf.output.tables import Column, Table
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

from collections.abc import Sequence

from bayes_sf.output.tables import Table

__all__ = ["grid", "markdown"]


def markdown(table: Table) -> str:
    """Write a table with its caption and footer."""
    return "\n\n".join([f"**{table.caption}**", grid(table), *table.footer]) + "\n"


def grid(table: Table) -> str:
    """Write header and rows alone."""
    rule = ["---" if column.is_text else "---:" for column in table.columns]
    return "\n".join(_row(cells) for cells in (table.header, rule, *table.texts))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
