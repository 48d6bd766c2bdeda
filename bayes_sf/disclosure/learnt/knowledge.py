"""What a reader knows of every workplace's outcome, once rounded figures have left.

Every figure of a Gaussian model is a weighted sum of outcomes, or nearly so where it is a standard
deviation; printed, it is known up to a rounding. A reader who had no more than the spread of the
outcome then knows each workplace as well as Bayes' theorem says. So one rule holds for all
that can be done with figures: means of a few, intercept plus slope, models that differ by a
workplace, mean and sd of three, one figure rounded again and again. A reader may be a workplace,
and know its own outcome as well.

Examples
--------
Means of four, and of three of them: their difference is the fourth, though nobody printed it.

>>> whole, part = np.array([[1, 1, 1, 1.0]]) / 4, np.array([[1, 1, 1, 0.0]]) / 3
>>> known = Knowledge.of_spread(5.0, 4).after(whole, [0.005])
>>> known.spread().round(1).tolist(), known.after(part, [0.005]).spread().round(2).tolist()
([4.1, 4.1, 4.1, 4.1], [3.54, 3.54, 3.54, 0.01])
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_sf.arrays import Floats

__all__ = ["Knowledge"]

#: Times that one figure may leave, each rounded anew: a mean and both limits of its interval.
ROUNDINGS = 3


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Covariance of what a reader does not know.

    Parameters
    ----------
    cov : (n, n) float array
        Of the outcomes of n workplaces, given all that has left; where some have several rows, of
        n rows and then of the means of those who have several.
    """

    cov: Floats

    @classmethod
    def of_spread(
        cls, sd: float | Floats, size: int, whose: NDArray[np.intp] | None = None
    ) -> "Knowledge":
        """Knowledge of no workplace beside how much all of them spread.

        Parameters
        ----------
        sd : float, or (n,) float array
            Of the outcome.
        size : int
            Workplaces, or rows.
        whose : (n,) int array, optional
            Whose each row is, where several may be one's: a row is then as good as half known by
            another of the same, and their mean is not to be known either.

        Examples
        --------
        >>> Knowledge.of_spread(1.0, 3, np.array([0, 0, 1])).cov.tolist()[-1]
        [0.75, 0.75, 0.0, 0.75]
        """
        own = np.broadcast_to(np.asarray(sd, dtype=float), (size,))
        if whose is None:
            return cls(np.diag(own**2))
        alike = whose[:, None] == whose[None, :]
        cov = np.outer(own, own) * (np.eye(size) + alike) / 2
        n = np.bincount(whose)
        means = (np.arange(len(n))[:, None] == whose[None, :])[n > 1] / n[n > 1][:, None]
        both = np.vstack([np.eye(size), means])
        return cls(both @ cov @ both.T)

    def after(self, weights: Floats, half: ArrayLike) -> "Knowledge":
        """Learn figures.

        Parameters
        ----------
        weights : (k, n) float array
            Each figure is a weighted sum of the outcomes.
        half : (k,) float array
            Half a unit of its last digit.

        Returns
        -------
        Knowledge
        """
        weights = self._of_all(weights)
        rough = np.asarray(half, dtype=float) ** 2 / 3 / ROUNDINGS  # of a uniform distribution
        if len(weights) > len(self.cov):  # the same by way of precisions
            sharp = weights / np.sqrt(rough)[:, None]
            found = np.linalg.solve(np.eye(len(self.cov)) + self.cov @ (sharp.T @ sharp), self.cov)
            return Knowledge((found + found.T) / 2)
        gain, told = self._learning(weights, rough)
        return Knowledge(self.cov - gain @ np.linalg.solve(told, gain.T))

    def least_after(self, weights: Floats, half: ArrayLike) -> Floats:
        """Tell quickly how well each outcome is known after some figures, or better.

        Parameters
        ----------
        weights, half
            As in `after`.

        Returns
        -------
        (n,) float array
            No smaller than `spread` is then: for one who knows the outcome that tells most now.
        """
        weights = self._of_all(weights)
        rough = np.asarray(half, dtype=float) ** 2 / 3 / ROUNDINGS
        gain, told = self._learning(weights, rough)
        solved, who = np.linalg.solve(told, gain.T).T, self.tellers
        var = np.diag(self.cov) - (gain * solved).sum(axis=1)
        shared = self.cov[np.arange(len(who)), who] - (gain * solved[who]).sum(axis=1)
        left: Floats = np.sqrt(np.maximum(var - shared**2 / np.maximum(var[who], 1e-12), 0.0))
        return left

    def _of_all(self, weights: Floats) -> Floats:
        """Weights of rows, and none of means."""
        more = len(self.cov) - weights.shape[1]
        return np.pad(weights, ((0, 0), (0, more))) if more else weights

    def _learning(self, weights: Floats, rough: Floats) -> tuple[Floats, Floats]:
        """Covariances of outcomes and figures, and of figures."""
        gain = self.cov @ weights.T
        return gain, weights @ gain + np.diag(rough)

    def spread(self) -> Floats:
        """How well each outcome is known: its standard deviation for one who knows one other's.

        Returns
        -------
        (n,) float array
            The smallest that any other's outcome leaves.
        """
        return self._left

    @cached_property
    def _gained(self) -> Floats:
        """What of each outcome's variance goes with another outcome, had once, (n, n)."""
        gained: Floats = self.cov**2 / np.maximum(np.diag(self.cov), 1e-12)[None, :]
        np.fill_diagonal(gained, -1.0)  # nobody is told by oneself
        return gained

    @cached_property
    def tellers(self) -> NDArray[np.intp]:
        """Which outcome tells most of each, (n,)."""
        return self._gained.argmax(axis=1)

    @cached_property
    def _left(self) -> Floats:
        """The same, had once: it is asked before and after each model."""
        var = np.maximum(np.diag(self.cov), 1e-12)
        gained = np.maximum(self._gained.max(axis=1), 0.0)
        left: Floats = np.sqrt(np.maximum(var - gained, 0.0))
        return left


def as_weights(rows: Floats, places: Sequence[int] | NDArray[np.intp], size: int) -> Floats:
    """Weights of a model's rows as weights of all workplaces.

    Parameters
    ----------
    rows : (k, m) float array
    places : sequence of int
        Of the m rows' workplaces among all.
    size : int
        Number of all.
    """
    whole = np.zeros((len(rows), size))
    whole[:, np.asarray(places)] = rows
    return whole
