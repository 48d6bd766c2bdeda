"""A table on a terminal, where no figure is ever cut, and the lines that every command ends with.

A table that is too wide wraps its labels, in the header and in columns of text. Where that does not
do, its columns are printed in several parts under each other, as R prints a data frame, each with
the columns that name a row.
"""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from bayes_sf.catalogue import say
from bayes_sf.errors import legible
from bayes_sf.output.tables.table import Column, Table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

__all__ = ["column_parts", "print_end", "print_table"]

#: Blanks that go with every column.
_GAP: Final = 2
#: A text wraps to so many characters, or to its longest word if that is longer; but a word of more
#: characters than these is broken.
_TEXT: Final = 16
_WORD: Final = 40


def print_table(console: "Console", table: Table) -> None:
    """Print one table, after an empty line.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    table : Table
        What to print.
    """
    from rich.text import Text

    cells = [[legible(row[place]) for row in table.texts] for place in range(len(table.columns))]
    ranges = [_widths(column, own) for column, own in zip(table.columns, cells, strict=True)]
    console.print()
    console.print(Text(legible(table.caption), style="bold"))
    lows = [low for low, _ in ranges]
    for part in column_parts(lows, console.width, names=_naming(table, lows, console.width)):
        widths = _grown([ranges[place] for place in part], console.width)
        console.print(_drawn(table, part, widths), crop=False)
    for line in table.footer:
        console.print(Text(legible(line), style="dim"))


def column_parts(widths: Sequence[int], room: int, *, names: int = 1) -> list[list[int]]:
    """Put columns, by number, into parts that fit; those that name a row are in every part.

    Parameters
    ----------
    widths : sequence of int
        Least width of every column.
    room : int
        Characters of a line.
    names : int
        How many of the first columns name a row.

    Examples
    --------
    >>> column_parts([10, 8, 8, 8], 80), column_parts([10, 8, 8, 8], 32)
    ([[0, 1, 2, 3]], [[0, 1, 2], [0, 3]])
    """
    parts = [[*range(names)]]
    for place in range(names, len(widths)):
        together = sum(widths[at] + _GAP for at in (*parts[-1], place))
        if together > room and len(parts[-1]) > names:
            parts.append([*range(names)])
        parts[-1].append(place)
    return parts


def _naming(table: Table, widths: Sequence[int], room: int) -> int:
    """How many of the first columns, all of text, tell rows apart; one where they are too wide."""
    leading = len(list(takewhile(lambda column: column.is_text, table.columns)))
    for count in range(1, leading + 1):
        if len({row[:count] for row in table.texts}) == len(table.texts):
            needed = sum(widths[:count]) + max(widths[count:], default=0) + _GAP * (count + 1)
            return count if needed <= room else 1
    return 1


def _widths(column: Column, cells: Sequence[str]) -> tuple[int, int]:
    """Least width of a column, and the one at which nothing wraps."""
    from rich.cells import cell_len

    longest = max(map(cell_len, cells), default=0)
    label = max(map(cell_len, column.label.split()), default=0)
    low = longest
    if column.is_text:
        words = (cell_len(word) for cell in cells for word in cell.split())
        low = min(longest, max(_TEXT, min(max(words, default=0), _WORD)))
    return max(low, label), max(longest, cell_len(column.label))


def _grown(ranges: Sequence[tuple[int, int]], room: int) -> list[int]:
    """Widths of columns that are given what room is left, from left to right."""
    left = max(0, room - sum(low + _GAP for low, _ in ranges))
    widths = []
    for low, high in ranges:
        more = min(high - low, left)
        widths.append(low + more)
        left -= more
    return widths


def _drawn(table: Table, part: Sequence[int], widths: Sequence[int]) -> "RichTable":
    """Some columns as a table of its own."""
    from rich.table import Table as RichTable
    from rich.text import Text

    whole = sum(widths) + _GAP * len(widths)
    rich = RichTable(box=None, width=whole)
    for place, width in zip(part, widths, strict=True):
        column = table.columns[place]
        side: Literal["left", "right"] = "left" if column.is_text else "right"
        rich.add_column(Text(legible(column.label)), justify=side, width=width, overflow="fold")
    for row in table.texts:
        rich.add_row(*(Text(legible(row[place])) for place in part))  # q17[no] is no markup
    return rich


def print_end(
    console: "Console", files: Sequence[Path], *, disclosure: str = "", more: int = 0
) -> None:
    """Say what is not shown, what disclosure control did, and what was written.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    files : sequence of pathlib.Path
        What was written; of nothing, nothing is said.
    disclosure : str
        As `notice` has it.
    more : int
        Models that are in the files only; of none, or fewer, nothing is said.
    """
    written = (
        say("Written to {}: {}", folder, ", ".join(p.name for p in files if p.parent == folder))
        for folder in dict.fromkeys(path.parent for path in files)
    )
    said = (
        say("{} more models are in the files.", more) if more > 0 else "", disclosure, *written,
    )  # fmt: skip
    for line in filter(None, said):
        console.print(line, markup=False, highlight=False)
