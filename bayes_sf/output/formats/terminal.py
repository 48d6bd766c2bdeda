"""A table on a terminal."""

from typing import TYPE_CHECKING

from bayes_sf.output.tables import Table

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_table"]


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
    for column in table.columns:
        justify = "left" if column.is_text else "right"
        rich.add_column(column.label, justify=justify, no_wrap=not column.is_text)  # type: ignore[arg-type]
    for row in table.texts:
        rich.add_row(*map(Text, row))  # q17[no] is no markup
    console.print()
    console.print(rich)
    for line in table.footer:
        console.print(line, style="dim", markup=False)
