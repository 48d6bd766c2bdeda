"""Secondary suppression of a count table: which further cells must go so that a hidden one is safe.

A cell that is hidden is still known where its row or column adds up to a printed total. It is safe
when the hidden cells around it can trade units without any printed figure changing. Four hidden
corners of a rectangle can: one more in (r, c), one less in (r, c') and (r', c), one more in
(r', c'). How far they can go bounds how well anyone can know the cell, so a rectangle that reaches
`width` proves that the cell is no better known than that (the hypercube method of Repsilber 1994,
as in tau-ARGUS). The cheapest one is hidden: the fewest and the smallest further cells.

The last column may be the rows' total, which moves with its row: it can be hidden like a cell.

Examples
--------
A 1 that both its row and its column give away; three small cells go with it.

>>> counts = np.array([[1, 4, 9, 14], [8, 3, 7, 18], [9, 9, 9, 27]])
>>> found = suppress(counts, counts < 3, total=True, closed=True, width=3)
>>> found.hidden.astype(int)
array([[1, 1, 0, 0],
       [1, 1, 0, 0],
       [0, 0, 0, 0]])
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rectangle", "Suppression", "suppress"]

_Counts = NDArray[np.int64]
_Mask = NDArray[np.bool_]

type Corner = tuple[int, int]

#: Further than any table lets a trade go.
_MANY: Final = 10**9


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Hidden cells that can trade units: one more in the first means `moves` in the others.

    Parameters
    ----------
    moves : tuple of ((row, column), +1 or -1)
        Every corner with its sign; the first is the cell that is protected.
    room : (int, int)
        How far it goes up and down, as far as tables have been looked at.
    """

    moves: tuple[tuple[Corner, int], ...]
    room: tuple[int, int] = (_MANY, _MANY)

    def within(self, more: _Counts, fewer: _Counts) -> "Rectangle":
        """The same with no more room than its corners have."""
        rooms = {1: more, -1: fewer}
        up = min(int(rooms[sign][corner]) for corner, sign in self.moves)
        down = min(int(rooms[-sign][corner]) for corner, sign in self.moves)
        return replace(self, room=(min(up, self.room[0]), min(down, self.room[1])))

    @property
    def reach(self) -> int:
        """How many values the first cell can have, less one, with all others in their limits."""
        return sum(self.room)


@dataclass(frozen=True, eq=False)
class Suppression:
    """What is hidden of a table.

    Parameters
    ----------
    hidden : (rows, columns) bool array
        Sensitive cells, and those that went with them.
    rectangles : tuple of Rectangle
        Why the sensitive ones are safe.
    complete : bool
        Whether all are; if not, the table must be hidden as a whole.
    """

    hidden: _Mask
    rectangles: tuple[Rectangle, ...]
    complete: bool


def suppress(
    counts: _Counts,
    sensitive: _Mask,
    *,
    total: bool,
    closed: bool,
    width: int,
    most: _Counts | None = None,
    fewest: _Counts | None = None,
    usable: _Mask | None = None,
    forced: tuple[Rectangle, ...] = (),
) -> Suppression:
    """Hide further cells until every sensitive one can have `width` + 1 values or more.

    Parameters
    ----------
    counts : (rows, columns) int array
        The table; where `total`, its last column is the sum of the others.
    sensitive : (rows, columns) bool array
        Cells that must not be known.
    total : bool
        Whether the last column is the rows' total.
    closed : bool
        Whether columns add up to known totals (answers of which each workplace gave one).
    width : int
        Length of the interval that nobody may get below.
    most : (rows, columns) int array, optional
        Largest value that a cell can have; by default without limit.
    fewest : (rows, columns) int array, optional
        Smallest value that a cell is known to have; by default zero.
    usable : (rows,) bool array, optional
        Rows that may be hidden for the sake of others; by default all.
    forced : tuple of Rectangle
        Trades that must be possible because another table needs them, with the room that they
        have here, too.

    Returns
    -------
    Suppression
    """
    more = (counts.sum() + width if most is None else most) - counts
    fewer = counts if fewest is None else counts - fewest
    rows = np.ones(len(counts), bool) if usable is None else usable
    hidden, kept = sensitive.copy(), list(forced)
    complete = all(rectangle.reach >= width for rectangle in forced)
    for rectangle in forced:
        for corner, _ in rectangle.moves:
            hidden[corner] = True
    for at in np.argwhere(sensitive):
        cell = (int(at[0]), int(at[1]))
        possible = [
            (_cost(counts, hidden, rectangle), place, rectangle)
            for place, rectangle in enumerate(
                trade.within(more, fewer)
                for trade in _trades(counts, cell, rows, total=total, closed=closed)
            )
            if rectangle.reach >= width
        ]
        if not possible:
            complete = False
            continue
        *_, best = min(possible)[:3]
        kept.append(best)
        for corner, _ in best.moves:
            hidden[corner] = True
    return Suppression(hidden, tuple(kept), complete)


def _cost(counts: _Counts, hidden: _Mask, rectangle: Rectangle) -> float:
    """Cells that would have to be hidden as well: many and large ones cost more."""
    new = [corner for corner, _ in rectangle.moves if not hidden[corner]]
    return float(sum(np.log2(2.0 + counts[corner]) for corner in new))


def _trades(
    counts: _Counts, cell: Corner, usable: _Mask, *, total: bool, closed: bool
) -> Iterator[Rectangle]:
    """Every trade of one cell that leaves rows and columns as they are."""
    (row, column), (n_rows, n_columns) = cell, counts.shape
    last = n_columns - 1 if total else -1
    # A row without a total has nothing to keep; nor has a column that adds up to nothing known.
    columns = [c for c in range(n_columns) if c != column] if total else [-1]
    rows = [r for r in range(n_rows) if r != row and usable[r]] if closed else [-1]
    if total and n_columns == 1:
        columns = [-1]
    for c, r in product(columns, rows):
        beside = 1 if last in (c, column) else -1  # a total rises with its cells
        moves: list[tuple[Corner, int]] = [(cell, 1)]
        if c >= 0:
            moves.append(((row, c), beside))
        if r >= 0:
            moves.append(((r, column), -1))
        if c >= 0 and r >= 0:
            moves.append(((r, c), -beside))
        yield Rectangle(tuple(moves))
