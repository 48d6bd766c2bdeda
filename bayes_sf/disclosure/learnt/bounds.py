"""Between which limits an outcome lies, for a reader who knows that rounding errors have limits.

Bayes' theorem (`knowledge.py`) takes rounding errors for noise, and outcomes for normal. A reader
with linear programs uses more: no error is larger than half a unit, and absence is not below zero.
Where an outcome is nearly known too well, that is asked as well, of whoever knows the one
other outcome that tells most of it.
"""

from typing import Final, NamedTuple

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.disclosure.learnt.knowledge import Knowledge

__all__ = ["is_wide"]

#: What scipy's `milp` calls unbounded, and unbounded or without a solution: the outcomes are one.
_UNBOUNDED: Final = (3, 4)
#: How often outcomes are held that would come below what none can be, and how many figures, those
#: that move most, are moved back.
_TRIES, _MOVED = 8, 10


class _Fits(NamedTuple):
    """What fits all that is told, in what outcomes are moved by, and figures by in half units."""

    sharp: Floats
    fewer: Floats
    more: Floats
    lowest: Floats
    held: list[int]


def is_wide(
    at: int, known: Knowledge, weights: Floats, half: Floats, y: Floats, *, least: float, low: float
) -> bool:
    """Whether nothing contradicts an outcome within an interval that is wide enough.

    Parameters
    ----------
    at : int
        Whose outcome.
    known : Knowledge
        What readers know of this outcome and all others.
    weights : (k, n) float array
        Each figure is a weighted sum of the outcomes.
    half : (k,) float array
        Half a unit of its last digit.
    y : (n,) float array
        Outcomes.
    least : float
        Half of the interval that there must be.
    low : float
        What everybody knows no outcome to be below.

    Examples
    --------
    A mean of three, good to half a unit, tells nothing of one to who knows another; that none is
    below zero says that it is between 0 and 10.5.

    >>> y, mean, half = np.array([9.0, 0.0, 0.0]), np.ones((1, 3)) / 3, np.array([0.5])
    >>> known = Knowledge.of_spread(5.0, 3).after(mean, half)
    >>> [is_wide(0, known, mean, half, y, least=5.5, low=low) for low in (-np.inf, 0.0)]
    [True, False]
    """
    exact = weights @ y / half
    printed = 2 * np.round(exact / 2)
    other = int(known.tellers[at])
    held = [other] if other < len(y) else []  # or somebody who is no longer here
    fits = _Fits(weights / half[:, None], printed - 1 - exact, printed + 1 - exact, low - y, held)
    few = _directions(at, known, fits, least)
    return _width(at, few, fits) >= 2 * least or _width(at, _all(fits), fits) >= 2 * least


def _directions(at: int, known: Knowledge, fits: _Fits, least: float) -> Floats:
    """Ways in which outcomes move most easily with one of them, (n, few).

    A program over these alone takes little time, and finds nearly all of the interval.
    """
    size, held = len(fits.lowest), [*fits.held]
    cov = known.cov[:size, :size]
    for _ in range(_TRIES):
        left = cov - cov[:, held] @ np.linalg.pinv(cov[np.ix_(held, held)]) @ cov[held]
        along = left[:, at] * 2 * least / max(left[at, at], _NOTHING)
        below = np.flatnonzero(-np.abs(along) < fits.lowest)
        if at in below or not np.setdiff1d(below, held).size:
            break
        held += below.tolist()
    middle = fits.sharp.T @ (fits.fewer + fits.more)
    most = np.argsort(-np.abs(fits.sharp @ along))[:_MOVED]
    found: Floats = np.column_stack([along, left @ middle, left @ fits.sharp[most].T])
    found[held] = 0.0
    basis, sizes, _ = np.linalg.svd(found / np.maximum(np.abs(found).max(axis=0), _NOTHING), False)
    return basis[:, sizes > _NOTHING * sizes[0]]


#: Of a variance, or of the longest direction: less is nothing.
_NOTHING: Final = 1e-9


def _all(fits: _Fits) -> Floats:
    """Every outcome by itself, but whose is known."""
    found: Floats = np.delete(np.eye(len(fits.lowest)), fits.held, axis=1)
    return found


def _width(at: int, ways: Floats, fits: _Fits) -> float:
    """How wide the interval is, by linear programs over some ways to move outcomes."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    highest = np.full(len(fits.lowest), np.inf)
    rounded = LinearConstraint(
        np.vstack([fits.sharp @ ways, ways]),
        np.append(fits.fewer, fits.lowest), np.append(fits.more, highest),
    )  # fmt: skip
    free, width = Bounds(-np.inf, np.inf), 0.0
    for sign in (1.0, -1.0):
        solved = milp(
            sign * ways[at], bounds=free, constraints=rounded, options={"presolve": False}
        )
        if solved.fun is None:  # what is not solved is not let pass
            return np.inf if solved.status in _UNBOUNDED else 0.0
        width -= solved.fun
    return width
