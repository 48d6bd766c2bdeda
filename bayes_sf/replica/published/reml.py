"""REML of a random intercept from sufficient statistics, for a batch of models at once.

The replica is found by solving for outcomes whose REML fits print as the report's tables do, and a
solver calls REML thousands of times: here the closed form runs on arrays with leading batch axes.
The package's own estimator (`bayes_sf.engines`) is another implementation, and the tests hold the
two against each other.

With A = [X y], groups j of n_j rows with column sums s_j, and lambda = (tau / sigma)^2:

    S(lambda) = A'A - sum_j w_j s_j s_j',          w_j = lambda / (1 + n_j lambda)
    -2 l_R    = (n - k) ln RSS + sum_j ln(1 + n_j lambda) + ln |S_xx| + constant
    RSS       = S_yy - S_yx S_xx^-1 S_xy

(Bates, Maechler, Bolker & Walker 2015, profiled as in `notes/statistics.md`). The score, its
derivative in lambda, is closed too: dS/dlambda = -sum_j s_j s_j' / (1 + n_j lambda)^2.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Array = NDArray[np.float64]

__all__ = ["Fit", "Sums", "fit", "sums"]

# Values of lambda between which the restricted likelihood is scanned before its root is polished.
_GRID = np.concatenate([[0.0], np.geomspace(1e-4, 30.0, 26)])
_POLISHING_STEPS = 14


@dataclass(frozen=True)
class Sums:
    """What a random-intercept model sees of its rows; leading axes are batches.

    Parameters
    ----------
    groups : (..., J, K) float array
        Column sums of [X y] per group; the first column of X is the intercept, so that groups[...,
        0] are the group sizes.
    products : (..., K, K) float array
        Cross products [X y]'[X y] over all rows.
    """

    groups: "Array"
    products: "Array"


@dataclass(frozen=True)
class Fit:
    """REML estimates; leading axes are batches.

    Parameters
    ----------
    ratio : (...,) float array
        lambda, the variance between groups over the variance within.
    within : (...,) float array
        sigma^2, in squared units of y.
    estimate, se : (..., k) float array
        Fixed effects and their standard errors.
    slope_at_zero : (...,) float array
        Derivative of -2 l_R at lambda = 0: positive where REML sits at the boundary.
    """

    ratio: "Array"
    within: "Array"
    estimate: "Array"
    se: "Array"
    slope_at_zero: "Array"

    @property
    def t(self) -> "Array":
        """Estimate over standard error."""
        return self.estimate / self.se


def sums(design: "Array", outcome: "Array", group: "NDArray[np.intp]", n_groups: int) -> Sums:
    """Sum rows into the sufficient statistics of one model.

    Parameters
    ----------
    design : (n, k) float array
        Intercept first.
    outcome : (n,) float array
    group : (n,) int array
        0 to n_groups - 1; a group may be empty.
    n_groups : int

    Returns
    -------
    Sums
        Without batch axes.
    """
    rows = np.column_stack([design, outcome])
    groups = np.zeros((n_groups, rows.shape[1]))
    np.add.at(groups, group, rows)
    return Sums(groups, rows.T @ rows)


def _profile(ratio: "Array", data: Sums) -> tuple["Array", "Array", "Array", "Array", "Array"]:
    """Deviance, score, estimate, residual variance and S_xx^-1 at given ratios."""
    size = data.groups[..., 0]
    n_fixed = data.products.shape[-1] - 1
    spare = size.sum(-1) - n_fixed
    growth = 1.0 + size * ratio[..., None]
    shrunk = data.groups * np.sqrt(ratio[..., None] / growth)[..., None]
    inner = data.products - np.swapaxes(shrunk, -1, -2) @ shrunk
    scaled = data.groups / growth[..., None]
    change = -np.swapaxes(scaled, -1, -2) @ scaled

    inverse = np.linalg.inv(inner[..., :n_fixed, :n_fixed])
    estimate = (inverse @ inner[..., :n_fixed, n_fixed:])[..., 0]
    contrast = np.concatenate([-estimate, np.ones((*estimate.shape[:-1], 1))], axis=-1)
    residual = np.einsum("...a,...a->...", contrast, inner[..., n_fixed])
    lost = np.einsum("...a,...ab,...b->...", contrast, change, contrast)
    score = (
        spare * lost / residual
        + (size / growth).sum(-1)
        + np.einsum("...ab,...ba->...", inverse, change[..., :n_fixed, :n_fixed])
    )
    deviance = (
        spare * np.log(residual) + np.log(growth).sum(-1) - np.linalg.slogdet(inverse).logabsdet
    )
    return deviance, score, estimate, residual / spare, inverse


def _root(data: Sums, low: "Array", high: "Array") -> "Array":
    """Where the score is zero between `low` and `high`: regula falsi, Illinois variant."""
    score_low, score_high = _profile(low, data)[1], _profile(high, data)[1]
    last = np.zeros(low.shape)
    middle = (low + high) / 2
    for _ in range(_POLISHING_STEPS):
        gap = score_high - score_low
        crossing = (low * score_high - high * score_low) / np.where(gap > 0, gap, 1.0)
        middle = np.where(gap > 0, np.clip(crossing, low, high), middle)
        score = _profile(middle, data)[1]
        below = score < 0
        # An end that stays twice running has its score halved, so that it moves next time.
        side = np.where(below, 1.0, -1.0)
        score_high = np.where(below, np.where(last == side, score_high / 2, score_high), score)
        score_low = np.where(below, score, np.where(last == side, score_low / 2, score_low))
        low, high, last = np.where(below, middle, low), np.where(below, high, middle), side
    return middle


def fit(data: Sums) -> Fit:
    """Maximise the restricted likelihood of every model of a batch.

    Parameters
    ----------
    data : Sums
        Any batch axes; all models with the same number of columns and groups.

    Returns
    -------
    Fit
        With lambda = 0 wherever the likelihood falls from there on.

    Examples
    --------
    Two groups of two: 0.5 within, and 4.5 - 0.5 / 2 between.

    >>> y = np.array([1.0, 2.0, 4.0, 5.0])
    >>> one = fit(sums(np.ones((4, 1)), y, np.array([0, 0, 1, 1]), 2))
    >>> round(float(one.within), 6), round(float(one.ratio * one.within), 6)
    (0.5, 4.25)
    """
    batch = data.products.shape[:-2]
    scan = np.stack([_profile(np.full(batch, value), data)[0] for value in _GRID], axis=-1)
    best = scan.argmin(-1)
    low, high = _GRID[np.maximum(best - 1, 0)], _GRID[np.minimum(best + 1, len(_GRID) - 1)]
    at_zero = _profile(np.zeros(batch), data)[1]
    boundary = (best <= 1) & (at_zero >= 0)
    ratio = np.where(boundary, 0.0, _root(data, low, high))
    _, _, estimate, within, inverse = _profile(ratio, data)
    se = np.sqrt(within[..., None] * np.diagonal(inverse, axis1=-2, axis2=-1))
    return Fit(ratio, within, estimate, se, at_zero)
