"""Tables of models with the digits that are printed."""

from collections.abc import Iterable
from dataclasses import replace

from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.protected_models import blunt_of
from bayes_sf.engines.result import Result
from bayes_sf.output.tables.table import Cell, Table

__all__ = ["protect_table"]


def protect_table(table: Table, results: Iterable[Result], control: Control) -> Table:
    """Keep the printed digits of a table of models where more would tell of a few.

    Parameters
    ----------
    table : Table
    results : iterable of Result
        Its models.
    control : Control
    """
    if not any(blunt_of(result, control) for result in results):
        return table
    rows = tuple(
        tuple(_rounded(cell, table.places(at, place)) for place, cell in enumerate(row))
        for at, row in enumerate(table.rows)
    )
    return replace(table, rows=rows)


def _rounded(cell: Cell, decimals: int) -> Cell:
    """A number, or both limits of an interval, with so many decimals."""
    if isinstance(cell, tuple):
        return (round(cell[0], decimals), round(cell[1], decimals))
    return round(cell, decimals) if isinstance(cell, float) else cell
