"""The printed figures that the replica must return: one target per coefficient table and model.

Estimates, standard errors and limits are printed as fractions in tables 4, 5, 46 and 47 and in
percentage points elsewhere; here everything is in percentage points, and what rounding allows of a
coefficient is a polygon in (estimate, se) (`bayes_sf.inputs.region`).
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.published import DECIMALS, published_table, rounding_interval
from bayes_sf.inputs.region import coefficient_region

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FIGURES", "Target", "targets"]

#: The five printed figures of a coefficient, in the report's order.
FIGURES = ("estimate", "se", "t", "ci_low", "ci_high")

_POINTS = {"fraction": 100.0, "pp": 1.0}
# Part of a rounding interval kept free at each end, so that rounding the outcomes moves no digit.
_MARGIN = 0.015


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
        Printed t values.
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


def _se_range(table: str, figures: tuple[str, ...]) -> tuple[float, float]:
    """Range of standard errors allowed by the five printed figures, in the printed unit."""
    decimals = DECIMALS[table]
    allowed = {
        name: rounding_interval(text, decimals=decimals)
        for name, text in zip(FIGURES, figures, strict=True)
    }
    # The t actually reached is the printed one, so the segment at that t is what matters; the full
    # window is used only where rounding of t itself is needed to reconcile the figures.
    t = float(figures[FIGURES.index("t")])
    for window in ((t - 2e-4, t + 2e-4), allowed["t"]):
        region = coefficient_region(
            allowed["estimate"],
            allowed["se"],
            t=window,
            ci_low=allowed["ci_low"],
            ci_high=allowed["ci_high"],
        )
        if not region.empty:
            return region.se
    return allowed["se"]


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
        ranges = np.array([_se_range(str(table), figures) for figures in printed]) * points
        pad = _MARGIN * (ranges[:, 1] - ranges[:, 0])
        found.append(
            Target(
                table=str(table),
                question=str(question),
                outcome=f"absence_{rows['outcome'].iloc[0]}",
                terms=tuple(rows["term"]),
                printed=printed,
                points=points,
                t=np.array([float(figures[2]) for figures in printed]),
                se_low=ranges[:, 0] + pad,
                se_high=ranges[:, 1] - pad,
            )
        )
    return tuple(found)
