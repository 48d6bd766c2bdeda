"""Tables of models with the digits that are printed, and without some groups."""

from dataclasses import replace

from bayes_sf.output.tables.table import Cell, Table

__all__ = ["rounded_table", "without_groups"]


def rounded_table(table: Table) -> Table:
    """Keep the printed digits of a table.

    Parameters
    ----------
    table : Table
    """
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


def without_groups(table: Table, groups: tuple[str, ...]) -> Table:
    """Leave out the lines of some groups' effects.

    Parameters
    ----------
    table : Table
        Whose first column names parameters.
    groups : tuple of str
    """
    ends = tuple(f"{group}]" for group in groups)
    kept = [at for at, row in enumerate(table.rows) if not str(row[0]).endswith(ends)]
    rows = tuple(table.rows[at] for at in kept)
    return replace(table, rows=rows, decimals=tuple(table.decimals[at] for at in kept))
