"""A table on a terminal, and the lines that every command ends with."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bayes_sf.inputs.variables import Language
from bayes_sf.output.sentences import sentence
from bayes_sf.output.tables import Table

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_end", "print_table"]

#: Longer words of a text may be broken.
_WORD = 14


def print_table(console: "Console", table: Table) -> None:
    """Print one table, after an empty line.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    table : Table
        What to print.
    """
    from rich.table import Table as RichTable
    from rich.text import Text

    title = Text(table.caption)
    rich = RichTable(title=title, title_justify="left", title_style="bold", box=None)
    for place, column in enumerate(table.columns):
        # A figure is never broken, a header and a text only between words that are not long.
        cells = [row[place] for row in table.texts]
        words = [word for cell in cells for word in cell.split()]
        least = max(map(len, words if column.is_text else cells), default=0)
        least = min(least, _WORD) if column.is_text else least
        justify = "left" if column.is_text else "right"
        rich.add_column(column.label, justify=justify, min_width=least or None, overflow="fold")  # type: ignore[arg-type]
    for row in table.texts:
        rich.add_row(*map(Text, row))  # q17[no] is no markup
    console.print()
    console.print(rich)
    for line in table.footer:
        console.print(line, style="dim", markup=False)


def print_end(
    console: "Console",
    files: Sequence[Path],
    *,
    lang: Language,
    disclosure: str = "",
    more: int = 0,
) -> None:
    """Say what is not shown, what disclosure control did, and what was written.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    files : sequence of pathlib.Path
        What was written, all of it to one folder.
    lang : {"en", "nb"}
        Language.
    disclosure : str
        As `notice` has it.
    more : int
        Models that are in the files only; of none, or fewer, nothing is said.
    """
    names = ", ".join(path.name for path in files)
    said = (
        sentence("more models", lang).format(more) if more > 0 else "",
        disclosure,
        sentence("written", lang).format(files[0].parent, names),
    )
    for line in filter(None, said):
        console.print(line, markup=False, highlight=False)
