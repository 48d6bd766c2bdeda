"""The printed figures that the replica must return: one target per coefficient table and model.

Estimates, standard errors and limits are printed as fractions in tables 4, 5, 46 and 47 and in
percentage points elsewhere; here everything is in percentage points, and what rounding allows of a
coefficient is a polygon in (estimate, se) (`bayes_sf.recovery.region`).
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.published import DECIMALS, published_table, rounding_interval
from bayes_sf.recovery.region import Region, coefficient_region

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FIGURES", "Target", "targets"]

#: The five printed figures of a coefficient, in the report's order.
FIGURES = ("estimate", "se", "t", "ci_low", "ci_high")

_POINTS = {"fraction": 100.0, "pp": 1.0}
# Kept free at each end of a range of standard errors, so that rounding the outcomes moves no
# digit: a part of the range, and no more than a part of the standard error.
_MARGIN, _LARGEST_MARGIN = 0.35, 2e-4
# Part of the interval of t, to each side of its middle, at which standard errors are read.
_T_PART = 0.2


@dataclass(frozen=True)
class Target:
    """One published model.

    Parameters
    ----------
    table, question : str
        As in `data/published/coefficients.csv`.
    outcome : str
        "absence_mean" or "absence_change".
    terms : tuple of str
        Printed terms, intercept first.
    printed : tuple of tuple of str
        Per term the five figures as printed.
    points : float
        Percentage points per printed unit.
    t : (k,) float array
        t values to aim at, within the rounding of the printed ones.
    se_low, se_high : (k,) float array
        Standard errors, in percentage points, that all five figures of a term allow; where they
        contradict each other, what the printed standard error allows.
    """

    table: str
    question: str
    outcome: str
    terms: tuple[str, ...]
    printed: tuple[tuple[str, ...], ...]
    points: float
    t: "NDArray[np.float64]"
    se_low: "NDArray[np.float64]"
    se_high: "NDArray[np.float64]"


def _aim(table: str, figures: tuple[str, ...]) -> tuple[float, float, float]:
    """T to aim at and the range of standard errors at that t, in the printed unit.

    The printed t is the middle of its rounding interval; where the other figures are fine enough
    to narrow that interval, the aim is the middle of what they leave.
    """
    allowed = {
        name: rounding_interval(text, decimals=DECIMALS[table])
        for name, text in zip(FIGURES, figures, strict=True)
    }

    def region(t: tuple[float, float]) -> Region:
        return coefficient_region(
            allowed["estimate"],
            allowed["se"],
            t=t,
            ci_low=allowed["ci_low"],
            ci_high=allowed["ci_high"],
        )

    corners = region(allowed["t"]).vertices
    if not len(corners):
        return float(figures[FIGURES.index("t")]), *allowed["se"]
    ratios = corners[:, 0] / corners[:, 1]
    low, high = float(ratios.min()), float(ratios.max())
    middle, part = (low + high) / 2, _T_PART * (high - low)
    return middle, *region((middle - part, middle + part)).se


@cache
def targets() -> tuple[Target, ...]:
    """Read all printed models: figure 5 and tables 3, 4, 5, 46 and 47.

    Returns
    -------
    tuple of Target
        In the order of `data/published/coefficients.csv`.

    Examples
    --------
    >>> sum(len(target.terms) for target in targets())
    148
    """
    frame = published_table("coefficients")
    found = []
    for (table, question), rows in frame.groupby(["table", "question"], sort=False):
        printed = tuple(tuple(row) for row in rows[list(FIGURES)].itertuples(index=False))
        points = _POINTS[rows["unit"].iloc[0]]
        aims = np.array([_aim(str(table), figures) for figures in printed])
        ranges = aims[:, 1:] * points
        pad = np.minimum(_MARGIN * np.diff(ranges)[:, 0], _LARGEST_MARGIN * ranges[:, 0])
        found.append(
            Target(
                table=str(table),
                question=str(question),
                outcome=f"absence_{rows['outcome'].iloc[0]}",
                terms=tuple(rows["term"]),
                printed=printed,
                points=points,
                t=aims[:, 0],
                se_low=ranges[:, 0] + pad,
                se_high=ranges[:, 1] - pad,
            )
        )
    return tuple(found)
